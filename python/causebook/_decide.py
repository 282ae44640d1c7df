"""`with book.decide(…) as d`: a block is one decision, which is recorded when it ends, however it ends."""

from __future__ import annotations

import logging
import mimetypes
import os
from collections.abc import Callable, Iterable, Mapping
from contextvars import Token
from pathlib import Path
from types import TracebackType

from causebook._context import Parent, current, last
from causebook._errors import RecordError
from causebook._held import Rules, listed, secret
from causebook._labels import actor_of, automation_of, label, model_of, score_of
from causebook._seam import MISSING, Missing, Recorded, Seam, failure_of, not_captured, submitted, type_name


class DecideFace(Seam):
    """`book.decide`."""

    def decide(
        self,
        model: str | Mapping[str, object],
        version: str | None = None,
        digest: str | None = None,
        *,
        id: str | None = None,
        subject: object = None,
        actor: str | Mapping[str, object] | None = None,
        automation: str | None = None,
        parameters: Mapping[str, object] | None = None,
        data: Mapping[str, object] | list[object] | None = None,
        context: Mapping[str, object] | None = None,
        exclude: Iterable[str] = (),
        mask: Iterable[str] = (),
        hash: Iterable[str] = (),
        hash_key: bytes | str | None = None,
        rename: Mapping[str, str] | None = None,
        error_messages: bool | None = None,
    ) -> Draft:
        """A decision that takes more than one call.

        >>> with book.decide(model="credit@v1.2", subject="applicant-7") as d:
        ...     d.input(age=30, income=38_000)
        ...     p = 0.52
        ...     d.output(p=p)
        ...     d.decision("deny" if p > 0.4 else "approve")
        ...     d.score(p)
        ...     d.explain({"method": "weights", "attributions": {"income": -0.38}})
        >>> book.get(d.id).decision
        'deny'

        It is recorded when the block ends. If the block raises, the decision has what was given until then, the error
        in `context.error`, and null for an output that was not given; the exception goes on as it is. `async with`
        works too. `d.id` is there from the start. Decisions that are made inside name it in `context.parent_id`.

        `exclude`, `mask`, `hash`, `hash_key`, `rename` and `error_messages` are those of `book.decision`; their paths
        begin in the input.
        """
        draft = Draft(self, str(id) if id else self._new_id())
        try:
            draft._settle(
                model_of(model, version, digest),
                Rules(
                    exclude=listed("exclude", exclude),
                    mask=listed("mask", mask),
                    hash=listed("hash", hash),
                    rename=dict(rename or {}),
                    key=secret("hash_key", hash_key) or self._hash_key,
                ),
                error_messages,
            )
        except Exception as error:
            self._fail(not_captured(f"decision {draft.id} will not be recorded", error))
            return draft
        if subject is not None:
            draft.subject(subject)
        if actor is not None:
            draft.actor(actor)
        if automation is not None:
            draft.automation(automation)
        if parameters is not None:
            draft.parameters(parameters)
        if data is not None:
            draft.data(data)
        if context is not None:
            draft.context(context)
        return draft


