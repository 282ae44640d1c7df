"""polars and pyarrow: columns as lists where that says all, else Arrow IPC as the library itself writes it."""

from __future__ import annotations

import io
from typing import Any

from causebook._types.arrays import INLINE
from causebook._types.common import (
    Attachment,
    DecodeError,
    Described,
    Describer,
    Parameters,
    Reals,
    Reviver,
    encodable,
    expect,
    from_base64,
    imported,
    need,
    to_base64,
)
from causebook._types.standard import real

FILE = "application/vnd.apache.arrow.file"
STREAM = "application/vnd.apache.arrow.stream"


def find(kind: type) -> Describer | None:
    pl = imported("polars")
    if pl is not None:
        if kind is pl.DataFrame:
            return describe_frame
        if kind is pl.Series:
            return describe_series
        if issubclass(kind, pl.DataType):
            return describe_datatype
    pa = imported("pyarrow")
    if pa is not None:
        if kind is pa.Table:
            return describe_table
        if kind is pa.RecordBatch:
            return describe_batch
        if kind is pa.ChunkedArray:
            return describe_chunked
        if issubclass(kind, pa.Array):
            return describe_array
        if issubclass(kind, pa.Scalar):
            return describe_scalar
        if kind is pa.Schema:
            return describe_schema
        if issubclass(kind, pa.DataType):
            return describe_type
    return None


# polars

SIMPLE = (
    "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
    "Float32", "Float64", "Boolean", "String", "Null",
)  # fmt: skip
"""Types of polars of which lists say all."""


def describe_frame(value: Any) -> Described:
    names = value.columns
    types = [str(dtype) for dtype in value.dtypes]
    simple = bool(names) and all(kind in SIMPLE for kind in types) and all(encodable(name) for name in names)
    if not simple or value.estimated_size() > INLINE:
        return "polars.DataFrame", Attachment(FILE, polars_ipc(value)), None
    plain = {name: items(value[name], kind) for name, kind in zip(names, types, strict=True)}
    return "polars.DataFrame", plain, {"columns": names, "dtypes": types}


def items(series: Any, kind: str) -> object:
    values = series.to_list()
    return Reals(values, single=kind == "Float32") if kind.startswith("Float") else values


def polars_ipc(frame: Any) -> bytes:
    file = io.BytesIO()
    frame.write_ipc(file)
    return file.getvalue()


def revive_frame(plain: Any, parameters: Parameters) -> Any:
    pl = need("polars")
    if isinstance(plain, Attachment):
        return pl.read_ipc(io.BytesIO(plain.data))
    names, types = parameters["columns"], parameters["dtypes"]
    if set(names) != set(plain) or len(names) != len(types):
        raise DecodeError("the columns of a frame are not those that are named")
    return pl.DataFrame([polars_column(name, plain[name], kind) for name, kind in zip(names, types, strict=True)])


def polars_column(name: str, values: Any, kind: str) -> Any:
    pl = need("polars")
    if kind not in SIMPLE:
        raise DecodeError(f"{kind[:40]!r} is no type of which lists say all")
    if kind.startswith("Float"):
        values = [None if item is None else real(item) for item in values]
    return pl.Series(name, values, dtype=getattr(pl, kind))


def describe_series(value: Any) -> Described:
    kind = str(value.dtype)
    if kind not in SIMPLE or value.estimated_size() > INLINE:
        return "polars.Series", Attachment(FILE, polars_ipc(value.to_frame())), None
    return "polars.Series", items(value, kind), {"dtype": kind, "name": value.name}


def revive_series(plain: Any, parameters: Parameters) -> Any:
    if isinstance(plain, Attachment):
        return revive_frame(plain, parameters).to_series(0)
    return polars_column(expect(parameters["name"], str, "a name"), plain, parameters["dtype"])


def describe_datatype(value: Any) -> Described:
    pl = imported("polars")
    return "polars.DataType", Attachment(FILE, polars_ipc(pl.DataFrame({"": pl.Series([], dtype=value)}))), None


def revive_datatype(plain: Any, parameters: Parameters) -> Any:
    return revive_frame(plain, parameters).dtypes[0]


# pyarrow


