"""What a model is given, seen as rows and as columns: frames, arrays, sparse matrices, lists.

A few rows become a value each, with the names of the features; many rows stay columns, so that no Python runs for a row.
Libraries are recognised by their objects, never imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from causebook._shapes import is_mapping, is_sequence

# An array wider than this without names is a vector, such as an embedding: its rows are recorded as arrays.
NAMED_COLUMNS_MAX = 256


@dataclass(frozen=True)
class Table:
    """Rows that were given to a model, or that it answered with."""

    rows: int
    names: list[str]
    """Names of the columns; empty if a row is one value, such as a text."""
    dtypes: list[str]
    values: Callable[[], list[Any]]
    """The rows as values: objects by column, or what stands in place of a row."""
    columns: Callable[[], Any] | None
    """The whole by columns: a frame, or a mapping of names to arrays; `None` if it has no columns."""

    def whole(self) -> Any:
        """All rows together."""
        return self.values() if self.columns is None else self.columns()


def table(given: Any, names: Sequence[str] = (), exclude: Collection[str] = ()) -> Table | None:
    """The rows of something; `None` if it is nothing that has rows. `names` are for columns that have none."""
    if given is None or isinstance(given, (str, bytes, Mapping)):
        return None
    if hasattr(given, "num_row") and hasattr(given, "get_data"):
        return _sparse(given.get_data(), given.feature_names or names, exclude)
    root = type(given).__module__.partition(".")[0]
    if hasattr(given, "tocsr"):
        return _sparse(given, names, exclude)
    if root == "pandas" and hasattr(given, "columns"):
        return _pandas(given, exclude)
    if root == "polars" and hasattr(given, "columns"):
        return _polars(given, exclude)
    if root == "pyarrow" and hasattr(given, "column_names"):
        return _arrow(given, exclude)
    if hasattr(given, "shape") and hasattr(given, "dtype"):
        array = given.to_numpy() if hasattr(given, "to_numpy") else given
        return _array(array, names, exclude)
    if is_sequence(given):
        return _sequence(list(given), names, exclude)
    return None


def plain_items(column: Any) -> list[Any]:
    """Items of an array or series: as Python has them where that is the same type, else as the library has them."""
    dtype = str(getattr(column, "dtype", ""))
    if dtype in ("float64", "int64", "bool", "object", "str", "string", "category") or dtype.startswith("<U"):
        return list(column.tolist())
    # Iterating over a series of pandas would make Python numbers of its items.
    return list(getattr(column, "array", column))


def _pandas(frame: Any, exclude: Collection[str]) -> Table:
    kept = [position for position, name in enumerate(frame.columns) if str(name) not in exclude]
    if len(kept) < len(frame.columns):
        frame = frame.iloc[:, kept]
    names = [str(name) for name in frame.columns]

    def values() -> list[Any]:
        return _rows(names, [plain_items(frame.iloc[:, position]) for position in range(len(names))])

    return Table(len(frame), names, [str(dtype) for dtype in frame.dtypes], values, lambda: frame)


def _polars(frame: Any, exclude: Collection[str]) -> Table:
    frame = frame.collect() if hasattr(frame, "collect") else frame
    frame = frame.drop([name for name in frame.columns if name in exclude])
    dtypes = [str(dtype) for dtype in frame.dtypes]
    return Table(frame.height, list(frame.columns), dtypes, lambda: frame.rows(named=True), lambda: frame)


def _arrow(frame: Any, exclude: Collection[str]) -> Table:
    frame = frame.drop_columns([name for name in frame.column_names if name in exclude])
    dtypes = [str(field.type) for field in frame.schema]
    return Table(frame.num_rows, list(frame.column_names), dtypes, frame.to_pylist, lambda: frame)


def _array(array: Any, names: Sequence[str], exclude: Collection[str]) -> Table | None:
    if array.ndim == 0:
        return None
    rows = int(array.shape[0])
    width = int(array.shape[1]) if array.ndim == 2 else 0
    if array.ndim != 2 or (len(names) != width and width > NAMED_COLUMNS_MAX):
        return Table(rows, [], [], lambda: plain_items(array), None)
    named = _named(names, width)
    kept = [(name, position) for position, name in enumerate(named) if name not in exclude]
    names = [name for name, _ in kept]

    def columns() -> dict[str, Any]:
        return {name: array[:, position] for name, position in kept}

    def values() -> list[Any]:
        return _rows(names, [plain_items(column) for column in columns().values()])

    return Table(rows, list(names), [str(array.dtype)] * len(names), values, columns)


def _sparse(matrix: Any, names: Sequence[str], exclude: Collection[str]) -> Table:
    """Of a sparse matrix, each row has what stands in it: what is not there is not recorded as zero."""
    csr = matrix.tocsr()
    named = _named(names, csr.shape[1])

    def values() -> list[Any]:
        listed: list[Any] = []
        for start, end in zip(csr.indptr[:-1].tolist(), csr.indptr[1:].tolist(), strict=True):
            items = zip(csr.indices[start:end].tolist(), plain_items(csr.data[start:end]), strict=True)
            listed.append({named[place]: value for place, value in items if named[place] not in exclude})
        return listed

    # One dtype, but no column to speak of: most of a column is not there.
    return Table(int(csr.shape[0]), [], [], values, None)


def _sequence(rows: list[Any], names: Sequence[str], exclude: Collection[str]) -> Table | None:
    if not rows:
        return None
    numpy = sys.modules.get("numpy")
    first = rows[0]
    if is_mapping(first):
        listed = [{str(name): value for name, value in row.items() if name not in exclude} for row in rows]
        return Table(len(rows), [], [], lambda: listed, None)
    if is_sequence(first) or (numpy is not None and isinstance(first, numpy.ndarray)):
        width = len(first)
        if width <= max(NAMED_COLUMNS_MAX, len(names)) and all(len(row) == width for row in rows):
            named = _named(names, width)
            kept = [position for position in range(width) if named[position] not in exclude]
            objects = [{named[position]: row[position] for position in kept} for row in rows]
            return Table(len(rows), [], [], lambda: objects, None)
    return Table(len(rows), [], [], lambda: rows, None)


def _rows(names: Sequence[str], columns: Sequence[list[Any]]) -> list[Any]:
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _named(names: Sequence[str], width: int) -> list[str]:
    return [str(name) for name in names] if len(names) == width else [f"x{place}" for place in range(width)]
