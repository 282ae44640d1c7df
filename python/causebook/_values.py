"""Values of programs as typed documents, and back (`docs/format.md`, "Values of programs").

What JSON can say is written by the native module. For everything else it asks `describe` for the name of the type, the
value in terms of simpler ones, and parameters. `decode` reads documents: it needs nothing but the standard library, imports
no module that a document names, and runs no code of the classes that it brings back.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import weakref
from collections.abc import Callable
from typing import Any, Self, TypeAlias

from causebook._load import native
from causebook._types import classes, containers, standard, times
from causebook._types.common import (
    Attachment,
    DecodeError,
    Described,
    Describer,
    Missing,
    Number,
    Opaque,
    Parameters,
    Reals,
    Reviver,
    class_name,
    clean,
    imported,
    is_array,
    is_object,
)

__all__ = [
    "Attachment",
    "DecodeError",
    "Number",
    "Opaque",
    "Reals",
    "decode",
    "describe",
    "encode",
    "loads",
    "opaque",
    "revive",
]

Attachments: TypeAlias = Callable[[str], bytes]

LIBRARIES = {
    "numpy": "arrays",
    "pandas": "frames",
    "polars": "columns",
    "pyarrow": "columns",
    "torch": "media",
    "PIL": "media",
    "scipy": "media",
}
"""Where the types of a library are described."""

DESCRIBERS: dict[type, Describer] = {**standard.DESCRIBERS, **times.DESCRIBERS, **containers.DESCRIBERS}
REVIVERS: dict[str, Reviver] = {**standard.REVIVERS, **times.REVIVERS, **containers.REVIVERS, **classes.REVIVERS}

LONGEST = 64 * 1024 * 1024
"""Bytes of a document that is read."""


def encode(value: object) -> tuple[str, list[tuple[str, str, str, bytes]]]:
    """The typed document of a value, and what goes beside it: name, media type, digest and bytes each.

    >>> import decimal
    >>> encode({"age": 30, "amount": decimal.Decimal("0.10")})
    ('{"age":30,"amount":0.10,"$types":{"decimal":["/amount"]}}', [])
    """
    document: tuple[str, list[tuple[str, str, str, bytes]]] = native.encode(value)
    return document


# Describing


_of_class: weakref.WeakKeyDictionary[type, Describer] = weakref.WeakKeyDictionary()


def describe(value: object) -> Described:
    """What stands for a value that JSON cannot say. Raises nothing because of the value."""
    try:
        kind = type(value)
        describer = DESCRIBERS.get(kind) or _of_class.get(kind)
        if describer is None:
            describer = _find(kind)
            _of_class[kind] = describer
        return describer(value)
    except MemoryError:
        raise
    except Exception:
        return opaque(value)


def _find(kind: type) -> Describer:
    for origin in kind.__mro__:
        library = _library(origin.__module__)
        if library is not None:
            found: Describer | None = library.find(kind)
            if found is not None:
                return found
    found = classes.find(kind)
    if found is not None:
        return found
    if hasattr(kind, "__array__") and imported("numpy") is not None:
        arrays: Any = importlib.import_module("causebook._types.arrays")
        converted: Describer = arrays.describe_convertible
        return converted
    return opaque


def _library(name: str) -> Any:
    module = LIBRARIES.get(name.partition(".")[0])
    return None if module is None else importlib.import_module(f"causebook._types.{module}")


def opaque(value: object, why: str | None = None) -> Described:
    """The type and the `repr` of a value that nobody can encode; only the type if there is a reason not to ask it."""
    name = class_name(type(value))
    if why is not None:
        return "object", f"<{name}>", {"class": name, "why": why}
    try:
        text = clean(repr(value))
    except MemoryError:
        raise
    except Exception:
        return "object", f"<{name}>", {"class": name, "why": "its repr failed"}
    return "object", text, {"class": name}


# Reading


class Real(float):
    """A number with the digits it was written with."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, text)
        made.text = text
        return made


