"""numpy: scalars, arrays and masked arrays.

Small arrays are nested lists, so that they read well; larger ones are `.npy` beside the record. No pickle is written, and
none is read. What a header claims is held against the bytes that are there before anything is allocated.
"""

from __future__ import annotations

import io
import math
from typing import Any

from causebook._types.common import (
    Attachment,
    DecodeError,
    Described,
    Describer,
    Missing,
    Parameters,
    Reals,
    Reviver,
    class_name,
    class_of,
    data_of,
    expect,
    imported,
    is_array,
    kind_of,
    need,
    to_base64,
)

INLINE = 16 * 1024
"""Bytes of an array that stands in a document."""

NPY = "application/x-npy"


def find(kind: type) -> Describer | None:
    np = imported("numpy")
    if issubclass(kind, np.ma.MaskedArray):
        return describe_masked
    if issubclass(kind, np.ndarray):
        return describe_array
    if issubclass(kind, np.generic):
        return describe_scalar
    if issubclass(kind, np.dtype):
        return describe_dtype
    return None


# Types of elements


def dtype_json(dtype: Any) -> object:
    """The type of elements: its name if that says all, else its description as in a `.npy` header."""
    known: object = _names.get((dtype.char, dtype.byteorder))
    if known is None:
        known = _dtype_json(dtype)
        if isinstance(known, str) and dtype.kind in "biufc":
            _names[dtype.char, dtype.byteorder] = known
    return known


_names: dict[tuple[str, str], str] = {}
"""Names of native types: numpy takes microseconds for one."""


def _dtype_json(dtype: Any) -> object:
    np = imported("numpy")
    if dtype.kind == "T":
        if dtype != np.dtypes.StringDType():
            raise TypeError("a string type with a missing value of its own")
        return "string"
    if dtype.kind in "biufc" and dtype.isnative and dtype.name not in ("longdouble", "clongdouble"):
        # Two types of C may have one name: long and long long.
        return dtype.name if np.dtype(dtype.name).num == dtype.num else dtype.char
    if dtype.kind == "O":
        return "object"
    return np.lib.format.dtype_to_descr(dtype)


def dtype_of(plain: Any) -> Any:
    np = need("numpy")
    if plain == "string":
        return np.dtypes.StringDType()
    if plain == "object":
        return np.dtype(object)
    if type(plain) not in (str, list):
        raise DecodeError("a dtype is neither a string nor a list")
    dtype = np.lib.format.descr_to_dtype(_tuples(plain)) if is_array(plain) else np.dtype(plain)
    if dtype.hasobject:
        raise DecodeError("a dtype of references")
    return dtype


def _tuples(plain: list[Any]) -> Any:
    """Fields are tuples, and lists in JSON; so are shapes, and pairs of title and name."""
    fields = [tuple(_field_part(part) for part in field) for field in plain]
    # (type, shape) of an array within an element is a pair of which the second is no string.
    return fields


def _field_part(part: Any) -> Any:
    if is_array(part):
        return _tuples(part) if part and isinstance(part[0], list) else tuple(part)
    return part


def describe_dtype(value: Any) -> Described:
    return "numpy.dtype", dtype_json(value), None


def revive_dtype(plain: Any, _: Parameters) -> Any:
    return dtype_of(plain)


# Scalars


def describe_scalar(value: Any) -> Described:
    np = imported("numpy")
    _, plain, parameters = describe_array(np.asarray(value))
    return "numpy.scalar", plain, parameters


def revive_scalar(plain: Any, parameters: Parameters) -> Any:
    array = revive_array(plain, parameters)
    if array.shape != ():
        raise DecodeError("a scalar has a shape")
    return array[()]


def revive_native(name: str) -> Reviver:
    def revive(plain: Any, _: Parameters) -> Any:
        np = need("numpy")
        kind = getattr(np, name)
        if name == "bool_":
            return kind(expect(plain, bool, "a truth value"))
        if name == "str_":
            return kind(expect(plain, str, "text"))
        if name.startswith("float"):
            return kind(
                float(plain) if plain in ("NaN", "Infinity", "-Infinity") else expect(plain, (float, int), "a number")
            )
        return kind(expect(plain, int, "an integer"))

    return revive


# Arrays


def describe_array(value: Any) -> Described:
    np = imported("numpy")
    kind = kind_of(value)
    array = value if kind is np.ndarray else np.asarray(value)
    parameters: Parameters = {"dtype": dtype_json(array.dtype)}
    if kind is np.matrix:
        parameters["class"] = "matrix"
    elif kind is np.recarray:
        parameters["class"] = "recarray"
    if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous:
        parameters["order"] = "F"
    return "numpy.ndarray", _content(array, parameters), parameters


def _content(array: Any, parameters: Parameters) -> object:
    """What stands for the elements. Says in `parameters` how."""
    code = array.dtype.kind
    if array.ndim != 1 or array.size == 0:
        parameters["shape"] = list(array.shape)
    if code in "OT":
        return array.ravel().tolist()
    if array.dtype.itemsize == 0:
        return []
    if array.nbytes > INLINE:
        return Attachment(NPY, npy(array))
    if array.size == 0:
        return []
    if code in "biuU":
        return array.tolist()
    if code == "f" and array.dtype.itemsize <= 8:
        return Reals(array.tolist(), single=array.dtype.itemsize < 8)
    if code == "c" and array.dtype.itemsize <= 16:
        pairs = np_view_pairs(array)
        return Reals(pairs.tolist(), single=array.dtype.itemsize < 16)
    if code in "mM":
        return _times(array)
    parameters["npy"] = True
    return to_base64(npy(array))


