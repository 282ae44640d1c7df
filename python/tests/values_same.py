"""Whether two values are the same: equal, and of the same type, all the way down."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import importlib
import math
import sys
from typing import Any


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    origin = type(a).__module__.partition(".")[0]
    if origin in BY_LIBRARY:
        return BY_LIBRARY[origin](a, b)
    return plain(a, b)


def plain(a: Any, b: Any) -> bool:
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, decimal.Decimal):
        return a.as_tuple() == b.as_tuple()
    if isinstance(a, (dt.datetime, dt.time)):
        zones = type(a.tzinfo) is type(b.tzinfo) and str(a.tzinfo) == str(b.tzinfo)
        return zones and a.isoformat() == b.isoformat() and a.fold == b.fold
    if isinstance(a, dict):
        return mappings(a, b)
    if isinstance(a, enum.Enum):
        return a is b
    if isinstance(a, (list, tuple)) or type(a).__name__ == "deque":
        bound = getattr(a, "maxlen", None) == getattr(b, "maxlen", None)
        return bound and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, (set, frozenset)):
        return len(a) == len(b) and all(any(same(x, y) for y in b) for x in a)
    if dataclasses.is_dataclass(a):
        names = [field.name for field in dataclasses.fields(a)]
        return all(same(getattr(a, name), getattr(b, name)) for name in names)
    if isinstance(a, memoryview):
        return (a.format, a.shape, a.tobytes()) == (b.format, b.shape, b.tobytes())
    if hasattr(a, "__pydantic_fields_set__"):
        parts = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
        return all(same(getattr(a, part), getattr(b, part)) for part in parts)
    return bool(a == b) and getattr(a, "__dict__", None) == getattr(b, "__dict__", None)


def mappings(a: dict[Any, Any], b: dict[Any, Any]) -> bool:
    if type(a).__name__ == "OrderedDict" and not same(list(a), list(b)):
        return False
    factories = getattr(a, "default_factory", None) is getattr(b, "default_factory", None)
    attributes = getattr(a, "__dict__", None) == getattr(b, "__dict__", None)
    return factories and attributes and len(a) == len(b) and all(member(key, a[key], b) for key in a)


def member(key: Any, value: Any, other: dict[Any, Any]) -> bool:
    if type(key) is str:
        return key in other and same(value, other[key])
    # Keys may be equal to others of another type, or not to themselves.
    return any(same(key, candidate) and same(value, item) for candidate, item in other.items())


def numpy(a: Any, b: Any) -> bool:
    np: Any = sys.modules["numpy"]
    if isinstance(a, np.ma.MaskedArray):
        masks = np.array_equal(np.ma.getmaskarray(a), np.ma.getmaskarray(b))
        kinds = (a.mask is np.ma.nomask) == (b.mask is np.ma.nomask)
        filled = repr(a.fill_value) == repr(b.fill_value)
        return masks and kinds and filled and same(np.asarray(a.data), np.asarray(b.data))
    if isinstance(a, np.dtype):
        return bool(a == b and a.num == b.num)
    if not isinstance(a, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.dtype.num != b.dtype.num or a.shape != b.shape:
        return False
    if a.dtype.kind in "OT":
        return same(a.ravel().tolist(), b.ravel().tolist())
    if a.flags.forc and b.flags.forc and a.flags.f_contiguous != b.flags.f_contiguous:
        return False
    if a.dtype.char in "gG":
        return repr(a) == repr(b)
    if a.dtype.names:
        return all(same(np.array(a[name]), np.array(b[name])) for name in a.dtype.names)
    # NaN is NaN, whatever its bits.
    return bool(a.tobytes() == b.tobytes() or (a.dtype.kind in "fc" and np.array_equal(a, b, equal_nan=True)))


def pandas(a: Any, b: Any) -> bool:
    pd: Any = sys.modules["pandas"]
    testing: Any = importlib.import_module("pandas.testing")
    if isinstance(a, pd.DataFrame):
        testing.assert_frame_equal(a, b, check_column_type=True, check_freq=True)
        return type(a.index) is type(b.index) and type(a.columns) is type(b.columns)
    if isinstance(a, pd.Series):
        testing.assert_series_equal(a, b)
        return type(a.name) is type(b.name)
    if isinstance(a, pd.Index):
        testing.assert_index_equal(a, b, exact=True)
        return repr(a) == repr(b) and getattr(a, "freq", None) == getattr(b, "freq", None)
    if isinstance(a, pd.api.extensions.ExtensionArray):
        testing.assert_extension_array_equal(a, b)
        return bool(a.dtype == b.dtype)
    units = getattr(a, "unit", None) == getattr(b, "unit", None)
    zones = type(getattr(a, "tzinfo", None)) is type(getattr(b, "tzinfo", None))
    return units and zones and repr(a) == repr(b)


def polars(a: Any, b: Any) -> bool:
    if hasattr(a, "schema"):
        return bool(a.equals(b, null_equal=True) and a.schema == b.schema)
    if hasattr(a, "to_list"):
        return bool(a.equals(b, check_dtypes=True, check_names=True))
    return bool(a == b)


def pyarrow(a: Any, b: Any) -> bool:
    if hasattr(a, "schema"):
        return bool(a.equals(b, check_metadata=True))
    types = getattr(a, "type", None) == getattr(b, "type", None)
    return types and bool(a.equals(b))


def torch(a: Any, b: Any) -> bool:
    if not hasattr(a, "requires_grad"):
        return bool(a == b)
    library: Any = sys.modules["torch"]
    if (a.dtype, a.shape, a.requires_grad) != (b.dtype, b.shape, b.requires_grad):
        return False
    if a.element_size() == 1:
        return bool(library.equal(a.view(library.uint8), b.view(library.uint8)))
    return bool(library.equal(a, b))


def pillow(a: Any, b: Any) -> bool:
    return bool(a == b) and a.getpalette() == b.getpalette()


def scipy(a: Any, b: Any) -> bool:
    return (a.format, a.shape, a.dtype) == (b.format, b.shape, b.dtype) and same(a.toarray(), b.toarray())


BY_LIBRARY = {
    "numpy": numpy,
    "pandas": pandas,
    "polars": polars,
    "pyarrow": pyarrow,
    "torch": torch,
    "PIL": pillow,
    "scipy": scipy,
}