def loads(text: str | bytes) -> Any:
    """Parses JSON. Numbers keep their digits for `decode`, as floats that know how they were written."""
    if len(text) > LONGEST:
        raise DecodeError(f"a document of {len(text)} bytes; at most {LONGEST} are read")
    try:
        return json.loads(text, parse_float=Real, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"a document is not JSON: {error}") from None


def _refuse(word: str) -> object:
    raise DecodeError(f"a document is not JSON: {word}")


def decode(document: Any, attachments: Attachments | None = None) -> Any:
    """The value that a document was made from: equal, and of the same type.

    `document` is JSON text (`str` or `bytes`), or what a parser of JSON made of an object or array. Parsers keep no digits:
    `json.loads` makes `Decimal("0.1")` of `0.10`, so pass the text. `attachments` gives the bytes of a digest; without it,
    what is kept beside the record comes back as `Opaque`.

    Classes are found only if the program has imported them; their values come back as `Opaque` otherwise, whole.

    >>> decode('{"age": 30, "amount": 0.10, "$types": {"decimal": ["/amount"]}}')
    {'age': 30, 'amount': Decimal('0.10')}
    """
    if isinstance(document, (str, bytes, bytearray)):
        document = loads(bytes(document) if isinstance(document, bytearray) else document)
    return revive(document, attachments)


def revive(parsed: Any, attachments: Attachments | None = None) -> Any:
    """The value of a document that is parsed already: as `decode`, but a string is a value and not text to parse."""
    value, types = _parts(parsed)
    places = _places(types)
    holder = _owned(value, _with_digits(value, places))
    for tokens, name, parameters in places:
        inner, key = _find_place(holder, tokens)
        inner[key] = _revive(name, inner[key], parameters, attachments)
    return holder[0]


def _parts(document: Any) -> tuple[Any, dict[str, Any]]:
    """Value and types of a document."""
    if not is_object(document) or ("$types" not in document and "$value" not in document):
        return document, {}
    types = document.get("$types", {})
    if not is_object(types):
        raise DecodeError("$types is not an object")
    if "$value" not in document:
        return {key: item for key, item in document.items() if key != "$types"}, types
    if not document.keys() <= {"$types", "$value"}:
        raise DecodeError("beside $value and $types a document has nothing")
    return document["$value"], types


NEVER_NULL = frozenset({"date", "datetime", "decimal", "float"})
"""Types whose values are never written as null: a null of theirs is None."""


def _places(types: dict[str, Any]) -> list[tuple[list[str], str, Parameters]]:
    """Typed places, inner ones first."""
    found: dict[tuple[str, ...], tuple[str, Parameters]] = {}
    for name, places in types.items():
        if not is_array(places):
            raise DecodeError(f"the places of type {name[:40]!r} are not an array")
        for place in places:
            pointer, parameters = (place, {}) if type(place) is str else _with_parameters(name, place)
            tokens = tuple(_tokens(pointer))
            if tokens in found:
                raise DecodeError(f"the place {pointer[:80]!r} has two types")
            found[tokens] = (name, parameters)
    deepest = sorted(found.items(), key=lambda item: len(item[0]), reverse=True)
    return [(list(tokens), name, parameters) for tokens, (name, parameters) in deepest]


def _with_parameters(name: str, place: Any) -> tuple[str, Parameters]:
    if is_array(place) and len(place) == 2:
        pointer, parameters = place
        if type(pointer) is str and is_object(parameters):
            return pointer, parameters
    raise DecodeError(f"a place of type {name[:40]!r} is neither a pointer nor a pair of a pointer and parameters")


def _tokens(pointer: str) -> list[str]:
    if pointer == "":
        return []
    if not pointer.startswith("/"):
        raise DecodeError(f"{pointer[:80]!r} is not a JSON Pointer")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/")]


