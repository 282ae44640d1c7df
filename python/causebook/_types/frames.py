"""pandas: timestamps, indexes, series and frames.

A small frame with ordinary columns is an object of columns, which reads well. Any other is its blocks of one type, each an
array, so that nothing is done for each row. Columns that numpy does not know are described by what they consist of.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from causebook._types.arrays import INLINE
from causebook._types.common import (
    DecodeError,
    Described,
    Describer,
    Missing,
    Parameters,
    Reviver,
    encodable,
    expect,
    imported,
    need,
)
from causebook._types.times import zone_of, zone_parameters


def find(kind: type) -> Describer | None:
    pd = imported("pandas")
    exact: dict[type, Describer] = {
        pd.Timestamp: describe_timestamp,
        pd.Timedelta: describe_timedelta,
        type(pd.NaT): describe_nothing,
        type(pd.NA): describe_nothing,
        pd.Period: describe_period,
        pd.Interval: describe_interval,
        pd.DataFrame: describe_frame,
        pd.Series: describe_series,
        pd.RangeIndex: describe_range,
        pd.MultiIndex: describe_multi,
    }
    if kind in exact:
        return exact[kind]
    if issubclass(kind, pd.Index):
        return describe_index
    if issubclass(kind, pd.api.extensions.ExtensionArray):
        return describe_extension
    if issubclass(kind, pd.api.extensions.ExtensionDtype):
        return describe_dtype
    return None


# Scalars


def describe_timestamp(value: Any) -> Described:
    parameters: Parameters = {"unit": value.unit, **zone_parameters(value.tzinfo)}
    if value.fold:
        parameters["fold"] = 1
    return "pandas.Timestamp", value.isoformat(), parameters


def revive_timestamp(plain: Any, parameters: Parameters) -> Any:
    pd = need("pandas")
    value = pd.Timestamp(expect(plain, str, "a time"))
    if value.tzinfo is not None:
        zone = zone_of(parameters, value.utcoffset())
        value = value.tz_convert(zone)
    return value.as_unit(parameters["unit"])


def describe_timedelta(value: Any) -> Described:
    count = int(value.asm8.view("int64"))
    return "pandas.Timedelta", count, {"unit": value.unit}


def revive_timedelta(plain: Any, parameters: Parameters) -> Any:
    pd, np = need("pandas"), need("numpy")
    unit = parameters["unit"]
    return pd.Timedelta(np.timedelta64(expect(plain, int, "a count of units"), unit)).as_unit(unit)


def describe_nothing(value: Any) -> Described:
    return ("pandas.NaT" if value is imported("pandas").NaT else "pandas.NA"), None, None


def revive_nat(_: Any, __: Parameters) -> Any:
    return need("pandas").NaT


def revive_na(_: Any, __: Parameters) -> Any:
    return need("pandas").NA


def describe_period(value: Any) -> Described:
    return "pandas.Period", str(value), {"freq": value.freqstr, "ordinal": value.ordinal}


def revive_period(_: Any, parameters: Parameters) -> Any:
    return need("pandas").Period(ordinal=parameters["ordinal"], freq=parameters["freq"])


def describe_interval(value: Any) -> Described:
    return "pandas.Interval", {"left": value.left, "right": value.right}, {"closed": value.closed}


def revive_interval(plain: Any, parameters: Parameters) -> Any:
    return need("pandas").Interval(plain["left"], plain["right"], parameters["closed"])


# Types of columns


def describe_dtype(value: Any) -> Described:
    return "pandas.dtype", {"empty": imported("pandas").array([], dtype=value)}, None


def revive_dtype(plain: Any, _: Parameters) -> Any:
    return plain["empty"].dtype


# Columns that numpy does not know


def describe_extension(value: Any) -> Described:
    """An extension array: its kind, and the arrays that it consists of."""
    pd = imported("pandas")
    dtype = value.dtype
    for kind, describe, _ in EXTENSIONS:
        if isinstance(dtype, getattr(pd, kind)):
            plain, parameters = describe(value, dtype)
            return "pandas.array", plain, {"kind": kind, **parameters}
    if not isinstance(dtype, pd.api.extensions.ExtensionDtype):
        # Times without a zone, and what numpy holds for pandas.
        return "pandas.array", value.to_numpy(), {"kind": "numpy"}
    if hasattr(dtype, "numpy_dtype") and type(value).__name__ == "NumpyExtensionArray":
        return "pandas.array", value.to_numpy(), {"kind": "numpy"}
    if hasattr(value, "_mask"):
        zero = dtype.numpy_dtype.type(0)
        parts = {"values": value.to_numpy(dtype=dtype.numpy_dtype, na_value=zero), "missing": value.isna()}
        return "pandas.array", parts, {"kind": "masked", "dtype": dtype.name}
    raise TypeError(f"an array of {dtype}")


MASKED = ("boolean", "Float32", "Float64", *(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)))


def revive_extension(plain: Any, parameters: Parameters) -> Any:
    pd = need("pandas")
    kind = parameters.get("kind")
    if kind == "numpy":
        return pd.array(plain, dtype=plain.dtype)
    if kind == "masked":
        if parameters["dtype"] not in MASKED:
            raise Missing(parameters["dtype"])
        dtype = pd.api.types.pandas_dtype(parameters["dtype"])
        make = dtype.construct_array_type()
        return make(plain["values"].astype(dtype.numpy_dtype), plain["missing"].astype(bool))
    for name, _, revive in EXTENSIONS:
        if name == kind:
            return revive(pd, plain, parameters)
    raise Missing(kind)


def categorical(value: Any, dtype: Any) -> tuple[object, Parameters]:
    return {"codes": value.codes, "categories": dtype.categories}, {"ordered": bool(dtype.ordered)}


def revive_categorical(pd: Any, plain: Any, parameters: Parameters) -> Any:
    dtype = pd.CategoricalDtype(plain["categories"], ordered=bool(parameters.get("ordered")))
    return pd.Categorical.from_codes(plain["codes"], dtype=dtype)


def zoned(value: Any, dtype: Any) -> tuple[object, Parameters]:
    np = imported("numpy")
    zone = zone_parameters(dtype.tz)
    offset = dtype.tz.utcoffset(None)
    if "zone" not in zone and offset is not None:
        zone["offset"] = offset.total_seconds()
    if "class" in zone:
        raise TypeError("a zone that cannot be named")
    return [np.asarray(value.asi8).view(f"M8[{dtype.unit}]")], {"unit": dtype.unit, **zone}


def revive_zoned(pd: Any, plain: Any, parameters: Parameters) -> Any:
    offset = dt.timedelta(seconds=parameters["offset"]) if "offset" in parameters else None
    zone = dt.UTC if offset == dt.timedelta() and "name" not in parameters else zone_of(parameters, offset)
    return pd.DatetimeIndex(plain[0]).tz_localize("UTC").tz_convert(zone).array


def strings(value: Any, dtype: Any) -> tuple[object, Parameters]:
    items = [item if isinstance(item, str) else None for item in value.tolist()]
    return items, strings_of(dtype)


def strings_of(dtype: Any) -> Parameters:
    pd = imported("pandas")
    missing = "NA" if getattr(dtype, "na_value", pd.NA) is pd.NA else "NaN"
    return {"storage": dtype.storage, "missing": missing}


def revive_strings(pd: Any, plain: Any, parameters: Parameters) -> Any:
    return pd.array(plain, dtype=strings_dtype(pd, parameters))


def strings_dtype(pd: Any, parameters: Parameters) -> Any:
    storage = parameters["storage"]
    if storage == "pyarrow":
        try:
            need("pyarrow")
        except Missing:
            storage = "python"
    if parameters.get("missing") == "NaN":
        return pd.StringDtype(storage, na_value=float("nan"))
    return pd.StringDtype(storage)


def periods(value: Any, dtype: Any) -> tuple[object, Parameters]:
    return [value.asi8], {"freq": str(dtype)[7:-1]}


def revive_periods(pd: Any, plain: Any, parameters: Parameters) -> Any:
    return pd.PeriodIndex.from_ordinals(plain[0], freq=parameters["freq"]).array


def intervals(value: Any, dtype: Any) -> tuple[object, Parameters]:
    return {"left": value.left, "right": value.right}, {"closed": dtype.closed}


def revive_intervals(pd: Any, plain: Any, parameters: Parameters) -> Any:
    return pd.arrays.IntervalArray.from_arrays(plain["left"], plain["right"], parameters["closed"])


def sparse(value: Any, dtype: Any) -> tuple[object, Parameters]:
    return {"values": value.to_dense(), "fill": dtype.fill_value}, {}


def revive_sparse(pd: Any, plain: Any, _: Parameters) -> Any:
    values = plain["values"]
    dtype = pd.SparseDtype(values.dtype, plain["fill"])
    return pd.arrays.SparseArray(values, dtype=dtype)


def arrow(value: Any, _: Any) -> tuple[object, Parameters]:
    return [imported("pyarrow").chunked_array(value.__arrow_array__())], {}


def revive_arrow(pd: Any, plain: Any, _: Parameters) -> Any:
    return pd.arrays.ArrowExtensionArray(plain[0])


EXTENSIONS: list[tuple[str, Any, Any]] = [
    ("CategoricalDtype", categorical, revive_categorical),
    ("DatetimeTZDtype", zoned, revive_zoned),
    ("StringDtype", strings, revive_strings),
    ("PeriodDtype", periods, revive_periods),
    ("IntervalDtype", intervals, revive_intervals),
    ("SparseDtype", sparse, revive_sparse),
    ("ArrowDtype", arrow, revive_arrow),
]


def column(values: Any) -> Any:
    """The elements of a series or index: an array of numpy if it is one, else the extension array."""
    np = imported("numpy")
    return values.to_numpy() if isinstance(values.dtype, np.dtype) else values.array


# Indexes


def describe_range(value: Any) -> Described:
    plain = {"range": [value.start, value.stop, value.step]}
    return "pandas.RangeIndex", plain | name_of(value), None


def revive_range(plain: Any, _: Parameters) -> Any:
    start, stop, step = plain["range"]
    return need("pandas").RangeIndex(start, stop, step, name=plain.get("name"))


def name_of(value: Any) -> dict[str, object]:
    return {} if value.name is None else {"name": value.name}


def describe_index(value: Any) -> Described:
    freq = getattr(value, "freqstr", None) if hasattr(value, "freq") and value.dtype.kind in "mM" else None
    return "pandas.Index", {"values": column(value)} | name_of(value), {"freq": freq} if freq else None


def revive_index(plain: Any, parameters: Parameters) -> Any:
    pd = need("pandas")
    values = plain["values"]
    index = pd.Index(values, dtype=values.dtype, name=plain.get("name"), tupleize_cols=False)
    if "freq" in parameters:
        index.freq = expect(parameters["freq"], str, "a frequency")
    return index


def describe_multi(value: Any) -> Described:
    np = imported("numpy")
    codes = [np.asarray(codes) for codes in value.codes]
    return "pandas.MultiIndex", {"levels": list(value.levels), "codes": codes, "names": list(value.names)}, None


def revive_multi(plain: Any, _: Parameters) -> Any:
    return need("pandas").MultiIndex(levels=plain["levels"], codes=plain["codes"], names=plain["names"])


# Series and frames


def ordinary(index: Any) -> bool:
    """Whether the index is the one that pandas makes by itself."""
    pd = imported("pandas")
    return type(index) is pd.RangeIndex and index.start == 0 and index.step == 1 and index.name is None


def describe_series(value: Any) -> Described:
    parts: dict[str, object] = {"values": column(value)}
    if not ordinary(value.index):
        parts["index"] = value.index
    return "pandas.Series", parts | name_of(value), None


def revive_series(plain: Any, _: Parameters) -> Any:
    pd = need("pandas")
    values = plain["values"]
    return pd.Series(values, index=plain.get("index"), name=plain.get("name"), dtype=values.dtype)


def describe_frame(value: Any) -> Described:
    names = value.columns.tolist()
    labels = labels_of(value, names)
    if labels is not None:
        plain = {name: cells(value, at) for at, name in enumerate(names)}
        return "pandas.DataFrame", plain, {"columns": names, "labels": labels, "rows": len(value)}
    parts: dict[str, object] = {"columns": value.columns, "blocks": blocks(value)}
    parts["rows" if ordinary(value.index) else "index"] = len(value) if ordinary(value.index) else value.index
    return "pandas.DataFrame", parts, {"blocks": True}


def labels_of(value: Any, names: list[Any]) -> object:
    """The type of the labels of columns, if the frame reads well as an object of columns; else None."""
    pd = imported("pandas")
    if not names or value.shape[0] * value.shape[1] * 8 > INLINE or not ordinary(value.index):
        return None
    columns = value.columns
    if columns.name is not None or not columns.is_unique:
        return None
    if not all(type(name) is str and encodable(name) for name in names):
        return None
    if isinstance(columns.dtype, pd.StringDtype):
        return strings_of(columns.dtype)
    return "object" if columns.dtype == object else None


def cells(value: Any, at: int) -> Any:
    """The elements of a column: an array of numpy, or an extension array."""
    np = imported("numpy")
    array = value._get_column_array(at) if hasattr(value, "_get_column_array") else value.iloc[:, at].array
    if isinstance(array, np.ndarray):
        return array
    return array.to_numpy() if isinstance(array.dtype, np.dtype) else array


def blocks(value: Any) -> list[list[Any]]:
    """Columns by type: `[places, array]`, two-dimensional where numpy knows the type."""
    np = imported("numpy")
    by_type: dict[Any, list[int]] = {}
    found: list[list[Any]] = []
    for at, dtype in enumerate(value.dtypes):
        if isinstance(dtype, np.dtype):
            by_type.setdefault(dtype, []).append(at)
        else:
            found.append([at, value.iloc[:, at].array])
    for places in by_type.values():
        whole = len(places) == value.shape[1]
        part = value if whole else value.iloc[:, places]
        found.append([places, part.to_numpy()])
    return found


def revive_frame(plain: Any, parameters: Parameters) -> Any:
    pd = need("pandas")
    if not parameters.get("blocks"):
        names = parameters["columns"]
        if set(names) != set(plain):
            raise DecodeError("the columns of a frame are not those that are named")
        index = pd.RangeIndex(parameters["rows"])
        for array in plain.values():
            as_long(array, index)
        value = pd.DataFrame({name: pd.Series(plain[name], dtype=plain[name].dtype) for name in names}, index=index)
        labels = parameters["labels"]
        value.columns = pd.Index(names, dtype=object if labels == "object" else strings_dtype(pd, labels))
        return value
    index = plain["index"] if "index" in plain else pd.RangeIndex(plain["rows"])
    columns: dict[int, Any] = {}
    for places, array in plain["blocks"]:
        as_long(array, index)
        if type(places) is int:
            columns[places] = pd.Series(array, index=index, dtype=array.dtype)
        else:
            for at, place in enumerate(places):
                columns[place] = pd.Series(array[:, at], index=index, dtype=array.dtype)
    names = plain["columns"]
    if sorted(columns) != list(range(len(names))):
        raise DecodeError("the blocks of a frame are not all its columns")
    value = pd.DataFrame({at: columns[at] for at in range(len(names))}, index=index)
    value.columns = names
    return value


def as_long(array: Any, index: Any) -> None:
    """pandas would fill up a shorter column, to any length that is claimed."""
    if len(array) != len(index):
        raise DecodeError("a column of a frame is not as long as its index")


REVIVERS: dict[str, Reviver] = {
    "pandas.Timestamp": revive_timestamp,
    "pandas.Timedelta": revive_timedelta,
    "pandas.NaT": revive_nat,
    "pandas.NA": revive_na,
    "pandas.Period": revive_period,
    "pandas.Interval": revive_interval,
    "pandas.dtype": revive_dtype,
    "pandas.array": revive_extension,
    "pandas.RangeIndex": revive_range,
    "pandas.Index": revive_index,
    "pandas.MultiIndex": revive_multi,
    "pandas.Series": revive_series,
    "pandas.DataFrame": revive_frame,
}
