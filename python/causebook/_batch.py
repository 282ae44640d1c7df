"""Decisions by the thousand: a record for each row of frames and arrays, by columns.

Columns of numbers, truth values, texts, dates, times and decimals go as they lie in memory, without Python for a row. If
one column holds something else, every row is recorded as by `record`: slower, and as faithful.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from causebook._errors import RecordError
from causebook._labels import label, score_of
from causebook._load import native

if TYPE_CHECKING:
    from causebook._native import Column

Path: TypeAlias = tuple[str, *tuple[str, ...]]
"""The members from the root of a record to a column."""


class Batch:
    """What was given for a batch, by columns."""

    def __init__(self, inputs: object, outputs: object, labels: Mapping[str, object]) -> None:
        self.given: list[tuple[Path, Any]] = []
        for member, frame in (("input", inputs), ("output", outputs)):
            if frame is not None:
                self.given.extend(columns_of((member,), frame))
        for member, values in labels.items():
            if values is not None:
                self.given.append(((member,), values))
        if not self.given:
            raise RecordError("log_batch: neither inputs nor outputs have a column; give a frame, or a dict of columns")
        lengths = {".".join(path): len(values) for path, values in self.given}
        self.rows = next(iter(lengths.values()))
        for name, length in lengths.items():
            if length != self.rows:
                raise RecordError(f"log_batch: {name} has {length} rows, {next(iter(lengths))} has {self.rows}")

    def columnar(self) -> tuple[list[tuple[Path, Column]], dict[Path, object]] | None:
        """The columns, and the types of their values; None if one of them is no column of plain values."""
        columns: list[tuple[Path, Column]] = []
        types: dict[str, dict[str, list[str]]] = {}
        for path, values in self.given:
            column = made_column(judged(path, values))
            if column is None or any(part in RESERVED for part in path):
                return None
            columns.append((path, column))
            kind = kind_of(values, column)
            if kind is not None and len(path) > 1:
                place = "".join(f"/{token(part)}" for part in path[1:])
                types.setdefault(path[0], {}).setdefault(kind, []).append(place)
        return columns, {(member, "$types"): kinds for member, kinds in types.items()}

    def records(self) -> Iterator[dict[str, Any]]:
        """The members of each record that are not those of all."""
        names = [path for path, _ in self.given]
        listed = [items(values) for _, values in self.given]
        for row in zip(*listed, strict=True):
            record: dict[str, Any] = {}
            for path, value in zip(names, row, strict=True):
                put(record, path, value)
            for member, convert in (("decision", label), ("score", score_of), ("subject", label)):
                if record.get(member) is None:
                    record.pop(member, None)
                else:
                    record[member] = convert(member, record[member])
            yield record


def put(record: dict[str, Any], path: Sequence[str], value: object) -> None:
    """Puts a value at its path."""
    inner = record
    for part in path[:-1]:
        inner = inner.setdefault(part, {})
    inner[path[-1]] = value


RESERVED = frozenset({"$types", "$value"})


def columns_of(path: Path, frame: Any) -> Iterator[tuple[Path, Any]]:
    """Columns with their paths: of a frame, of a dict of columns, and of dicts within."""
    if isinstance(frame, Mapping):
        for name, values in cast("Mapping[object, Any]", frame).items():
            if isinstance(values, Mapping) or is_frame(values):
                yield from columns_of((*path, str(name)), values)
            else:
                yield (*path, str(name)), values
    elif is_frame(frame):
        names: Any = frame.column_names if hasattr(frame, "column_names") else frame.columns
        iloc = getattr(frame, "iloc", None)
        for place, name in enumerate(names):
            yield (*path, str(name)), iloc[:, place] if iloc is not None else frame[name]
    elif isinstance(frame, Sequence) or hasattr(frame, "__len__"):
        yield path, frame
    else:
        raise RecordError(
            f"log_batch: {path[0]}: a {type(frame).__name__} has no columns; give a frame, or a dict of them"
        )


def token(name: str) -> str:
    """A name as a token of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def is_frame(value: Any) -> bool:
    """Whether something has columns with names."""
    if hasattr(value, "column_names") and hasattr(value, "schema"):
        return True
    return hasattr(value, "columns") and hasattr(value, "dtypes") and not isinstance(value, Mapping)


