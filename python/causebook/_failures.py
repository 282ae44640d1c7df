"""What goes wrong: in a model, where it is recorded, and in recording, where it does not reach the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from causebook._errors import CausebookError
from causebook._seam import failure_of, not_captured

T = TypeVar("T")


def failed(error: BaseException, context: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Members of the record of a decision that came to nothing: no output, and what ended it."""
    return {"output": None, "context": {**(context or {}), **failure_of(error)}}


def guarded(book: Any, act: Callable[[], T]) -> T | None:
    """Does something for the trail. What goes wrong there is told to the book, which raises it only if it is strict."""
    try:
        return act()
    except CausebookError:
        # A strict book has counted it, and wants the caller to know.
        raise
    except Exception as error:
        book._fail(not_captured("record", error))
        return None


def recorded_with(error: Exception, book: Any, act: Callable[[], object]) -> None:
    """Records an error that is about to be raised on. It stays the error that is raised; a strict book adds a note to it."""
    try:
        guarded(book, act)
    except CausebookError as failure:
        error.add_note(f"Causebook could not record this: {failure}")
