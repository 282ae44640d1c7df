"""The items that a generator yields, as the output of its call.

All of them up to a bound; beyond it the first ones, how many there were, and a digest of them all.
"""

from __future__ import annotations

import copy
import hashlib
import json
import sys
from collections.abc import Mapping
from typing import cast

from causebook._seam import type_name


class Items:
    """Collects items. One that can change is copied when it comes: its owner may yield it again and again."""

    __slots__ = ("_bytes", "_bytes_max", "_count", "_digest", "_kept", "_kept_max")

    def __init__(self, kept_max: int, bytes_max: int) -> None:
        self._kept: list[object] = []
        self._kept_max = kept_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._count = 0
        self._digest: Lines | None = None

    def add(self, item: object) -> None:
        self._count += 1
        if self._digest is None:
            self._bytes += size(item)
            if len(self._kept) < self._kept_max and self._bytes <= self._bytes_max:
                self._kept.append(item if type(item) in UNCHANGING else copied(item))
                return
            self._digest = Lines()
            for kept in self._kept:
                self._digest.add(kept)
        self._digest.add(item)

    @property
    def kept(self) -> list[object]:
        return self._kept

    def output(self, shown: object, returned: object = None) -> object:
        """The output: `shown`, the items kept or what was made of them; in an object where there is more to say."""
        if self._digest is None and returned is None:
            return shown
        said: dict[str, object] = {"items": shown}
        if returned is not None:
            said["returned"] = returned
        if self._digest is not None:
            said["count"] = self._count
            said["kept"] = len(self._kept)
            if (digest := self._digest.hex()) is not None:
                said["digest"] = f"sha256:{digest}"
        return said


class Lines:
    """SHA-256 of items as lines of JSON, each with a line feed. There is none if an item is nothing that JSON has.

    The JSON of an item is `json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`.
    """

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash: hashlib._Hash | None = hashlib.sha256()

    def add(self, item: object) -> None:
        if self._hash is None:
            return
        try:
            line = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
            self._hash.update(line.encode() + b"\n")
        except (TypeError, ValueError, RecursionError):
            self._hash = None

    def hex(self) -> str | None:
        return None if self._hash is None else self._hash.hexdigest()


def copied(item: object) -> object:
    try:
        return copy.deepcopy(item)
    except Exception:
        return f"a {type_name(item)} that cannot be copied"


def size(item: object, depth: int = 0) -> int:
    """About how many bytes an item takes."""
    whole = item
    if isinstance(item, str | bytes | bytearray):
        return len(item) + 8
    if isinstance(item, Mapping) and depth < DEPTH_MAX:
        members = cast("Mapping[object, object]", item)
        return 8 + sum(size(key, depth + 1) + size(value, depth + 1) for key, value in members.items())
    if isinstance(item, list | tuple) and depth < DEPTH_MAX:
        return 8 + sum(size(member, depth + 1) for member in cast("list[object]", item))
    return footprint(whole)


def footprint(item: object) -> int:
    held = getattr(item, "nbytes", None)
    return held if isinstance(held, int) else sys.getsizeof(item, 64)


UNCHANGING = frozenset({str, bytes, int, float, bool, type(None)})
KEPT_MAX = 100_000
BYTES_MAX = 1 << 20
DEPTH_MAX = 8
