"""Containers of the standard library, and dictionaries of which the keys are not text."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

from causebook._types.common import (
    DecodeError,
    Described,
    Describer,
    Missing,
    Parameters,
    Reviver,
    class_name,
    derived,
    expect,
    is_object,
    keyed,
    kind_of,
)


def describe_tuple(value: tuple[Any, ...]) -> Described:
    return "tuple", list(value), None


def revive_tuple(plain: Any, _: Parameters) -> tuple[Any, ...]:
    return tuple(expect(plain, list, "a tuple"))


def describe_set(value: set[Any] | frozenset[Any]) -> Described:
    return "set" if type(value) is set else "frozenset", ordered(value), None


def ordered(values: set[Any] | frozenset[Any]) -> list[Any]:
    """Elements in an order that does not change from one process to the next."""
    items = list(values)
    if all(type(item) is str for item in items) or all(type(item) is int for item in items):
        return sorted(items)
    return sorted(items, key=sort_key)


def sort_key(item: Any) -> tuple[str, str]:
    kind = kind_of(item)
    if derived(kind, frozenset):
        return kind.__qualname__, repr([sort_key(inner) for inner in ordered(item)])
    return kind.__qualname__, repr(item)


def revive_set(plain: Any, _: Parameters) -> Any:
    return hashed(set, plain)


def revive_frozenset(plain: Any, _: Parameters) -> Any:
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
    if is_object(plain):
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


def revive_dict(plain: Any, parameters: Parameters) -> Any:
    return filled({}, plain, parameters)


def filled(into: Any, plain: Any, parameters: Parameters) -> Any:
    try:
        for key, item in pairs_of(plain, parameters):
            into[key] = item
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
    make: Any = FACTORIES[factory] if factory else None
    return filled(collections.defaultdict[Any, Any](make), plain, parameters)


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


DESCRIBERS: dict[type, Describer] = {
    dict: describe_dict,
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
}

REVIVERS: dict[str, Reviver] = {
    "dict": revive_dict,
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
}