class Draft:
    """A decision until it is recorded. Values are taken as they are when given; of the same member the last counts.

    No method raises unless the book is strict: what cannot be recorded is in the log and in `book.counters`.
    """

    def __init__(self, book: Seam, id: str) -> None:
        self._book = book
        self._id = id
        self._members: dict[str, object] = {}
        self._rules: Rules | None = None
        self._tells_messages = True
        self._named: dict[str, dict[str, object]] = {}
        self._lacking: dict[str, object] = {}
        self._attachments: dict[str, dict[str, object]] = {}
        self._token: Token[Parent | None] | None = None
        self._recorded: Recorded | None = None
        self._ended = False

    def _settle(self, model: dict[str, object], rules: Rules, error_messages: bool | None) -> None:
        """Makes it a decision that can be recorded."""
        self._members["model"] = model
        self._rules = rules
        self._tells_messages = not rules.hold_back if error_messages is None else error_messages

    @property
    def id(self) -> str:
        """The id of the decision, known before it is recorded."""
        return self._id

    @property
    def recorded(self) -> Recorded | None:
        """The record, once the block has ended and if it could be made."""
        return self._recorded

    def identify(self) -> str | None:
        return None if self._rules is None or (self._ended and self._recorded is None) else self._id

    def input(self, value: object = MISSING, /, **members: object) -> None:
        """What the model is asked: a value, or members by name. Members that are given later are added."""
        self._take("input", lambda: self._book._encode(self._held_back(self._whole("input", value, members))))

    def output(self, value: object = MISSING, /, **members: object) -> None:
        """What the model answered: a value, or members by name. Members that are given later are added."""
        self._take("output", lambda: self._book._encode(self._whole("output", value, members)))

    def decision(self, value: object) -> None:
        """The decision in a word."""
        self._take("decision", lambda: label("decision", value))

    def score(self, value: object) -> None:
        """The number behind the decision."""
        self._take("score", lambda: score_of("score", value))

    def subject(self, value: object) -> None:
        """Whom it is about."""
        self._take("subject", lambda: label("subject", value))

    def actor(self, value: object) -> None:
        """Who asked: a name, or a dict."""
        self._take("actor", lambda: actor_of(value))

    def automation(self, value: object) -> None:
        """How much of it a machine decided: `sole`, `assisted` or `human`."""
        self._take("automation", lambda: automation_of(value))

    def explain(self, value: object) -> None:
        """Why: a dict such as `{"method": …, "reasons": […], "attributions": {…}}`, or an `Explanation` of SHAP."""
        self._take("explanation", lambda: self._book._encode(self._book._explanation(value)))

    def parameters(self, value: Mapping[str, object] | None = None, /, **members: object) -> None:
        """Thresholds, versions of policies and prompts, temperature, seed. Those given later are added."""
        self._take("parameters", lambda: self._book._encode(self._with("parameters", value, members)))

    def context(self, value: Mapping[str, object] | None = None, /, **members: object) -> None:
        """What is your own. Members that are given later are added."""
        self._take("context", lambda: self._with("context", value, members))

    def data(self, value: object) -> None:
        """Datasets, feature pipelines, code: a dict or a list."""
        self._take("data", lambda: self._book._encode(value))

    def attach(self, name: str, content: bytes | str | os.PathLike[str], media_type: str | None = None) -> None:
        """A file kept beside the record: its bytes, or its path, from which it is read now. A name stands for one."""
        self._take("attachments", lambda: self._attached(name, content, media_type))

    def __enter__(self) -> Draft:
        if self._ended or self._token is not None:
            self._book._fail(
                RecordError(f"decision {self._id}: a block is entered once; call book.decide for each decision")
            )
        else:
            self._token = current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._ended:
            return
        self._ended = True
        self._leave()
        if self._rules is None:
            # That it will not be recorded was told when it was begun.
            last.set(None)
            return
        if error is None:
            self._end(None)
            return
        try:
            self._end(error)
        except Exception:
            # The caller gets the error of the block, not one of ours.
            _log.exception("decision %s, which failed with %s, could not be recorded", self._id, type_name(error))

    async def __aenter__(self) -> Draft:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def _leave(self) -> None:
        if self._token is not None:
            try:
                current.reset(self._token)
            except ValueError:
                # A coroutine that is thrown away ends in the context of whoever collects it.
                pass

    def _end(self, error: BaseException | None) -> None:
        members = self._members
        if error is None and not any(member in members for member in ("input", "output", "decision")):
            last.set(None)
            self._book._fail(
                RecordError(
                    f"decision {self._id}: neither input nor output nor decision was given, so nothing is recorded"
                )
            )
            return
        more: dict[str, object] = {"not_captured": self._lacking} if self._lacking else {}
        if error is not None:
            more.update(failure_of(error, message=self._tells_messages))
            members.setdefault("output", None)
        if self._rules is not None and self._rules.hold_back:
            more["held_back"] = self._rules.says
        if more:
            members["context"] = self._with("context", more, {})
        members["id"] = self._id
        try:
            self._recorded = submitted(self._book, "decision", members) or None
        finally:
            last.set(self._recorded)

    def _take(self, member: str, make: Callable[[], object]) -> None:
        if self._rules is None:
            return
        if self._ended:
            self._book._fail(
                RecordError(f"decision {self._id}: {member} was given after it was recorded; give it inside the block")
            )
            return
        try:
            self._members[member] = make()
            self._lacking.pop(member, None)
        except Exception as error:
            self._book._fail(not_captured(f"decision {self._id}: {member}", error))
            self._lacking[member] = type_name(error)

    def _with(
        self, member: str, value: Mapping[str, object] | None, members: Mapping[str, object]
    ) -> dict[str, object]:
        """The members that were given before, and more."""
        named = self._named.setdefault(member, {})
        named.update({**(value or {}), **members})
        return named

    def _whole(self, member: str, value: object | Missing, members: Mapping[str, object]) -> object:
        """The value as it is with what was given before."""
        if value is not MISSING and not members:
            self._named.pop(member, None)
            return value
        if value is not MISSING:
            if not isinstance(value, Mapping):
                raise RecordError(f"{member}: members by name can be added to a dict, not to a {type(value).__name__}")
            self._named[member] = dict(value)  # pyright: ignore[reportUnknownArgumentType]
        elif not members:
            raise RecordError(f"{member}: nothing was given; give a value or members by name")
        named = self._named.setdefault(member, {})
        named.update(members)
        return named

    def _held_back(self, value: object) -> object:
        return self._rules.apply(value) if self._rules else value

    def _attached(
        self, name: str, content: bytes | str | os.PathLike[str], media_type: str | None
    ) -> list[dict[str, object]]:
        data = bytes(content) if isinstance(content, bytes | bytearray | memoryview) else Path(content).read_bytes()
        kind = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        self._attachments[name] = {"name": name, "media_type": kind, "data": data}
        return list(self._attachments.values())


_log = logging.getLogger("causebook")
