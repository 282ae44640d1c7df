"""Times of the standard library: the zone that they name is kept, not only its offset."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from typing import Any

from causebook._types.common import (
    DecodeError,
    Described,
    Describer,
    Missing,
    Number,
    Parameters,
    Reviver,
    class_name,
    expect,
    imported,
    need,
)


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


def describe_offset(value: dt.timezone) -> Described:
    text = dt.time(tzinfo=value).isoformat()[8:]
    return "timezone", text, zone_parameters(value) or None


def revive_offset(plain: Any, parameters: Parameters) -> dt.tzinfo | None:
    offset = dt.time.fromisoformat("00:00:00" + expect(plain, str, "an offset")).utcoffset()
    return zone_of(parameters, offset)


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


DESCRIBERS: dict[type, Describer] = {
    dt.datetime: describe_datetime,
    dt.date: describe_date,
    dt.time: describe_time,
    dt.timedelta: describe_timedelta,
    zoneinfo.ZoneInfo: describe_zone,
    dt.timezone: describe_offset,
}

REVIVERS: dict[str, Reviver] = {
    "datetime": revive_datetime,
    "date": revive_date,
    "time": revive_time,
    "timedelta": revive_timedelta,
    "zoneinfo": revive_zone,
    "timezone": revive_offset,
}
