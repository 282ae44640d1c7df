"""What holds for every record that is made inside: subject, actor, request, trace, and the decision that is being made.

All of it is in context variables, so it follows the flow of the program: into functions, into `await`, into tasks and
`asyncio.to_thread`. A thread that the program starts itself begins without it; `contextvars.copy_context().run` takes
it along.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, ParamSpec, Protocol, TypeVar

from causebook._labels import actor_of, label
from causebook._seam import Recorded
from causebook._wrapping import wrap

P = ParamSpec("P")
R = TypeVar("R")


def context(*, subject: object = None, actor: str | Mapping[str, object] | None = None, **members: object) -> Context:
    """Members for every record that is made inside, whoever makes it.

    `subject` and `actor` are members of the record; any other name is a member of its `context`. Blocks may be nested:
    the inner one adds to the outer one, and wins where both name the same. What a record names itself wins over both.
    None is not given.

    >>> with causebook.context(subject="applicant-7", request_id="r-1", purpose="limit increase"):
    ...     id = book.record(model="credit@v1.2", input={"age": 30}, decision="approve")
    >>> book.get(id).subject, book.get(id).context["purpose"]
    ('applicant-7', 'limit increase')

    It is a decorator too, also of `async` functions and generators:

    >>> @causebook.context(purpose="nightly rescoring")
    ... def rescore(batch):
    ...     return book.record(model="credit@v1.2", input=batch, decision="approve")
    >>> book.get(rescore([1, 2])).context
    {'purpose': 'nightly rescoring'}
    """
    return Context(subject, actor, members)


def last_decision() -> Recorded | None:
    """The id of the decision that was recorded last in this flow of the program; None if there was none.

    Each thread and each asyncio task has its own, so concurrent calls do not mix: ask in the task that made the call.

    >>> @book.decision(model="limits@2")
    ... def limit(income):
    ...     return income * 0.2
    >>> limit(30_000)
    6000.0
    >>> book.get(causebook.last_decision()).output
    6000.0

    A decorated generator has one when it is exhausted or closed, a `with book.decide(…)` when its block ends. A failed
    call has one too.
    """
    return last.get()


class Context:
    """What `causebook.context` returns. It may be entered again, also in several threads and tasks at a time."""

    __slots__ = ("_context", "_members")

    def __init__(
        self, subject: object, actor: str | Mapping[str, object] | None, members: Mapping[str, object]
    ) -> None:
        self._members: dict[str, object] = {}
        self._context = {name: value for name, value in members.items() if value is not None}
        for name, value in (("subject", subject), ("actor", actor)):
            if value is None:
                continue
            try:
                self._members[name] = actor_of(value) if name == "actor" else label(name, value)
            except Exception as error:
                _log.warning("causebook.context: %s; it is left out", error)

    def __enter__(self) -> Context:
        outer = _ambient.get()
        members, around = (outer.members, outer.context) if outer else (_NOTHING, _NOTHING)
        _ambient.set(Ambient(self, outer, {**members, **self._members}, {**around, **self._context}))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # No token: one object may be entered by several threads at a time, and a generator may be closed by another
        # than who began it.
        current = _ambient.get()
        if current is not None and current.made_by is self:
            _ambient.set(current.outer)

    async def __aenter__(self) -> Context:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        return wrap(function, lambda _args, _kwargs: Inside(self))


class Inside:
    """A call inside a context. Between two items of a generator the caller's own context holds."""

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def enter(self) -> None:
        self._context.__enter__()

    def leave(self) -> None:
        self._context.__exit__(None, None, None)

    def item(self, item: object) -> None:
        pass

    def returned(self, value: object) -> None:
        pass

    def failed(self, error: BaseException) -> None:
        pass


class Ambient:
    """The members that hold, of all contexts together, and the context around this one."""

    __slots__ = ("context", "made_by", "members", "outer")

    def __init__(
        self, made_by: Context, outer: Ambient | None, members: Mapping[str, object], context: Mapping[str, object]
    ) -> None:
        self.made_by = made_by
        self.outer = outer
        self.members = members
        self.context = context


class Parent(Protocol):
    """A decision that is being made."""

    def identify(self) -> str | None:
        """Its id, which is given to it now if it has none; None if it has ended and is not on record."""
        ...


def complete(kind: str, members: dict[str, object], of_book: Mapping[str, object] | None = None) -> None:
    """Adds to members of a record what holds around it: `subject`, `actor` and members of `context`.

    The more special wins: members of the record itself, then `causebook.context`, then the decision around it and
    OpenTelemetry, then the book. Nothing here is raised.
    """
    ambient = _ambient.get()
    parent = current.get()
    trace = sys.modules.get("opentelemetry.trace")
    if ambient is None and parent is None and trace is None and not of_book:
        return
    gathered: dict[str, object] = dict(of_book) if of_book else {}
    if trace is not None:
        gathered.update(trace_ids(trace))
    if parent is not None and kind == "decision" and (parent_id := parent.identify()) is not None:
        gathered["parent_id"] = parent_id
    if ambient is not None:
        gathered.update(ambient.context)
        for name, value in ambient.members.items():
            members.setdefault(name, value)
    given = members.get("context")
    if isinstance(given, Mapping):
        gathered.update(given)  # pyright: ignore[reportUnknownArgumentType]
    elif given is not None:
        return
    if gathered:
        members["context"] = gathered


def trace_ids(trace: Any) -> dict[str, str]:
    """Ids of the current span, in the form of W3C Trace Context. A span from afar, or not sampled, has them too."""
    try:
        span = trace.get_current_span().get_span_context()
        if not span.is_valid:
            return {}
        return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
    except Exception:
        _log.debug("the span of OpenTelemetry could not be read", exc_info=True)
        return {}


_NOTHING: Final[Mapping[str, object]] = {}
_log = logging.getLogger("causebook")
_ambient: ContextVar[Ambient | None] = ContextVar("causebook.context", default=None)
current: ContextVar[Parent | None] = ContextVar("causebook.current", default=None)
"""The decision that is being made."""
last: ContextVar[Recorded | None] = ContextVar("causebook.last_decision", default=None)
"""The decision that was recorded last."""
