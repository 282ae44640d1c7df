"""Members that are words and numbers, made from what programs have at hand: labels, scores, the name of a model."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Mapping
from typing import SupportsFloat, cast

from causebook._errors import RecordError, SettingError


def label(member: str, value: object) -> str:
    """A text by which records are found.

    >>> label("decision", True)
    'true'
    """
    if type(value) is str:
        text = value
    elif isinstance(value, enum.Enum):
        return label(member, value.value)
    elif isinstance(value, bool):
        return "true" if value else "false"
    elif isinstance(value, PRINTED):
        text = str(value)
    elif (plain := scalar(value)) is not None:
        return label(member, plain)
    else:
        raise RecordError(f"{member}: a {type(value).__name__} is no label; give a text")
    if len(text) > LABEL_BYTES_MAX // 4 and len(text.encode()) > LABEL_BYTES_MAX:
        raise RecordError(f"{member}: longer than {LABEL_BYTES_MAX} bytes, which a label may have; shorten it")
    return text


def actor_of(value: object) -> str | dict[str, object]:
    """Who asked: a label, or a dict."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    return label("actor", value)


def automation_of(value: object) -> str:
    """How much of a decision a machine made."""
    if value not in AUTOMATION:
        raise RecordError(f"automation: {value!r} is none of {', '.join(AUTOMATION)}")
    return str(value)


def score_of(member: str, value: object) -> int | float:
    """A number that JSON has.

    >>> score_of("score", decimal.Decimal("0.25"))
    0.25
    """
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    if isinstance(value, bool | str | bytes) or not isinstance(value, SupportsFloat):
        raise RecordError(f"{member}: a {type(value).__name__} is no number")
    number = float(value)
    if not math.isfinite(number):
        raise RecordError(f"{member}: {number} is no number that JSON has; leave it out")
    return number


def scalar(value: object) -> object | None:
    """The Python value of a scalar of numpy, or of what behaves like one; None if it is none."""
    item = getattr(value, "item", None)
    if getattr(value, "ndim", None) != 0 or not callable(item):
        return None
    plain = item()
    return None if type(plain) is type(value) else plain


def model_of(
    model: str | Mapping[str, object] | None, version: object = None, digest: str | None = None
) -> dict[str, object]:
    """The member `model`. A name may have a version behind `@`.

    >>> model_of("credit@v1.2")
    {'name': 'credit', 'version': 'v1.2'}
    """
    if model is None:
        made: dict[str, object] = {}
    elif isinstance(model, str):
        name, at, of_name = model.rpartition("@")
        made = {"name": name, "version": of_name} if at and name and of_name else {"name": model}
    elif isinstance(cast(object, model), Mapping):
        made = {name: value for name, value in model.items() if value is not None}
    else:
        raise SettingError(
            f"model: a {type(model).__name__} is none; give a name, or a dict with name, version, digest"
        )
    for member, value in (("version", version), ("digest", digest)):
        if value is None:
            continue
        if member in made:
            raise SettingError(f"{member}: the model {model!r} has one already; give it once")
        made[member] = label(f"model.{member}", value)
    if not any(made.get(member) for member in ("name", "version", "digest")):
        raise SettingError("model: name, version and digest are empty; name the model")
    return made


PRINTED = (str, int, float, decimal.Decimal, uuid.UUID, datetime.date)
AUTOMATION = ("sole", "assisted", "human")
LABEL_BYTES_MAX = 1_024
