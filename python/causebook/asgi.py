"""Middleware for FastAPI, Starlette and every other ASGI application: requests become decisions on record.

    app.add_middleware(CausebookMiddleware, book=book, model="credit@3", paths=["/score"])

With a `model`, a request to one of the paths is a decision: its body the input, the body of the response the output. The
record is made before the last piece of the response is passed on. Without a `model`, nothing is recorded here; models
that record themselves inside a request carry its context in either case: request id, trace id, actor.

Bodies pass through as they come, piece by piece. Of each no more than a bound is kept to be recorded; of a longer one
its size and digest are recorded. Websockets and the application's lifespan are not touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import inspect
import json
import re
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any

from causebook._context import context, last_decision
from causebook._failures import failed, guarded
from causebook._held import Rules
from causebook._shapes import is_list, is_mapping

__all__ = ["CausebookMiddleware"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_BYTES_MAX = 256 * 1024


class CausebookMiddleware:
    """Wraps an ASGI application.

    Args:
        app: the application.
        book: where decisions are recorded.
        model: the model that decides, as in `book.record`, or a function of the scope that names it; `None` to record
            no request and only give context to what records itself inside.
        paths: which requests: `/score`, `/models/{name}/score` (a segment), `/v1/*` (all below), `!/v1/health` (not
            this one). All if not given.
        methods: which methods.
        exclude, mask, hash: fields of input and output, such as `applicant.ssn` or `items.*.name`, that are left out,
            replaced by `{"masked": true}`, or by their HMAC-SHA256 under the `hash_key` of the book.
        actor: a function, or coroutine function, of the scope that says who calls.
        subject: a function of the input that says whom the decision concerns, or the name of a field.
        decision, score: a function of the output, or the name of a field.
        parameters: recorded with each decision.
        header: the response header with the id of the decision; `None` for none.
        body_bytes_max: how much of a body is kept.
        in_thread: whether to record in a thread, so that the event loop does not wait for the record; by default only
            if the book waits for the ledger.
    """

    def __init__(
        self,
        app: App,
        book: Any,
        *,
        model: Any = None,
        paths: Sequence[str] | None = None,
        methods: Collection[str] = ("POST", "PUT", "PATCH"),
        exclude: Collection[str] = (),
        mask: Collection[str] = (),
        hash: Collection[str] = (),
        actor: Callable[[Scope], Any] | None = None,
        subject: str | Callable[[Any], Any] | None = None,
        decision: str | Callable[[Any], Any] | None = None,
        score: str | Callable[[Any], Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        header: str | None = "Causebook-Decision",
        body_bytes_max: int = BODY_BYTES_MAX,
        in_thread: bool | None = None,
    ) -> None:
        self.app = app
        self.book = book
        self.model = model
        self.held = Held(book, exclude, mask, hash)
        self.rules = {"subject": subject, "decision": decision, "score": score}
        self.parameters = dict(parameters or {})
        self.header = header.lower().encode("ascii") if header else None
        self.body_bytes_max = body_bytes_max
        self.in_thread = _waits(book) if in_thread is None else in_thread
        self._actor = actor
        self._methods = frozenset(method.upper() for method in methods)
        self._included = [_pattern(path) for path in paths or () if not path.startswith("!")]
        self._excluded = [_pattern(path[1:]) for path in paths or () if path.startswith("!")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http" or not self._concerns(scope):
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, receive, send)
        with await self._around(exchange):
            await exchange.run()

    def _concerns(self, scope: Scope) -> bool:
        path = scope["path"]
        if scope["method"] not in self._methods or any(pattern.fullmatch(path) for pattern in self._excluded):
            return False
        return not self._included or any(pattern.fullmatch(path) for pattern in self._included)

    async def _around(self, exchange: _Exchange) -> contextlib.AbstractContextManager[Any]:
        """What holds for everything that is recorded inside the request."""
        scope = exchange.scope
        members: dict[str, Any] = {"request_id": exchange.request_id}
        if (trace := _trace_id(scope)) is not None:
            members["trace_id"] = trace
        if self._actor is not None:
            try:
                actor = self._actor(scope)
                members["actor"] = await actor if inspect.isawaitable(actor) else actor
            except Exception as error:
                _tell(self.book, error)
        return context(**members)


class _Exchange:
    """One request and its response."""

    def __init__(self, middleware: CausebookMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.request_id = _header(scope, b"x-request-id") or uuid.uuid4().hex
        self._middleware = middleware
        self._receive = receive
        self._send = send
        self._began = time.perf_counter()
        self._request = _Body(middleware.body_bytes_max)
        self._response = _Body(middleware.body_bytes_max)
        self._status: int | None = None
        self._response_headers: Sequence[tuple[bytes, bytes]] = ()
        self._recorded = middleware.model is None
        self._id = middleware.book._new_id() if middleware.model is not None else None
        self._last = last_decision()

    async def run(self) -> None:
        try:
            await self._middleware.app(self.scope, self._receiving, self._sending)
        except BaseException as error:
            await self._record(error)
            raise
        # An application that ended without ending its response.
        await self._record(None)

    async def _receiving(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._request.add(message.get("body", b""))
        return message

    async def _sending(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._response_headers = list(message.get("headers", ()))
            message = self._with_id(message)
        elif message["type"] == "http.response.body":
            self._response.add(message.get("body", b""))
            if not message.get("more_body", False):
                await self._record(None)
        await self._send(message)

    def _with_id(self, message: Message) -> Message:
        """The start of the response with the id of the decision: of this one, or of the one made inside."""
        header = self._middleware.header
        last = last_decision()
        decision = self._id or (last if last != self._last else None)
        if header is None or not decision:
            return message
        return {**message, "headers": [*self._response_headers, (header, decision.encode("ascii", "replace"))]}

    async def _record(self, error: BaseException | None) -> None:
        if self._recorded:
            return
        self._recorded = True
        book = self._middleware.book
        members = guarded(book, functools.partial(self._members, error))
        if members is None:
            return
        record = functools.partial(guarded, book, functools.partial(book.record, **members))
        if self._middleware.in_thread and not isinstance(error, asyncio.CancelledError):
            await asyncio.to_thread(record)
        else:
            record()

    def _members(self, error: BaseException | None) -> dict[str, Any]:
        middleware = self._middleware
        model = middleware.model(self.scope) if callable(middleware.model) else middleware.model
        raw = self._request.value(self.scope.get("headers", ()), middleware.held) or _query(self.scope)
        given = middleware.held.back(raw)
        answered = self._response.value(self._response_headers, middleware.held)
        context: dict[str, Any] = {"http": self._about(), "request_id": self.request_id, **middleware.held.said}
        members: dict[str, Any] = {"id": self._id, "model": model, "input": given, "context": context}
        if middleware.parameters:
            members["parameters"] = dict(middleware.parameters)
        if (subject := _picked(middleware.rules["subject"], raw)) is not None:
            members["subject"] = subject
        if error is not None:
            return {**members, **failed(error, context)}
        members["output"] = middleware.held.back(answered)
        if self._status is None or not 200 <= self._status < 300:
            context["error"] = {"type": "http", "message": f"the response has status {self._status}"}
            return members
        for name in ("decision", "score"):
            if (picked := _picked(middleware.rules[name], answered)) is not None:
                members[name] = picked
        return members

    def _about(self) -> dict[str, Any]:
        about: dict[str, Any] = {"method": self.scope["method"], "path": self.scope["path"]}
        # Frameworks leave the route that they have found in the scope.
        template = getattr(self.scope.get("route"), "path", None)
        if isinstance(template, str):
            about["route"] = template
        if self._status is not None:
            about["status"] = self._status
        about["duration_ms"] = round((time.perf_counter() - self._began) * 1_000, 3)
        return about


class _Body:
    """The beginning of a body, and of all of it size and digest."""

    def __init__(self, kept_max: int) -> None:
        self._kept = bytearray()
        self._kept_max = kept_max
        self._size = 0
        self._digest = hashlib.sha256()

    def add(self, piece: bytes) -> None:
        room = self._kept_max - len(self._kept)
        self._kept += piece[:room]
        self._size += len(piece)
        self._digest.update(piece)

    def value(self, headers: Sequence[tuple[bytes, bytes]], held: Held) -> Any:
        """The body as a value: JSON parsed, a text as it is, anything else as bytes; an excerpt if it was too long."""
        if not self._size:
            return None
        media_type = _of(headers, b"content-type").partition(";")[0].strip().lower()
        whole = self._size == len(self._kept)
        encoded = _of(headers, b"content-encoding")
        if whole and not encoded and (media_type.endswith("json") or not media_type):
            with contextlib.suppress(ValueError, RecursionError):
                return json.loads(self._kept)
        about = Excerpt({"media_type": media_type, "size": self._size})
        if encoded:
            about["content_encoding"] = encoded
        if held:
            # What cannot be taken apart is not recorded in part, nor a digest of it, which could be guessed.
            about["withheld"] = True
            return about
        about["digest"] = f"sha256:{self._digest.hexdigest()}"
        about["body" if whole else "beginning"] = self._content(media_type, bool(encoded))
        return about

    def _content(self, media_type: str, encoded: bool) -> str | bytes:
        text = media_type.startswith("text/") or media_type.endswith(("json", "xml", "x-www-form-urlencoded"))
        return bytes(self._kept) if encoded or not text else self._kept.decode("utf-8", "replace")


class Held:
    """What of bodies is held back."""

    def __init__(self, book: Any, exclude: Collection[str], mask: Collection[str], hash: Collection[str]) -> None:
        # Bodies may be lists: rules are for members of an object.
        exclude, mask, hash = ([f"body.{path}" for path in paths] for paths in (exclude, mask, hash))
        self._rules = Rules(exclude=exclude, mask=mask, hash=hash, rename={}, key=getattr(book, "_hash_key", None))
        says = self._rules.says.items()
        paths = {how: [path[5:] for path in what] if is_list(what) else what for how, what in says}
        self.said: dict[str, Any] = {"held_back": paths} if paths else {}

    def __bool__(self) -> bool:
        return bool(self.said)

    def back(self, value: Any) -> Any:
        """The value without it."""
        if not self or isinstance(value, Excerpt):
            return value
        held: Any = self._rules.apply({"body": value})
        return held["body"]


class Excerpt(dict[str, Any]):
    """Stands for a body that is not recorded as a value."""


def _waits(book: Any) -> bool:
    """Whether recording waits for the ledger, which an event loop should not."""
    return getattr(getattr(book, "_settings", None), "delivery", None) == "receipt"


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]*\}|\*)", path)
    known = {"*": ".*"}
    return re.compile(
        "".join(known.get(part) or ("[^/]+" if part.startswith("{") else re.escape(part)) for part in parts)
    )


def _picked(rule: str | Callable[[Any], Any] | None, value: Any) -> Any:
    if rule is None:
        return None
    if callable(rule):
        return rule(value)
    for name in rule.split("."):
        if not is_mapping(value) or name not in value:
            return None
        value = value[name]
    return value


def _query(scope: Scope) -> Any:
    """The query, which is the input of a request without a body."""
    from urllib.parse import parse_qs

    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return {name: values[0] if len(values) == 1 else values for name, values in query.items()} or None


def _header(scope: Scope, name: bytes) -> str | None:
    value = _of(scope.get("headers", ()), name)
    # A caller's own id is taken if it is plain.
    return value if re.fullmatch(r"[A-Za-z0-9._:/=+-]{1,128}", value) else None


def _of(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")


def _trace_id(scope: Scope) -> str | None:
    """The trace id of W3C Trace Context, unless OpenTelemetry has a span: then that is recorded."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is not None and trace.get_current_span().get_span_context().is_valid:
        return None
    found = re.fullmatch(
        r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*", _of(scope.get("headers", ()), b"traceparent")
    )
    return found[1] if found and found[1] != "0" * 32 else None


def _tell(book: Any, error: Exception) -> None:
    def fail() -> None:
        raise error

    guarded(book, fail)
