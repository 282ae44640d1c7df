"""What goes wrong: in a model, where it is recorded, and in recording, where it does not reach the caller."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from causebook._errors import CausebookError, RecordError

T = TypeVar("T")

log = logging.getLogger("causebook")

MESSAGE_CHARACTERS_MAX = 1_000


def failed(error: BaseException, context: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Members of the record of a decision that came to nothing: no output, and what ended it.

    `error` if something went wrong; `broken_off` if nobody waited for it any more.
    """
    kind = type(error).__qualname__
    if type(error).__module__ != "builtins":
        kind = f"{type(error).__module__}.{kind}"
    said = {"type": kind, "message": _message(error)}
    name = "error" if isinstance(error, Exception) else "broken_off"
    return {"output": None, "context": {**(context or {}), name: said}}


def guarded(book: Any, act: Callable[[], T]) -> T | None:
    """Does something for the trail. What goes wrong there is told to the book, which raises it only if it is strict."""
    try:
        return act()
    except Exception as error:
        if isinstance(error, CausebookError):
            failure = error
        else:
            failure = RecordError(f"a record could not be made: {type(error).__name__}: {_message(error)}")
            failure.__cause__ = error
        tell = getattr(book, "_fail", None)
        if tell is None:
            log.error("%s", failure, exc_info=error)
        else:
            tell(failure)
        return None


def _message(error: BaseException) -> str:
    try:
        return str(error)[:MESSAGE_CHARACTERS_MAX]
    except Exception:
        return ""
