"""A class of attrs for the table of values."""

from __future__ import annotations

import attrs


@attrs.frozen
class Basket:
    items: list[str]
    total: object
