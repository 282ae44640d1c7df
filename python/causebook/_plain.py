"""Plain documents: values that came out of JSON, taken for what they are."""

from __future__ import annotations

from typing import Any


def members(value: object) -> dict[str, Any]:
    """The members of an object; of anything else, none."""
    if not isinstance(value, dict):
        return {}
    found: dict[str, Any] = value
    return found


def items(value: object) -> list[Any]:
    """The items of an array; of anything else, none."""
    if not isinstance(value, list):
        return []
    found: list[Any] = value
    return found


def number(value: object) -> float | int | None:
    """A number; of anything else, none."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
