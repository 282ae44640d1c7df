"""A book that keeps what it is given, for tests of what captures."""

from __future__ import annotations

import asyncio
import copy
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

from causebook import _context
from causebook._decide import DecideFace
from causebook._decision import DecisionFace
from causebook._errors import CausebookError, RecordError
from causebook._linked import LinkedFaces
from causebook._seam import Recorded

P = ParamSpec("P")


def in_loop(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Runs a test that is a coroutine."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Encoded:
    """A value as it was when it was encoded."""

    def __init__(self, value: object) -> None:
        self.value = copy.deepcopy(value)


class FakeBook(DecisionFace, DecideFace, LinkedFaces):
    def __init__(self, *, strict: bool = False, hash_key: bytes | None = None) -> None:
        self.strict = strict
        self.records: list[dict[str, object]] = []
        self.kinds: list[str] = []
        self.failures: list[CausebookError] = []
        self.broken = False
        self._hash_key = hash_key

    def _submit(self, kind: str, members: dict[str, object]) -> Recorded:
        if self.broken:
            raise RuntimeError("the disk is gone")
        _context.complete(kind, members)
        assert all(type(members.get(name, "")) is str for name in ("id", "refers_to", "subject", "decision"))
        around = members.get("context")
        assert not isinstance(around, dict) or type(around.get("parent_id", "")) is str
        made = {
            name: value.value if isinstance(value, Encoded) else copy.deepcopy(value) for name, value in members.items()
        }
        made.setdefault("id", self._new_id())
        self.records.append(made)
        self.kinds.append(kind)
        return Recorded(str(made["id"]), len(self.records))

    def _encode(self, value: object) -> object:
        if isinstance(value, dict) and "unencodable" in value:
            raise RecordError("input: cannot be encoded")
        return Encoded(value)

    def _fail(self, error: CausebookError) -> Recorded:
        self.failures.append(error)
        if self.strict:
            raise error
        return Recorded()

    @property
    def last(self) -> dict[str, object]:
        return self.records[-1]


def part(book: FakeBook, *path: str) -> Any:
    """A member of the last record."""
    value: Any = book.last
    for name in path:
        value = value[name]
    return value
