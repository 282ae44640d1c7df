"""Plain documents: values that came out of JSON, taken for what they are."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, cast


def parse(text: str) -> dict[str, Any]:
    """An object of JSON. A whole number of more digits than Python takes for one (4,300) comes as a `Decimal`."""
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        found = json.loads(text, parse_int=_whole)
    return found


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < 1000 else Decimal(digits)


def members(value: object) -> dict[str, Any]:
    """The members of an object; of anything else, none."""
    if not isinstance(value, dict):
        return {}
    return cast("dict[str, Any]", value)


def items(value: object) -> list[Any]:
    """The items of an array; of anything else, none."""
    if not isinstance(value, list):
        return []
    found: Any = value  # pyright: ignore[reportUnknownVariableType]
    return list(found)


def number(value: object) -> float | int | None:
    """A number; of anything else, none."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def count(number: int, noun: str) -> str:
    """`1 record`, `1,234 records`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