def np_view_pairs(array: Any) -> Any:
    np = imported("numpy")
    return np.stack([array.real, array.imag], axis=-1)


def _times(array: Any) -> object:
    """Text of times if it says all; else their numbers of units."""
    np = imported("numpy")
    counts = array.astype(array.dtype.newbyteorder("="), copy=False).view("int64")
    if array.dtype.kind == "M":
        text = np.datetime_as_string(array)
        if np.array_equal(text.astype(array.dtype).astype(array.dtype.newbyteorder("=")).view("int64"), counts):
            return text.tolist()
    return counts.tolist()


def npy(array: Any) -> bytes:
    """The bytes of a `.npy` file."""
    np = imported("numpy")
    head = io.BytesIO()
    header = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(head, header)
    data: bytes = array.tobytes("F" if header["fortran_order"] else "C")
    return head.getvalue() + data


def from_npy(data: bytes) -> Any:
    """The array of a `.npy` file. Refuses pickles, and headers that claim other than what is there."""
    np = need("numpy")
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise DecodeError(f"a .npy file of version {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject or dtype.itemsize == 0:
        raise DecodeError("a .npy file of references, or of nothing")
    start = file.tell()
    if math.prod(shape) * dtype.itemsize != len(data) - start:
        raise DecodeError("a .npy file is not as long as its header says")
    flat = np.frombuffer(bytearray(data), dtype=dtype, offset=start)
    return flat.reshape(shape, order="F" if fortran else "C")


def revive_array(plain: Any, parameters: Parameters) -> Any:
    np = need("numpy")
    dtype = dtype_of(parameters.get("dtype"))
    shape = parameters.get("shape")
    if isinstance(plain, Attachment) or parameters.get("npy"):
        array = from_npy(data_of(plain))
        if array.dtype != dtype or (shape is not None and array.shape != tuple(shape)):
            raise DecodeError("an array is not of the dtype and shape that are said beside it")
        array = array if array.dtype.num == dtype.num else array.view(dtype)
    elif shape is not None and (0 in shape or dtype.itemsize == 0):
        array = np.ndarray(tuple(shape), dtype)
    else:
        array = _from_lists(plain, dtype, shape)
    if parameters.get("order") == "F":
        array = np.asfortranarray(array)
    if parameters.get("class") == "matrix":
        return np.asmatrix(array)
    if parameters.get("class") == "recarray":
        return array.view(np.recarray)
    return array


def _from_lists(plain: Any, dtype: Any, shape: list[int] | None) -> Any:
    np = need("numpy")
    if dtype.kind in "OT":
        flat = np.empty(len(expect(plain, list, "elements")), dtype)
        for at, item in enumerate(plain):
            flat[at] = item
        return flat if shape is None else flat.reshape(shape)
    if dtype.itemsize > INLINE:
        raise DecodeError("elements are larger than a document")
    if dtype.kind == "c":
        real = np.dtype(f"f{dtype.itemsize // 2}")
        pairs = np.array(plain, dtype=real)
        array = np.empty(pairs.shape[:-1], dtype)
        array.real[...], array.imag[...] = pairs[..., 0], pairs[..., 1]
    elif dtype.kind in "mM":
        array = np.array(plain)
        array = array.astype(dtype) if array.dtype.kind in "iU" else np.array(plain, dtype="int64").astype(dtype)
    else:
        array = np.array(plain, dtype=dtype)
    if array.nbytes > 16 * INLINE:
        raise DecodeError("an array is larger than any that stands in a document")
    wanted = tuple(shape) if shape is not None else (len(expect(plain, list, "elements")),)
    if array.shape != wanted:
        raise DecodeError("an array has another shape than is said beside it")
    return array


def describe_masked(value: Any) -> Described:
    np = imported("numpy")
    kind = kind_of(value)
    if kind is not np.ma.MaskedArray:
        raise TypeError(class_name(kind))
    mask = value.mask
    parts = {"data": np.asarray(value.data), "mask": bool(mask) if mask is np.ma.nomask else mask}
    if value._fill_value is not None:
        parts["fill_value"] = np.asarray(value.fill_value)
    return "numpy.ma", parts, {"hard": True} if value.hardmask else None


def revive_masked(plain: Any, parameters: Parameters) -> Any:
    np = need("numpy")
    data = plain["data"]
    if not isinstance(data, np.ndarray):
        raise Missing("data")
    mask = np.ma.nomask if plain["mask"] is False else plain["mask"]
    value = np.ma.MaskedArray(data, mask=mask, hard_mask=bool(parameters.get("hard")))
    if "fill_value" in plain:
        value.fill_value = plain["fill_value"]
    return value


def describe_convertible(value: Any) -> Described:
    """An object with `__array__`: what is recorded of it is the array."""
    np = imported("numpy")
    array = np.asarray(value)
    if type(array) is not np.ndarray or array.dtype.kind == "O":
        raise TypeError("no array")
    return "numpy.asarray", [array], {"class": class_of(value)}


def revive_convertible(plain: Any, _: Parameters) -> Any:
    return plain[0]


NATIVE = {
    "numpy.bool": "bool_",
    "numpy.str": "str_",
    **{
        f"numpy.{name}": name
        for name in (
            "float64", "float32", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        )
    },
}  # fmt: skip

REVIVERS: dict[str, Reviver] = {
    "numpy.ndarray": revive_array,
    "numpy.scalar": revive_scalar,
    "numpy.dtype": revive_dtype,
    "numpy.ma": revive_masked,
    "numpy.asarray": revive_convertible,
    **{kind: revive_native(name) for kind, name in NATIVE.items()},
}
