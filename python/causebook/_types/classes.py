"""Values of classes of the program: enumerations, named tuples, dataclasses, attrs, pydantic, subclasses of built-in types.

A class is brought back only if the program has imported it, and without running its code: objects are made by the
built-in type they come from, and their fields are set.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
from collections.abc import Callable, Iterable
from typing import Any

from causebook._types.common import (
    DecodeError,
    Described,
    Describer,
    Missing,
    Parameters,
    Reviver,
    class_name,
    class_of,
    derived,
    expect,
    find_class,
    imported,
    is_object,
    kind_of,
)


def find(kind: Any) -> Describer | None:
    """How values of this class are described, if it is of a kind that is known."""
    if derived(kind, enum.Enum):
        return describe_enum
    if derived(kind, tuple) and is_namedtuple(kind):
        return describe_namedtuple
    if is_pydantic(kind):
        return describe_pydantic
    if "__dataclass_fields__" in dir(kind):
        return describe_dataclass
    if "__attrs_attrs__" in dir(kind):
        return describe_attrs
    for base, _, _ in BASES:
        if issubclass(kind, base):
            return describe_subclass
    return None


# Enumerations


def describe_enum(value: enum.Enum) -> Described:
    kind = type(value)
    name = value._name_
    return "enum", value._value_, {"class": class_name(kind), **({"name": name} if name else {})}


def revive_enum(plain: Any, parameters: Parameters) -> object:
    kind: Any = find_class(parameters.get("class"))
    if not derived(kind, enum.Enum):
        raise Missing(parameters.get("class"))
    name = parameters.get("name")
    if isinstance(name, str) and name in kind._member_map_:
        member = kind._member_map_[name]
        if member._value_ == plain:
            return member
    elif derived(kind, enum.Flag) and type(plain) is int:
        try:
            return kind(plain)
        except ValueError:
            pass
    # The class has changed since.
    raise Missing(parameters.get("class"))


# Named tuples, dataclasses, attrs


def is_namedtuple(kind: type) -> bool:
    fields: Any = getattr(kind, "_fields", None)
    return kind_of(fields) is tuple and all(type(field) is str for field in fields)


def describe_namedtuple(value: Any) -> Described:
    kind = kind_of(value)
    fields: tuple[str, ...] = kind._fields
    return "namedtuple", dict(zip(fields, value, strict=True)), {"class": class_name(kind), "fields": list(fields)}


def revive_namedtuple(plain: Any, parameters: Parameters) -> object:
    kind: Any = find_class(parameters.get("class"))
    if not (derived(kind, tuple) and is_namedtuple(kind)):
        raise Missing(parameters.get("class"))
    fields: tuple[str, ...] = kind._fields
    if list(fields) != parameters.get("fields") or set(plain) != set(fields):
        raise Missing(parameters.get("class"))
    return new(tuple)(kind, [plain[field] for field in fields])


def fields_of(value: object, names: Iterable[str]) -> dict[str, object]:
    absent = object()
    found = {name: getattr(value, name, absent) for name in names}
    return {name: item for name, item in found.items() if item is not absent}


def describe_dataclass(value: Any) -> Described:
    names = [field.name for field in dataclasses.fields(value)]
    return "dataclass", fields_of(value, names), {"class": class_of(value)}


def revive_dataclass(plain: Any, parameters: Parameters) -> object:
    kind: Any = find_class(parameters.get("class"))
    if not dataclasses.is_dataclass(kind):
        raise Missing(parameters.get("class"))
    return made(kind, plain, {field.name for field in dataclasses.fields(kind)})


def describe_attrs(value: Any) -> Described:
    kind = kind_of(value)
    names = [field.name for field in kind.__attrs_attrs__]
    return "attrs", fields_of(value, names), {"class": class_name(kind)}


def revive_attrs(plain: Any, parameters: Parameters) -> object:
    kind: Any = find_class(parameters.get("class"))
    if "__attrs_attrs__" not in dir(kind):
        raise Missing(parameters.get("class"))
    return made(kind, plain, {field.name for field in kind.__attrs_attrs__})


def made(kind: Any, plain: Any, names: set[str]) -> object:
    """An object with these fields, of which no constructor has run."""
    if not set(expect(plain, dict, "fields")) <= names:
        raise Missing(class_name(kind))
    try:
        value: Any = object.__new__(kind)
        for name, item in plain.items():
            object.__setattr__(value, name, item)
    except (TypeError, AttributeError):
        raise Missing(class_name(kind)) from None
    return value


# Pydantic


def is_pydantic(kind: Any) -> bool:
    pydantic = imported("pydantic")
    base = getattr(pydantic, "BaseModel", None)
    return isinstance(base, type) and issubclass(kind, base) and hasattr(kind, "__pydantic_fields__")


PRIVATE = ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


def describe_pydantic(value: Any) -> Described:
    kind = kind_of(value)
    fields = dict(value.__dict__)
    parameters: Parameters = {"class": class_name(kind)}
    given = sorted(value.__pydantic_fields_set__)
    if set(given) != set(fields):
        parameters["set"] = given
    extra = value.__pydantic_extra__
    private = value.__pydantic_private__
    if not extra and not private:
        if extra is not None:
            parameters["extra"] = True
        return "pydantic", fields, parameters
    return "pydantic", {"fields": fields, "extra": extra, "private": private}, {**parameters, "parts": True}


def revive_pydantic(plain: Any, parameters: Parameters) -> object:
    kind: Any = find_class(parameters.get("class"))
    if not is_pydantic(kind):
        raise Missing(parameters.get("class"))
    if parameters.get("parts"):
        fields, extra, private = plain["fields"], plain["extra"], plain["private"]
    else:
        fields, extra, private = plain, dict[str, Any]() if parameters.get("extra") else None, None
    value: Any = object.__new__(kind)
    state: tuple[Any, ...] = (set(parameters.get("set", fields)), extra, private)
    # In the order of the class, which is the order in which a model is shown and dumped.
    order = {name: at for at, name in enumerate(kind.__pydantic_fields__)}
    ordered = sorted(expect(fields, dict, "fields"), key=lambda name: order.get(name, len(order)))
    object.__setattr__(value, "__dict__", {name: fields[name] for name in ordered})
    for name, item in zip(PRIVATE, state, strict=True):
        object.__setattr__(value, name, item)
    return value


# Subclasses of built-in types


def base_datetime(value: dt.datetime) -> dt.datetime:
    return dt.datetime(
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond,
        value.tzinfo, fold=value.fold,
    )  # fmt: skip


def new_datetime(kind: Any, value: dt.datetime) -> object:
    return dt.datetime.__new__(
        kind, value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond,
        value.tzinfo, fold=value.fold,
    )  # fmt: skip


def filled(base: Any, fill: str) -> Callable[[Any, Any], object]:
    """An object of a subclass that is filled by a method of the built-in type."""

    def make(kind: Any, value: Any) -> object:
        made: object = base.__new__(kind)
        getattr(base, fill)(made, value)
        return made

    return make


def new(base: Any) -> Callable[[Any, Any], object]:
    return lambda kind, value: base.__new__(kind, value)


def items(base: Any) -> Callable[[Any], object]:
    """What an object of a subclass holds, asked of the built-in type."""
    return lambda value: base(base.__iter__(value))


def pairs(value: Any) -> object:
    base: Any = dict
    return dict(base.items(value))


def whole(base: Any) -> Callable[[Any], object]:
    return lambda value: base(base.__getitem__(value, slice(None)))


BASES: list[tuple[type, Callable[[Any], Any], Callable[[Any, Any], object]]] = [
    (str, whole(str), new(str)),
    (int, lambda value: int.__add__(value, 0), new(int)),
    (float, lambda value: float.__pos__(value), new(float)),
    (complex, lambda value: complex.__pos__(value), new(complex)),
    (bytes, whole(bytes), new(bytes)),
    (tuple, whole(tuple), new(tuple)),
    (frozenset, items(frozenset), new(frozenset)),
    (decimal.Decimal, decimal.Decimal, new(decimal.Decimal)),
    (dt.datetime, base_datetime, new_datetime),
    (dict, pairs, filled(dict, "update")),
    (list, items(list), filled(list, "extend")),
    (set, items(set), filled(set, "update")),
    (bytearray, whole(bytearray), filled(bytearray, "extend")),
]


def describe_subclass(value: Any) -> Described:
    kind = kind_of(value)
    base, plain, _ = next(found for found in BASES if isinstance(value, found[0]))
    parameters: Parameters = {"class": class_name(kind), "of": base.__name__}
    core = plain(value)
    if type(core) is not base:
        raise TypeError(f"{base.__name__} of {kind}")
    state: object = getattr(value, "__dict__", None)
    if is_object(state) and state:
        return "subclass", {"value": core, "attributes": dict(state)}, {**parameters, "attributes": True}
    return "subclass", core, parameters


def revive_subclass(plain: Any, parameters: Parameters) -> object:
    kind: Any = find_class(parameters.get("class"))
    state = None
    if parameters.get("attributes"):
        plain, state = plain["value"], plain["attributes"]
    for base, _, make in BASES:  # noqa: B007 - used behind the loop
        if base.__name__ == parameters.get("of"):
            break
    else:
        raise DecodeError("a subclass of a type that is not built in")
    if not issubclass(kind, base):
        raise Missing(parameters.get("class"))
    try:
        value = make(kind, expect(plain, base, "a value of a subclass"))
        if state is not None:
            object.__setattr__(value, "__dict__", dict(expect(state, dict, "attributes")))
    except (TypeError, AttributeError):
        raise Missing(parameters.get("class")) from None
    return value


REVIVERS: dict[str, Reviver] = {
    "enum": revive_enum,
    "namedtuple": revive_namedtuple,
    "dataclass": revive_dataclass,
    "attrs": revive_attrs,
    "pydantic": revive_pydantic,
    "subclass": revive_subclass,
}
