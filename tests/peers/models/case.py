"""A model of the grid: what its library wrote, and what its library says of some rows."""

import dataclasses
import math

Number = float
Row = list[float | str | None]


@dataclasses.dataclass
class Case:
    """One trained model. `margins` and `values` hold a list a row; `margins` is none where the library has none to give."""

    library: str
    name: str
    #: Format and bytes: several where the library writes the same model in several, each of which must say the same.
    files: dict[str, bytes]
    rows: list[Row]
    values: list[list[Number]]
    margins: list[list[Number]] | None = None
    labels: list[str] | None = None
    #: Largest difference that is let pass, and why the last bit cannot be promised; none: to the last bit.
    tolerance: float = 0.0
    reason: str = ""
    #: What must be refused, and the words that the refusal must hold; empty: it must be computed.
    refused: str = ""
    #: Whether the numbers are singles, so that a difference is one of singles.
    single: bool = True


def rows_of(table) -> list[Row]:
    """A table of numbers as rows of JSON, every number as the double that it is, missing ones as null."""
    return [[None if math.isnan(value) else float(value) for value in row] for row in table]


def lists_of(answers) -> list[list[Number]]:
    """What a library answered, a list of doubles for every row."""
    return [[float(value) for value in row] for row in answers.reshape(len(answers), -1)]
