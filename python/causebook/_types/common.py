"""What every type of value is described with and brought back from."""

from __future__ import annotations

import base64
import binascii
import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeAlias, TypeGuard

from causebook._errors import CausebookError

Parameters: TypeAlias = dict[str, Any]
Described: TypeAlias = tuple[str, object, Parameters | None]
"""Name of the type, the value in terms of simpler ones, and parameters in plain JSON."""

Describer: TypeAlias = Callable[[Any], Described]
Reviver: TypeAlias = Callable[[Any, Parameters], object]


class DecodeError(CausebookError, ValueError):
    """A document is damaged, or is no document of values."""


class Missing(Exception):
    """A library or a class that the value is of is not there: the value stays as it is written."""


class Attachment:
    """Bytes that are kept beside a record, and not in it.

    >>> Attachment("application/pdf", b"%PDF-1.7")
    Attachment('application/pdf', 8 bytes)
    """

    __slots__ = ("data", "media_type")

    def __init__(self, media_type: str, data: bytes) -> None:
        self.media_type = str(media_type)
        self.data = bytes(data)

    def __repr__(self) -> str:
        return f"Attachment({self.media_type!r}, {len(self.data)} bytes)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Attachment):
            return NotImplemented
        return (self.media_type, self.data) == (other.media_type, other.data)

    def __hash__(self) -> int:
        return hash((self.media_type, self.data))


class Opaque:
    """A value that cannot be brought back here: its type is unknown, or its class or library is not there.

    Nothing of it is lost: `type` is the name in the document, `value` what was written, `parameters` what was said beside
    it. Encoded again, it is the document that it came from.

    >>> Opaque("object", "<Scorer>", {"class": "shop.Scorer"})
    Opaque('object', '<Scorer>', {'class': 'shop.Scorer'})
    """

    __slots__ = ("parameters", "type", "value")

    def __init__(self, type: str, value: object, parameters: Parameters | None = None) -> None:
        self.type = type
        self.value = value
        self.parameters: Parameters = parameters or {}

    def __repr__(self) -> str:
        return f"Opaque({self.type!r}, {self.value!r}, {self.parameters!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Opaque):
            return NotImplemented
        return (self.type, self.value, self.parameters) == (other.type, other.value, other.parameters)

    __hash__ = None  # type: ignore[assignment]


class Number(str):
    """Digits of a JSON number, written as they are."""

    __slots__ = ()


class Reals:
    """Nested lists of floating-point numbers of which the type is said elsewhere."""

    __slots__ = ("single", "values")

    def __init__(self, values: object, single: bool = False) -> None:
        self.values = values
        self.single = single


def clean(text: str, limit: int = 1_000) -> str:
    """An exact `str` that JSON can hold."""
    return str.__getitem__(text, slice(0, limit)).encode("utf-8", "backslashreplace").decode()


def class_name(kind: type) -> str:
    """`module.Qualname`."""
    try:
        return clean(f"{kind.__module__}.{kind.__qualname__}", 500)
    except MemoryError:
        raise
    except Exception:
        return clean(type.__dict__["__name__"].__get__(kind), 500)


def kind_of(value: object) -> Any:
    """The class of a value, of which no type checker knows anything."""
    return type(value)


def class_of(value: object) -> str:
    return class_name(type(value))


def derived(kind: Any, base: type) -> bool:
    """Whether a class comes from another, of which no type checker draws conclusions."""
    return issubclass(kind, base)


def find_class(name: object) -> type:
    """The class of that name, if the program has imported it. Imports nothing and runs nothing."""
    if not isinstance(name, str) or len(name) > 500:
        raise Missing(name)
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:cut]))
        if not isinstance(module, ModuleType):
            continue
        names: Any = ModuleType.__getattribute__(module, "__dict__")
        found: Any = None
        for part in parts[cut:]:
            found = names.get(part)
            names = type_dict(found)
        if isinstance(found, type) and class_name(found) == name:
            return found
    raise Missing(name)


def type_dict(found: object) -> Any:
    return type.__dict__["__dict__"].__get__(found) if isinstance(found, type) else {}


def need(name: str) -> Any:
    """A library by a name of ours, never by one of a document."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Missing(name) from None


def imported(name: str) -> Any:
    """A library, if the program uses it."""
    return sys.modules.get(name)


def to_base64(data: bytes | bytearray) -> str:
    return base64.b64encode(data).decode("ascii")


def from_base64(text: object) -> bytes:
    if not isinstance(text, str):
        raise DecodeError("bytes are not a string of base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DecodeError("bytes are not base64") from None


def data_of(plain: object) -> bytes:
    """Bytes that stand in the document, or beside it."""
    return plain.data if isinstance(plain, Attachment) else from_base64(plain)


def expect(plain: Any, kind: type | tuple[type, ...], what: str) -> Any:
    if type(plain) not in (kind if isinstance(kind, tuple) else (kind,)):
        raise DecodeError(f"{what} is not what it should be: it is {type(plain).__name__}")
    return plain


def is_object(plain: object) -> TypeGuard[dict[str, Any]]:
    return type(plain) is dict


def is_array(plain: object) -> TypeGuard[list[Any]]:
    return type(plain) is list


def keyed(pairs: dict[Any, Any]) -> bool:
    """Whether an object of JSON can hold the dictionary."""
    return all(type(key) is str and encodable(key) for key in pairs)


def encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
