"""Finds members of a record in the arguments and the result of a call: by a path, or by a function of the user's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from causebook._errors import SettingError

# `Any`, so that a function of the user's may take for granted what its own arguments and result are.
Select = Callable[[dict[str, Any], Any], object]
"""Gives a value out of the arguments by name, and the result."""


def selector(setting: str, asked: str | Select | None, *, of_input: bool, names: set[str]) -> Select | None:
    """What `decision="label"` or `subject=lambda arguments, result: …` stands for.

    A path is looked up in the arguments (`of_input`) or the result; `input.` or `output.` in front of it says so. An
    argument that is itself named so is meant before that.
    """
    if asked is None:
        return None
    if callable(asked):
        return asked
    if not isinstance(cast(object, asked), str) or not all(asked.split(".")):
        raise SettingError(f"{setting}: {asked!r} is neither a path such as 'output.label' nor a function")
    parts = asked.split(".")
    if parts[0] in ("input", "output") and not (of_input and parts[0] in names):
        of_input, parts = parts[0] == "input", parts[1:]
    if of_input and parts and parts[0] not in names:
        raise SettingError(
            f"{setting}: there is no argument {parts[0]!r}; there are {', '.join(sorted(names)) or 'none'}"
        )
    return lambda arguments, result: walk(arguments if of_input else result, parts)


def walk(value: object, parts: Sequence[str]) -> object:
    """The value at a path: a key, the place in a sequence, or an attribute, one after the other."""
    for part in parts:
        value = step(value, part)
    return value


def step(value: object, part: str) -> object:
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value)[part]
    holder = cast(Any, value)
    if part.removeprefix("-").isdigit():
        return holder[int(part)]
    # Items before attributes: a frame may have a column named `size`.
    try:
        return holder[part]
    except Exception:
        if hasattr(holder, part):
            return getattr(holder, part)
    raise LookupError(f"a {type(value).__name__} has no {part!r}")