def made_column(values: Any) -> Column | None:
    """A column of plain values; None if the values are not all of one plain kind."""
    numpy = sys.modules.get("numpy")
    array = values
    if numpy is not None and not isinstance(values, numpy.ndarray) and is_pandas(values):
        if isinstance(values.dtype, numpy.dtype) and values.dtype.kind in "biuf":
            array = values.to_numpy()
    if numpy is not None and isinstance(array, numpy.ndarray):
        return of_array(numpy, array)
    if isinstance(values, list | tuple):
        return of_list(list(cast("Sequence[Any]", values)))
    if is_pandas(values):
        if str(values.dtype) in ("object", "str", "string"):
            return native.Column.of_texts([None if is_missing(value) else value for value in values.tolist()])
        return of_arrow(values.to_frame("x"))
    if hasattr(values, "to_frame") and hasattr(values, "__arrow_c_stream__"):
        return of_arrow(values.to_frame())
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        arrow = sys.modules.get("pyarrow")
        return None if arrow is None else of_arrow(arrow.table({"x": values}))
    return None


def of_array(numpy: Any, array: Any) -> Column | None:
    """A column of an array of numpy."""
    if array.ndim != 1:
        return None
    if array.dtype.kind == "b":
        return native.Column.of_numbers(array.tolist())
    if array.dtype.kind in "iuf" and array.dtype.itemsize <= 8 and array.dtype != numpy.float16:
        plain = numpy.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
        return native.Column.of_numbers(plain)
    if array.dtype.kind == "U":
        return native.Column.of_texts(array.tolist())
    return of_list(array.tolist()) if array.dtype.kind == "O" else None


def of_list(values: list[Any]) -> Column | None:
    """A column of a list of one kind of values, or of none."""
    kinds = set(map(type, values))
    kinds.discard(type(None))
    if kinds <= {str}:
        return native.Column.of_texts(values)
    if kinds == {bool}:
        return native.Column.of_numbers(values)
    return native.Column.of_list(values)


def of_arrow(frame: Any) -> Column | None:
    """The column of a frame of one, as Arrow has it."""
    try:
        columns = native.columns_of(frame)
    except (ImportError, NotImplementedError, TypeError, ValueError):
        # A frame of pandas without pyarrow; a type that the library cannot export.
        return None
    if columns is None:
        return None
    return next((column for name, column in columns if not name.startswith("__index_level_")), None)


def kind_of(values: Any, column: Column) -> str | None:
    """The name of the type of the values where JSON does not say it."""
    dtype = str(getattr(values, "dtype", ""))
    return f"numpy.{dtype}" if dtype in NUMPY_KINDS else column.kind


NUMPY_KINDS = frozenset({"float32", "int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64"})


def judged(path: Path, values: Any) -> Any:
    """Labels and scores, which a record has in one form only."""
    if len(path) > 1:
        return values
    if path[0] == "score":
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(values, numpy.ndarray) and values.dtype.kind == "f":
            return values.astype(numpy.float64) if numpy.isfinite(values).all() else object_list(values)
        return object_list(values)
    return [None if value is None else label(path[0], value) for value in items(values)]


def object_list(values: Any) -> list[Any]:
    """Scores one by one; what is no number that JSON has is left out."""
    return [None if value is None or is_infinite(value) else float(score_of("score", value)) for value in items(values)]


def is_infinite(value: Any) -> bool:
    """Whether a number is none that JSON has."""
    return value != value or value in (math.inf, -math.inf)


def items(values: Any) -> list[Any]:
    """The values of a column, as the library gives them."""
    if is_pandas(values):
        dtype = str(values.dtype)
        return list(values.tolist() if dtype in ("float64", "int64", "bool", "object", "str") else values.array)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(values, numpy.ndarray):
        plain = str(values.dtype) in ("float64", "int64", "bool") or values.dtype.kind in "UO"
        return list(values.tolist() if plain else values)
    to_pylist = getattr(values, "to_pylist", None) or getattr(values, "to_list", None)
    return list(to_pylist()) if to_pylist is not None else list(values)


def is_pandas(values: Any) -> bool:
    """Whether this is a series of pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(values, pandas.Series)


def is_missing(value: Any) -> bool:
    """Whether a value of a column of texts stands for none."""
    return value is None or (isinstance(value, float) and value != value)
