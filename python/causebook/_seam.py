"""The seam between what captures and what keeps: the few things that a face of capture needs of a book.

`Book` is made of faces (`book.decision`, `book.decide`, `book.outcome`, …) and gives them these methods. They promise
that nothing is raised into the caller unless the book is strict.
"""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Mapping

from causebook._errors import CausebookError, RecordError


class Missing(enum.Enum):
    """The type of `MISSING`."""

    MISSING = "not given"

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing.MISSING
"""Stands for a value that was not given where None is a value."""


class Recorded(str):
    """The id of a record. Empty, and so false, if the record could not be made; the reason is in the log.

    `seq` is its number in the stream of this process, `receipt` what the ledger answered if it was waited for.
    """

    seq: int | None
    receipt: object | None

    def __new__(cls, id: str = "", seq: int | None = None, receipt: object | None = None) -> Recorded:
        recorded = super().__new__(cls, id)
        recorded.seq = seq
        recorded.receipt = receipt
        return recorded


class Seam:
    """What a face of capture calls. `Book` implements it."""

    _hash_key: bytes | None = None
    """Key for arguments that are recorded as their keyed digest."""

    def _submit(self, kind: str, members: dict[str, object]) -> Recorded:
        """Records members of a record, to which it adds id, time, source and context. The dict is its own then."""
        raise NotImplementedError

    def _encode(self, value: object) -> object:
        """A value as it is now, for a member of `_submit` later."""
        raise NotImplementedError

    def _fail(self, error: CausebookError) -> Recorded:
        """Counts and logs a failure and returns the record that there is not; raises it if the book is strict."""
        raise NotImplementedError

    def _new_id(self) -> str:
        """An id for a record that is named before it is made."""
        return uuid7()

    def _explanation(self, value: object) -> Mapping[str, object]:
        """An explanation as the object that a record holds."""
        if isinstance(value, Mapping):
            return value  # pyright: ignore[reportUnknownVariableType]
        raise RecordError(f"explanation: a {type(value).__name__} is none; give a dict")


def submitted(book: Seam, kind: str, members: dict[str, object]) -> Recorded:
    """Submits a record. What a book raises on purpose is raised, and nothing else."""
    try:
        return book._submit(kind, members)
    except CausebookError:
        raise
    except Exception as error:
        return book._fail(not_captured(kind, error))


def not_captured(what: str, error: Exception) -> CausebookError:
    """The failure to be told to a book if something of a record could not be taken."""
    if isinstance(error, CausebookError):
        return error
    failure = RecordError(f"{what}: {describe(error)}")
    failure.__cause__ = error
    return failure


def failure_of(error: BaseException, *, message: bool = True) -> dict[str, object]:
    """Members of `context` for what ended a decision before it had a result.

    `error` if something went wrong; `broken_off` if nobody wanted the result any more: a generator that was closed, a
    task that was cancelled, a program that was stopped.
    """
    said: dict[str, object] = {"type": type_name(error)}
    if message and (text := message_of(error)):
        said["message"] = text
    return {"error" if isinstance(error, Exception) else "broken_off": said}


def describe(error: BaseException) -> str:
    """Type and message of an exception, also of one that cannot tell its message."""
    message = message_of(error)
    return f"{type_name(error)}: {message}" if message else type_name(error)


def message_of(error: BaseException) -> str:
    """The message of an exception, cut to a length that a record can bear."""
    try:
        return str(error)[:MESSAGE_CHARS_MAX]
    except Exception:
        return ""


def type_name(value: object) -> str:
    """The full name of the type of a value; without its module where that is `builtins`."""
    cls = type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def uuid7() -> str:
    """A UUID of version 7 (RFC 9562): milliseconds, then chance."""
    chance = int.from_bytes(os.urandom(10), "big")
    high, low = chance >> 68, chance & 0x3FFF_FFFF_FFFF_FFFF
    bits = (time.time_ns() // 1_000_000) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


MESSAGE_CHARS_MAX = 1_000
