"""Types of the standard library."""

from __future__ import annotations

import decimal
import fractions
import ipaddress
import pathlib
import uuid
from collections.abc import Callable
from typing import Any

from causebook._types.common import (
    Attachment,
    DecodeError,
    Described,
    Describer,
    Number,
    Opaque,
    Parameters,
    Reviver,
    data_of,
    expect,
    to_base64,
)

INLINE = 4 * 1024
"""Bytes that stand in a document. More go beside the record."""

LONGEST_NUMBER = 640
"""Digits that every Python reads back."""


def describe_str(value: str) -> Described:
    lone = [[at, ord(char)] for at, char in enumerate(value) if "\ud800" <= char <= "\udfff"]
    return "str", value.encode("utf-8", "replace").decode() if not lone else _replaced(value), {"surrogates": lone}


def _replaced(value: str) -> str:
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)


def revive_str(plain: Any, parameters: Parameters) -> str:
    characters = list(expect(plain, str, "text"))
    for at, code in parameters["surrogates"]:
        if characters[at] != "\ufffd" or not 0xD800 <= code <= 0xDFFF:
            raise DecodeError("a surrogate is not where it is said to be")
        characters[at] = chr(code)
    return "".join(characters)


def describe_int(value: int) -> Described:
    return "int", hex(value), None


def revive_int(plain: Any, _: Parameters) -> int:
    return int(expect(plain, str, "an integer"), 16)


def revive_float(plain: Any, _: Parameters) -> float:
    return real(plain)


def real(plain: Any) -> float:
    """A floating-point number, which is a string if it is not finite."""
    if type(plain) is str:
        if plain not in ("NaN", "Infinity", "-Infinity"):
            raise DecodeError(f"{plain[:40]!r} is not a number")
        return float(plain)
    return float(expect(plain, (float, int), "a number"))


def describe_decimal(value: decimal.Decimal) -> Described:
    text = str(value)
    if not value.is_finite() or len(text) > LONGEST_NUMBER:
        return "decimal", text, None
    near = float(text)
    # A reader that knows doubles only is to see about the same number, and the sign of zero is lost on integers.
    honest = near not in (float("inf"), float("-inf")) and (near != 0 or value == 0) and text != "-0"
    return "decimal", Number(text) if honest else text, None


def revive_decimal(plain: Any, _: Parameters) -> decimal.Decimal:
    text = getattr(plain, "text", None) or (
        plain if type(plain) is str else repr(expect(plain, (int, float), "a number"))
    )
    try:
        return decimal.Decimal(text)
    except decimal.InvalidOperation:
        raise DecodeError(f"{text[:40]!r} is not a decimal number") from None


def describe_fraction(value: fractions.Fraction) -> Described:
    return "fraction", [value.numerator, value.denominator], None


def revive_fraction(plain: Any, _: Parameters) -> fractions.Fraction:
    numerator, denominator = plain
    return fractions.Fraction(expect(numerator, int, "a numerator"), expect(denominator, int, "a denominator"))


def describe_complex(value: complex) -> Described:
    return "complex", [value.real, value.imag], None


def revive_complex(plain: Any, _: Parameters) -> complex:
    return complex(real(plain[0]), real(plain[1]))


def describe_uuid(value: uuid.UUID) -> Described:
    return "uuid", str(value), None


def revive_uuid(plain: Any, _: Parameters) -> uuid.UUID:
    return uuid.UUID(expect(plain, str, "a UUID"))


# Bytes


def describe_bytes(value: bytes | bytearray) -> Described:
    name = "bytes" if type(value) is bytes else "bytearray"
    if len(value) > INLINE:
        return name, Attachment("application/octet-stream", bytes(value)), None
    return name, to_base64(value), None


def revive_bytes(plain: Any, _: Parameters) -> bytes:
    return data_of(plain)


def revive_bytearray(plain: Any, _: Parameters) -> bytearray:
    return bytearray(data_of(plain))


def describe_memoryview(value: memoryview) -> Described:
    _, plain, _ = describe_bytes(value.tobytes())
    return "memoryview", plain, {"format": value.format, "shape": list(value.shape or ())}


def revive_memoryview(plain: Any, parameters: Parameters) -> Any:
    view: Any = memoryview(data_of(plain))
    shape = parameters.get("shape", [len(view)])
    form: Any = parameters.get("format", "B")
    if len(shape) == 1 or 0 in shape:
        return view.cast("B").cast(form)
    return view.cast(form, tuple(shape))


def describe_text(value: object) -> Described:
    """Paths and addresses: their text says all but their class."""
    kind = type(value)
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}", str(value), None


def revive_path(kind: type[pathlib.PurePath]) -> Reviver:
    def revive(plain: Any, _: Parameters) -> pathlib.PurePath:
        try:
            return kind(expect(plain, str, "a path"))
        except NotImplementedError:
            # The path is of another system.
            pure = pathlib.PureWindowsPath if issubclass(kind, pathlib.PureWindowsPath) else pathlib.PurePosixPath
            return pure(plain)

    return revive


def revive_address(kind: Callable[[Any], object]) -> Reviver:
    return lambda plain, _: kind(expect(plain, str, "an address"))


def describe_attachment(value: Attachment) -> Described:
    return "attachment", value, {"media_type": value.media_type}


def revive_attachment(plain: Any, parameters: Parameters) -> Attachment:
    media_type = expect(parameters.get("media_type"), str, "a media type")
    return Attachment(media_type, expect(plain, Attachment, "an attachment").data)


def describe_opaque(value: Opaque) -> Described:
    return value.type, value.value, value.parameters or None


PATHS = (
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
    pathlib.PosixPath,
    pathlib.WindowsPath,
)
ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)

DESCRIBERS: dict[type, Describer] = {
    str: describe_str,
    int: describe_int,
    decimal.Decimal: describe_decimal,
    fractions.Fraction: describe_fraction,
    complex: describe_complex,
    uuid.UUID: describe_uuid,
    bytes: describe_bytes,
    bytearray: describe_bytes,
    memoryview: describe_memoryview,
    Attachment: describe_attachment,
    Opaque: describe_opaque,
    **dict.fromkeys(PATHS, describe_text),
    **dict.fromkeys(ADDRESSES, describe_text),
}

REVIVERS: dict[str, Reviver] = {
    "str": revive_str,
    "int": revive_int,
    "float": revive_float,
    "decimal": revive_decimal,
    "fraction": revive_fraction,
    "complex": revive_complex,
    "uuid": revive_uuid,
    "bytes": revive_bytes,
    "bytearray": revive_bytearray,
    "memoryview": revive_memoryview,
    "attachment": revive_attachment,
    **{f"pathlib.{kind.__name__}": revive_path(kind) for kind in PATHS},
    **{f"ipaddress.{kind.__name__}": revive_address(kind) for kind in ADDRESSES},
}
