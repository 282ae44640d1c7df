"""Takes fields out of a value before it is recorded."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from causebook._shapes import is_list, is_mapping


def without(value: Any, paths: Collection[str]) -> Any:
    """The value without the fields at paths such as `applicant.ssn` or `items.*.name`. The value given is not changed.

    >>> without({"a": 1, "b": [{"c": 2, "d": 3}]}, ["a", "b.*.c"])
    {'b': [{'d': 3}]}
    """
    for path in paths:
        value = _without(value, path.split("."))
    return value


def _without(value: Any, path: list[str]) -> Any:
    name, rest = path[0], path[1:]
    if is_mapping(value):
        held = {key: item for key, item in value.items() if rest or name not in ("*", key)}
        for key in [key for key in held if rest and name in ("*", key)]:
            held[key] = _without(held[key], rest)
        return held
    if is_list(value):
        # `*` is any item; a name without it goes through lists, since who excludes a name does not want it anywhere there.
        return [_without(item, rest if name == "*" and rest else path) for item in value]
    return value