def _find_place(holder: list[Any], tokens: list[str]) -> tuple[Any, Any]:
    """Container and key of a place."""
    inner: Any = holder
    key: Any = 0
    for token in tokens:
        inner = inner[key]
        if is_array(inner):
            key = _index(token, len(inner))
        elif is_object(inner) and token in inner:
            key = token
        else:
            raise DecodeError(f"there is no place {'/'.join(tokens)[:80]!r}")
    return inner, key


def _with_digits(value: Any, places: list[tuple[list[str], str, Parameters]]) -> set[int]:
    """Numbers of which the digits are needed."""
    found: set[int] = set()
    for tokens, name, _ in places:
        if name in ("decimal", "timedelta"):
            inner, key = _find_place([value], tokens)
            found.add(id(inner[key]))
    return found


def _owned(value: Any, with_digits: set[int]) -> list[Any]:
    """A copy in which places can be replaced, and in which floats are exact floats if their digits are not needed."""
    holder = [value]
    waiting: list[Any] = [holder]
    while waiting:
        container = waiting.pop()
        members: Any = container.items() if is_object(container) else enumerate(container)
        for key, item in members:
            if is_object(item) or is_array(item):
                container[key] = item.copy()
                waiting.append(container[key])
            elif type(item) is Real and id(item) not in with_digits:
                container[key] = float(item)
    return holder


def _index(token: str, length: int) -> int:
    if not (token.isascii() and token.isdigit() and (token == "0" or token[0] != "0") and len(token) < 12):
        raise DecodeError(f"{token[:40]!r} is not the number of an element")
    if int(token) >= length:
        raise DecodeError(f"there is no element {token}")
    return int(token)


def _revive(name: str, plain: Any, parameters: Parameters, attachments: Attachments | None) -> object:
    try:
        if parameters.get("attachment"):
            if attachments is None:
                return Opaque(name, plain, parameters)
            plain = _fetch(plain, attachments)
            parameters = _without(parameters, "attachment")
            if name == "document":
                return decode(plain.data, attachments)
        if parameters.get("boxed"):
            if not is_array(plain) or len(plain) != 1:
                raise DecodeError("a boxed value is not an array of one element")
            plain = plain[0]
            parameters = _without(parameters, "boxed")
        if plain is None and (name in NEVER_NULL or name.startswith("numpy.")):
            # A column of a batch has one type, and rows without a value.
            return None
        reviver = _reviver(name)
        return Opaque(name, plain, parameters) if reviver is None else reviver(plain, parameters)
    except Missing:
        return Opaque(name, plain, parameters)
    except MemoryError:
        raise
    except Exception as error:
        if _holds_opaque(plain):
            # A part could not be brought back, so the whole cannot either.
            return Opaque(name, plain, parameters)
        if isinstance(error, DecodeError):
            raise
        raise DecodeError(f"a value of type {name[:40]!r} is damaged: {type(error).__name__}: {error}") from error


def _holds_opaque(plain: Any, depth: int = 3) -> bool:
    if isinstance(plain, Opaque):
        return True
    parts: list[Any] = list(plain.values()) if is_object(plain) else plain if is_array(plain) else []
    return depth > 0 and any(_holds_opaque(part, depth - 1) for part in parts)


def _without(parameters: Parameters, flag: str) -> Parameters:
    return {key: item for key, item in parameters.items() if key != flag}


def _reviver(name: str) -> Reviver | None:
    found = REVIVERS.get(name)
    if found is None and "." in name:
        library = _library(name)
        found = None if library is None else library.REVIVERS.get(name)
    return found


def _fetch(plain: Any, attachments: Attachments) -> Attachment:
    if type(plain) is not str or len(plain) != 71 or not plain.startswith("sha256:"):
        raise DecodeError("an attachment is not named by its digest")
    data = bytes(attachments(plain))
    if hashlib.sha256(data).hexdigest() != plain[7:]:
        raise DecodeError(f"an attachment has other bytes than {plain}")
    return Attachment("application/octet-stream", data)