def plain_type(kind: Any) -> bool:
    """Whether a list says all of values of this type."""
    types = imported("pyarrow").types
    return bool(
        types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_null(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_float32(kind)
        or types.is_float64(kind)
    )


def arrow_items(values: Any) -> object:
    pa = imported("pyarrow")
    listed = values.to_pylist()
    return Reals(listed, single=pa.types.is_float32(values.type)) if pa.types.is_floating(values.type) else listed


def arrow_list(values: Any, kind: Any) -> Any:
    if need("pyarrow").types.is_floating(kind):
        return [None if item is None else real(item) for item in expect(values, list, "a column")]
    return expect(values, list, "a column")


def stream(table: Any) -> bytes:
    pa = imported("pyarrow")
    ipc = need("pyarrow.ipc")
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def read_stream(data: bytes) -> Any:
    return need("pyarrow.ipc").open_stream(data).read_all()


def describe_table(value: Any) -> Described:
    return "pyarrow.Table", *table_parts(value)


def describe_batch(value: Any) -> Described:
    return "pyarrow.RecordBatch", *table_parts(value)


def table_parts(value: Any) -> tuple[object, Parameters | None]:
    names = value.schema.names
    simple = len(set(names)) == len(names) and bool(names) and all(plain_type(kind) for kind in value.schema.types)
    if not simple or value.nbytes > INLINE:
        return Attachment(STREAM, stream(value)), None
    plain = {name: arrow_items(value.column(at)) for at, name in enumerate(names)}
    return plain, {"columns": names, "schema": to_base64(value.schema.serialize().to_pybytes())}


def revive_table(plain: Any, parameters: Parameters) -> Any:
    pa = need("pyarrow")
    if isinstance(plain, Attachment):
        return read_stream(plain.data)
    schema = need("pyarrow.ipc").read_schema(pa.py_buffer(from_base64(parameters["schema"])))
    if set(schema.names) != set(plain):
        raise DecodeError("the columns of a table are not those of its schema")
    columns = [pa.array(arrow_list(plain[field.name], field.type), field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def revive_batch(plain: Any, parameters: Parameters) -> Any:
    table = revive_table(plain, parameters)
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else need("pyarrow").RecordBatch.from_pylist([], schema=table.schema)


def describe_array(value: Any) -> Described:
    return "pyarrow.Array", *array_parts(value)


def describe_chunked(value: Any) -> Described:
    return "pyarrow.ChunkedArray", *array_parts(value)


def array_parts(value: Any) -> tuple[object, Parameters | None]:
    if plain_type(value.type) and value.nbytes <= INLINE:
        return arrow_items(value), {"type": str(value.type)}
    pa = imported("pyarrow")
    return Attachment(STREAM, stream(pa.table({"": value}))), None


def revive_chunked(plain: Any, parameters: Parameters) -> Any:
    pa = need("pyarrow")
    if isinstance(plain, Attachment):
        return read_stream(plain.data).column(0)
    kind = pa.type_for_alias(expect(parameters["type"], str, "a type"))
    return pa.chunked_array([pa.array(arrow_list(plain, kind), kind)], kind)


def revive_array(plain: Any, parameters: Parameters) -> Any:
    pa = need("pyarrow")
    chunked = revive_chunked(plain, parameters)
    if chunked.num_chunks == 1:
        return chunked.chunk(0)
    return pa.concat_arrays(chunked.chunks) if chunked.num_chunks else pa.array([], chunked.type)


def describe_scalar(value: Any) -> Described:
    pa = imported("pyarrow")
    if plain_type(value.type):
        return "pyarrow.Scalar", arrow_items(pa.array([value.as_py()], value.type)), {"type": str(value.type)}
    array = pa.repeat(value, 1)
    return "pyarrow.Scalar", Attachment(STREAM, stream(pa.table({"": array}))), None


def revive_scalar(plain: Any, parameters: Parameters) -> Any:
    return revive_array(plain, parameters)[0]


def describe_schema(value: Any) -> Described:
    return "pyarrow.Schema", to_base64(value.serialize().to_pybytes()), None


def revive_schema(plain: Any, _: Parameters) -> Any:
    return need("pyarrow.ipc").read_schema(need("pyarrow").py_buffer(from_base64(plain)))


def describe_type(value: Any) -> Described:
    pa = imported("pyarrow")
    return "pyarrow.DataType", to_base64(pa.schema([("", value)]).serialize().to_pybytes()), {"name": str(value)}


def revive_type(plain: Any, parameters: Parameters) -> Any:
    return revive_schema(plain, parameters).field(0).type


REVIVERS: dict[str, Reviver] = {
    "polars.DataFrame": revive_frame,
    "polars.Series": revive_series,
    "polars.DataType": revive_datatype,
    "pyarrow.Table": revive_table,
    "pyarrow.RecordBatch": revive_batch,
    "pyarrow.ChunkedArray": revive_chunked,
    "pyarrow.Array": revive_array,
    "pyarrow.Scalar": revive_scalar,
    "pyarrow.Schema": revive_schema,
    "pyarrow.DataType": revive_type,
}
