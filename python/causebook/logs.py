"""Decisions that a program logs: a handler for `logging`, a filter that puts ids into log lines, a processor for structlog.

    logging.getLogger("scoring").addHandler(causebook.logs.DecisionHandler(book))
    logging.getLogger("scoring").info("scored", extra={"decision": {"model": "credit@3", "input": {…}, "output": {…}}})

Logging goes on whatever happens here: nothing is raised to who logs, also not by a strict book, which raises where
decisions are recorded with `book.record`.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from causebook._context import last_decision
from causebook._shapes import is_mapping

__all__ = ["DecisionFilter", "DecisionHandler", "DecisionProcessor"]

Members = Mapping[str, Any]

log = logging.getLogger("causebook")


class DecisionHandler(logging.Handler):
    """Records the decisions among log records; other log records are passed over.

    Without a mapping, a log record that has `extra={"decision": {...}}` is a decision, whose members are those of
    `book.record`. With a mapping that is a dict, `{"input": "features", "output": "result"}`, members are taken from
    attributes of the log record, and a record that has the attributes of `input` or `output` is a decision. With a
    function, it is what the function gives, or none where it gives `None`.

    `members` are added to each, such as `{"model": "credit@3"}`.
    """

    def __init__(
        self,
        book: Any,
        *,
        mapping: Mapping[str, str] | Callable[[logging.LogRecord], Members | None] | None = None,
        members: Members | None = None,
        level: int = logging.NOTSET,
    ) -> None:
        super().__init__(level)
        self.book = book
        self._mapping = mapping
        self._members = dict(members or {})

    def filter(self, record: logging.LogRecord) -> Any:
        """Passes over what Causebook itself says: before the handler's lock is taken, which a caller may hold that waits
        for the very delivery that is spoken of."""
        return False if record.name.partition(".")[0] == "causebook" else super().filter(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Records the decision, if it is one, and gives the log record its id as `decision_id`."""
        try:
            found = self._found(record)
            if found is None:
                return
            about = {"logger": record.name, "level": record.levelname, "message": record.getMessage()}
            time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
            record.decision_id = _record(self.book, {"time": _rfc3339(time), **self._members, **found}, about)
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Says on the log of causebook that a decision was not recorded."""
        log.exception("a decision in the log of %r was not recorded", record.name)

    def _found(self, record: logging.LogRecord) -> Members | None:
        mapping = self._mapping
        if mapping is None:
            found = getattr(record, "decision", None)
            return found if is_mapping(found) else None
        if callable(mapping):
            return mapping(record)
        if not any(hasattr(record, mapping[member]) for member in ("input", "output") if member in mapping):
            return None
        return {member: getattr(record, name) for member, name in mapping.items() if hasattr(record, name)}


class DecisionFilter(logging.Filter):
    """Gives log records the id of the decision recorded last, as `decision_id`; an empty text if there is none.

    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s decision=%(decision_id)s"))
    handler.addFilter(causebook.logs.DecisionFilter())
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass."""
        if not hasattr(record, "decision_id"):
            record.decision_id = str(last_decision() or "")
        return True


class DecisionProcessor:
    """For structlog: records the event's `decision`, if it has one, and adds `decision_id` to the event.

        structlog.configure(processors=[causebook.logs.DecisionProcessor(book), structlog.processors.JSONRenderer()])
        log.info("scored", decision={"model": "credit@3", "input": {…}, "output": {…}})

    Without a book it only adds ids.
    """

    def __init__(self, book: Any = None, *, key: str = "decision", members: Members | None = None) -> None:
        self._book = book
        self._key = key
        self._members = dict(members or {})

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """The event with its `decision_id`; the decision itself is in the book, and no longer in the event."""
        found = event.get(self._key)
        if self._book is None or not is_mapping(found):
            if (last := last_decision()) and "decision_id" not in event:
                event["decision_id"] = str(last)
            return event
        try:
            about = {"level": method, "message": str(event.get("event", ""))}
            recorded = _record(self._book, {**self._members, **found}, about)
        except Exception:
            log.exception("a decision in the log was not recorded")
            return event
        if recorded:
            del event[self._key]
            event["decision_id"] = recorded
        return event


def _record(book: Any, members: Members, about: Members) -> str:
    given = members.get("context")
    context = {**given, "log": about} if is_mapping(given) else {"log": about}
    return str(book.record(**{**members, "context": context}))


def _rfc3339(time: datetime.datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
