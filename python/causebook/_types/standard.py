"""Types of the standard library."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import fractions
import ipaddress
import pathlib
import re
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

from causebook._types.common import (
    Attachment,
    DecodeError,
    Described,
    Describer,
    Missing,
    Number,
    Opaque,
    Parameters,
    Reviver,
    class_name,
    data_of,
    expect,
    imported,
    keyed,
    need,
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


# Time


def zone_parameters(zone: dt.tzinfo | None) -> Parameters:
    """What a time needs beside its offset."""
    if zone is None or zone is dt.UTC:
        return {}
    if isinstance(zone, zoneinfo.ZoneInfo) and zone.key:
        return {"zone": zone.key}
    if type(zone) is dt.timezone:
        named = zone.tzname(None)
        return {} if named == dt.timezone(zone.utcoffset(None)).tzname(None) else {"name": named}
    pytz = imported("pytz")
    key = getattr(zone, "zone", None)
    if pytz is not None and isinstance(zone, pytz.tzinfo.BaseTzInfo) and isinstance(key, str):
        return {"zone": key, "library": "pytz"}
    return {"class": class_name(type(zone))}


def zone_of(parameters: Parameters, offset: dt.timedelta | None) -> dt.tzinfo | None:
    """The zone that the parameters say, else one of fixed offset."""
    key = parameters.get("zone")
    if key is not None:
        expect(key, str, "a zone")
        if parameters.get("library") == "pytz":
            found: dt.tzinfo = need("pytz").timezone(key)
            return found
        try:
            return zoneinfo.ZoneInfo(key)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise Missing(key) from None
    if offset is None:
        return None
    if "name" in parameters:
        return dt.timezone(offset, expect(parameters["name"], str, "a name of a zone"))
    return dt.timezone(offset)


def describe_datetime(value: dt.datetime) -> Described:
    parameters = zone_parameters(value.tzinfo)
    if value.fold:
        parameters["fold"] = 1
    return "datetime", value.isoformat(), parameters or None


def revive_datetime(plain: Any, parameters: Parameters) -> dt.datetime:
    value = dt.datetime.fromisoformat(expect(plain, str, "a time"))
    if value.tzinfo is None:
        return value.replace(fold=parameters.get("fold", 0))
    zone = zone_of(parameters, value.utcoffset())
    if parameters.get("library") == "pytz":
        return value.astimezone(zone)
    return value.replace(tzinfo=zone, fold=parameters.get("fold", 0))


def describe_time(value: dt.time) -> Described:
    parameters = zone_parameters(value.tzinfo)
    if value.fold:
        parameters["fold"] = 1
    return "time", value.isoformat(), parameters or None


def revive_time(plain: Any, parameters: Parameters) -> dt.time:
    value = dt.time.fromisoformat(expect(plain, str, "a time of day"))
    return value.replace(tzinfo=zone_of(parameters, value.utcoffset()), fold=parameters.get("fold", 0))


def describe_date(value: dt.date) -> Described:
    return "date", value.isoformat(), None


def revive_date(plain: Any, _: Parameters) -> dt.date:
    return dt.date.fromisoformat(expect(plain, str, "a date"))


def describe_timedelta(value: dt.timedelta) -> Described:
    micros = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    whole, fraction = divmod(abs(micros), 1_000_000)
    text = ("-" if micros < 0 else "") + str(whole) + (f".{fraction:06}".rstrip("0") if fraction else "")
    # Doubles hold 15 digits. The value stays a number of seconds as long as they suffice.
    return "timedelta", Number(text) if abs(micros) < 10**15 else text, None


SECONDS = re.compile(r"(-?)(\d{1,14})(?:\.(\d{1,6}))?")


def revive_timedelta(plain: Any, _: Parameters) -> dt.timedelta:
    text = getattr(plain, "text", None)
    if text is None:
        text = plain if type(plain) is str else f"{expect(plain, (int, float), 'a duration'):.6f}"
    match = SECONDS.fullmatch(text)
    if match is None:
        raise DecodeError(f"{text[:40]!r} is not a number of seconds")
    sign, seconds, fraction = match.groups()
    value = dt.timedelta(seconds=int(seconds), microseconds=int((fraction or "").ljust(6, "0")))
    return -value if sign else value


def revive_zone(plain: Any, _: Parameters) -> dt.tzinfo | None:
    return zone_of({"zone": plain}, None)


def describe_zone(value: zoneinfo.ZoneInfo) -> Described:
    if not value.key:
        raise TypeError("a zone without a key")
    return "zoneinfo", value.key, None


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
    return "memoryview", plain, {"format": value.format, "shape": list(value.shape)}


def revive_memoryview(plain: Any, parameters: Parameters) -> memoryview:
    view = memoryview(data_of(plain))
    shape = parameters.get("shape", [len(view)])
    form = parameters.get("format", "B")
    if form == "B" and len(shape) == 1:
        return view
    if not shape:
        return view.cast(form, ())
    return view.cast(form, tuple(shape)) if 0 not in shape else view.cast(form)


# Containers


def describe_tuple(value: tuple[Any, ...]) -> Described:
    return "tuple", list(value), None


def revive_tuple(plain: Any, _: Parameters) -> tuple[Any, ...]:
    return tuple(expect(plain, list, "a tuple"))


def describe_set(value: set[Any] | frozenset[Any]) -> Described:
    return "set" if type(value) is set else "frozenset", ordered(value), None


def ordered(values: set[Any] | frozenset[Any]) -> list[Any]:
    """Elements in an order that does not change from one process to the next."""
    items = list(values)
    kinds = {type(item) for item in items}
    if kinds <= {str} or kinds <= {int}:
        return sorted(items)
    return sorted(items, key=sort_key)


def sort_key(item: Any) -> tuple[str, str]:
    kind = type(item)
    if isinstance(item, frozenset):
        return kind.__qualname__, repr([sort_key(inner) for inner in ordered(item)])
    return kind.__qualname__, repr(item)


def revive_set(plain: Any, _: Parameters) -> set[Any]:
    return hashed(set, plain)


def revive_frozenset(plain: Any, _: Parameters) -> frozenset[Any]:
    return hashed(frozenset, plain)


def hashed(kind: Callable[[Any], Any], plain: Any) -> Any:
    try:
        return kind(expect(plain, list, "a set"))
    except TypeError:
        # An element was of a type that is not there: what stands for it may not be hashable.
        raise Missing("an element") from None


def mapping(value: dict[Any, Any]) -> tuple[object, Parameters]:
    """A natural object with the order of its keys if JSON can have them, else pairs."""
    if keyed(value):
        return dict(value), {"order": list(value)}
    return [[key, item] for key, item in value.items()], {"pairs": True}


def pairs_of(plain: Any, parameters: Parameters) -> list[tuple[Any, Any]]:
    if type(plain) is dict:
        order = parameters.get("order", list(plain))
        if len(order) != len(plain) or set(order) != set(plain):
            raise DecodeError("the order of keys names other keys than there are")
        return [(key, plain[key]) for key in order]
    found = [tuple(pair) for pair in expect(plain, list, "pairs")]
    if any(len(pair) != 2 for pair in found):
        raise DecodeError("a pair is not of two")
    return [(pair[0], pair[1]) for pair in found]


def describe_dict(value: dict[Any, Any]) -> Described:
    return "dict", [[key, item] for key, item in value.items()], None


def revive_dict(plain: Any, parameters: Parameters) -> dict[Any, Any]:
    return filled({}, plain, parameters)


def filled(into: Any, plain: Any, parameters: Parameters) -> Any:
    try:
        for key, item in pairs_of(plain, parameters):
            dict.__setitem__(into, key, item)
    except TypeError:
        raise Missing("a key") from None
    return into


def describe_ordered(value: collections.OrderedDict[Any, Any]) -> Described:
    plain, parameters = mapping(value)
    return "ordereddict", plain, parameters


def revive_ordered(plain: Any, parameters: Parameters) -> collections.OrderedDict[Any, Any]:
    try:
        return collections.OrderedDict(pairs_of(plain, parameters))
    except TypeError:
        raise Missing("a key") from None


FACTORIES: dict[str, type] = {
    kind.__name__: kind
    for kind in (list, dict, set, int, float, str, bool, tuple, frozenset, bytes, collections.Counter)
}


def describe_default(value: collections.defaultdict[Any, Any]) -> Described:
    plain, parameters = mapping(value)
    factory = value.default_factory
    if factory is not None:
        known = isinstance(factory, type) and FACTORIES.get(factory.__name__) is factory
        if not known:
            parameters["unknown_factory"] = class_name(factory if isinstance(factory, type) else type(factory))
        else:
            parameters["factory"] = getattr(factory, "__name__", "")
    return "defaultdict", plain, parameters


def revive_default(plain: Any, parameters: Parameters) -> Any:
    if "unknown_factory" in parameters:
        raise Missing(parameters["unknown_factory"])
    factory = parameters.get("factory")
    if factory is not None and factory not in FACTORIES:
        raise Missing(factory)
    into: Any = collections.defaultdict(FACTORIES[factory] if factory else None)
    return filled(into, plain, parameters)


def describe_counter(value: collections.Counter[Any]) -> Described:
    plain, parameters = mapping(value)
    return "counter", plain, parameters


def revive_counter(plain: Any, parameters: Parameters) -> Any:
    return filled(collections.Counter(), plain, parameters)


def describe_deque(value: collections.deque[Any]) -> Described:
    return "deque", list(value), None if value.maxlen is None else {"maxlen": value.maxlen}


def revive_deque(plain: Any, parameters: Parameters) -> collections.deque[Any]:
    return collections.deque(expect(plain, list, "a deque"), parameters.get("maxlen"))


def describe_range(value: range) -> Described:
    return "range", [value.start, value.stop, value.step], None


def revive_range(plain: Any, _: Parameters) -> range:
    start, stop, step = plain
    return range(start, stop, step)


def describe_slice(value: slice) -> Described:
    return "slice", [value.start, value.stop, value.step], None


def revive_slice(plain: Any, _: Parameters) -> slice:
    start, stop, step = plain
    return slice(start, stop, step)


def describe_ellipsis(_: object) -> Described:
    return "ellipsis", None, None


def revive_ellipsis(_: Any, __: Parameters) -> object:
    return ...


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
    dict: describe_dict,
    decimal.Decimal: describe_decimal,
    fractions.Fraction: describe_fraction,
    complex: describe_complex,
    uuid.UUID: describe_uuid,
    dt.datetime: describe_datetime,
    dt.date: describe_date,
    dt.time: describe_time,
    dt.timedelta: describe_timedelta,
    zoneinfo.ZoneInfo: describe_zone,
    bytes: describe_bytes,
    bytearray: describe_bytes,
    memoryview: describe_memoryview,
    tuple: describe_tuple,
    set: describe_set,
    frozenset: describe_set,
    collections.OrderedDict: describe_ordered,
    collections.defaultdict: describe_default,
    collections.Counter: describe_counter,
    collections.deque: describe_deque,
    range: describe_range,
    slice: describe_slice,
    type(...): describe_ellipsis,
    Attachment: describe_attachment,
    Opaque: describe_opaque,
    **dict.fromkeys(PATHS, describe_text),
    **dict.fromkeys(ADDRESSES, describe_text),
}

REVIVERS: dict[str, Reviver] = {
    "str": revive_str,
    "int": revive_int,
    "float": revive_float,
    "dict": revive_dict,
    "decimal": revive_decimal,
    "fraction": revive_fraction,
    "complex": revive_complex,
    "uuid": revive_uuid,
    "datetime": revive_datetime,
    "date": revive_date,
    "time": revive_time,
    "timedelta": revive_timedelta,
    "zoneinfo": revive_zone,
    "bytes": revive_bytes,
    "bytearray": revive_bytearray,
    "memoryview": revive_memoryview,
    "tuple": revive_tuple,
    "set": revive_set,
    "frozenset": revive_frozenset,
    "ordereddict": revive_ordered,
    "defaultdict": revive_default,
    "counter": revive_counter,
    "deque": revive_deque,
    "range": revive_range,
    "slice": revive_slice,
    "ellipsis": revive_ellipsis,
    "attachment": revive_attachment,
    **{f"pathlib.{kind.__name__}": revive_path(kind) for kind in PATHS},
    **{f"ipaddress.{kind.__name__}": revive_address(kind) for kind in ADDRESSES},
}
