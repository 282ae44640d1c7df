"""What of a call's arguments is held back: left out, masked, or recorded as a keyed digest; and what is renamed.

It never reaches the ledger, unlike what the ledger masks for some readers or erases later. Containers on the way to
what is held back are copied, the caller's own are never changed. Where a rule leads into something that cannot be
copied member by member, all of that is masked: what cannot be taken apart is not recorded whole.

A digest is HMAC-SHA256 under a key of the user's. A plain digest of a number, a date of birth or a name is found by
trying them all; without the key there is nothing to try against. Equal values have equal digests under one key, so that
records of one person can still be found together.
"""

from __future__ import annotations

import copy
import datetime
import decimal
import enum
import hashlib
import hmac
import json
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MemberDescriptorType
from typing import Any, cast

from causebook._errors import SettingError
from causebook._labels import scalar

MASKED: Mapping[str, object] = {"masked": True}
EXCLUDED: Mapping[str, object] = {"excluded": True}


class Rules:
    """Rules for arguments, by their paths: `ssn`, `applicant.ssn`, `applicants.*.ssn`."""

    __slots__ = ("_root", "says")

    says: dict[str, object]
    """What a record says of the rules in `context.held_back`."""

    def __init__(
        self,
        *,
        exclude: Iterable[str],
        mask: Iterable[str],
        hash: Iterable[str],
        rename: Mapping[str, str],
        key: bytes | None,
    ) -> None:
        lists = {"excluded": listed("exclude", exclude), "masked": listed("mask", mask), "hashed": listed("hash", hash)}
        self._root = Rule()
        self.says = {name: paths for name, paths in lists.items() if paths}
        if lists["hashed"]:
            self.says["key"] = key_id(required(key))
        acts: dict[str, Callable[[object], object]] = {
            "excluded": lambda _value: EXCLUDED,
            "masked": lambda _value: MASKED,
            "hashed": lambda value: keyed(required(key), value),
        }
        for name, paths in lists.items():
            for path in paths:
                rule = self._root.at(path)
                if rule.kind is not None:
                    raise SettingError(f"{path!r} is held back in two ways; name it in one of exclude, mask and hash")
                rule.kind, rule.act = name, acts[name]
        for path, new in rename.items():
            self._root.at(path).name = new

    def __bool__(self) -> bool:
        return bool(self._root.under)

    @property
    def hold_back(self) -> bool:
        """Whether anything is held back, and not only renamed."""
        return bool(self.says)

    def names(self) -> list[str]:
        """The arguments that rules are for."""
        return list(self._root.under)

    def apply(self, arguments: object) -> object:
        """The arguments, a dict by name, as they are recorded."""
        return self._root.into(arguments)


class Rule:
    """What becomes of the value at one place, or of values under it."""

    __slots__ = ("act", "kind", "name", "under")

    def __init__(self) -> None:
        self.kind: str | None = None
        self.act: Callable[[object], object] = self.into
        self.name: str | None = None
        self.under: dict[str, Rule] = {}

    def at(self, path: str) -> Rule:
        rule = self
        for part in path.split("."):
            if not part:
                raise SettingError(f"{path!r} is no path; write names with a dot between them, such as 'applicant.ssn'")
            rule = rule.under.setdefault(part, Rule())
        return rule

    def into(self, value: object) -> object:
        if not self.under or value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return self.into_mapping(cast("Mapping[object, object]", value))
        if isinstance(value, list | tuple):
            return self.into_sequence(cast("Sequence[object]", value))
        if is_frame(value):
            return self.into_frame(value)
        return self.into_object(value)

    def into_mapping(self, value: Mapping[object, object]) -> object:
        held: dict[object, object] = {}
        for key, member in value.items():
            rule = self.under.get(str(key)) or self.under.get("*")
            if rule is None:
                held[key] = member
            elif rule.kind != "excluded":
                held[rule.name or key] = rule.act(member)
        return held

    def into_sequence(self, value: Sequence[object]) -> object:
        names: Sequence[str] = getattr(value, "_fields", ())
        held: list[object] = []
        for place, member in enumerate(value):
            rule = self.under.get(names[place]) if names else None
            rule = rule or self.under.get(str(place)) or self.under.get("*")
            if rule is None:
                held.append(member)
            elif names or rule.kind != "excluded":
                held.append(rule.act(member))
        if names:
            return cast(Any, value)._make(held)
        return tuple(held) if isinstance(value, tuple) else held

    def into_object(self, value: object) -> object:
        """An object with attributes: a copy of it, of which attributes are replaced."""
        if isinstance(value, str | bytes | bytearray) or not any(hasattr(value, name) for name in self.under):
            return {**MASKED, "reason": f"nothing can be held back inside a {type(value).__name__}"}
        try:
            held = copy.copy(value)
            for name, rule in self.under.items():
                if hasattr(value, name):
                    replace(value, held, name, rule.act(getattr(value, name)))
        except Exception as error:
            return {**MASKED, "reason": f"a {type(value).__name__} cannot be copied: {type(error).__name__}"}
        return held

    def into_frame(self, value: Any) -> object:
        """A frame of pandas or polars: whole columns."""
        held = value
        for name, rule in self.under.items():
            if name not in value.columns:
                continue
            held = held.drop(columns=[name]) if is_pandas(held) else held.drop(name)
            if rule.kind == "masked":
                held = with_column(held, name, ["masked"] * len(value))
            elif rule.kind != "excluded":
                held = with_column(held, rule.name or name, [rule.act(cell) for cell in value[name].to_list()])
        return held


def replace(value: object, held: object, name: str, new: object) -> None:
    """Replaces an attribute of a copy, past what its class does when one is set.

    A frozen class would refuse, and an object of a database would take it for a change to be stored.
    """
    of_class: Any = getattr(type(value), name, None)
    if held is value:
        raise TypeError(name)
    if isinstance(of_class, MemberDescriptorType):
        of_class.__set__(held, new)
        return
    attributes = vars(held)
    if attributes is vars(value) or name not in attributes or hasattr(of_class, "__set__"):
        raise TypeError(name)
    attributes[name] = new


def is_frame(value: object) -> bool:
    return any(
        (module := sys.modules.get(name)) is not None and isinstance(value, getattr(module, "DataFrame", ()))
        for name in ("pandas", "polars")
    )


def is_pandas(frame: object) -> bool:
    return type(frame).__module__.partition(".")[0] == "pandas"


def with_column(frame: Any, name: str, cells: Sequence[object]) -> Any:
    if is_pandas(frame):
        return frame.assign(**{name: cells})
    return frame.with_columns(sys.modules["polars"].Series(name, cells))


def listed(setting: str, paths: object) -> list[str]:
    if isinstance(paths, str):
        raise SettingError(f"{setting}: give a tuple of names, such as ({paths!r},)")
    found = list(cast("Iterable[object]", paths)) if isinstance(paths, Iterable) else [paths]
    if not all(isinstance(path, str) for path in found):
        raise SettingError(f"{setting}: names of arguments are texts, not {found!r}")
    return cast("list[str]", found)


def required(key: bytes | None) -> bytes:
    if key is None:
        raise SettingError(
            "hash: there is no key. A digest without one is found by trying values; give hash_key= to connect, "
            f"at least {KEY_BYTES_MIN} bytes that are kept secret, or use mask="
        )
    return key


def secret(setting: str, key: bytes | str | None) -> bytes | None:
    """A key for digests, as bytes."""
    if key is None:
        return None
    given = key.encode() if isinstance(key, str) else bytes(key)
    if len(given) < KEY_BYTES_MIN:
        raise SettingError(
            f"{setting}: {len(given)} bytes are too few for a key; take {KEY_BYTES_MIN} or more, drawn by chance"
        )
    return given


def key_id(key: bytes) -> str:
    """Which key it was, without telling it: digests under different keys cannot be compared."""
    return hmac.new(key, b"causebook key id", hashlib.sha256).hexdigest()[:16]


def keyed(key: bytes, value: object) -> object:
    """The digest of a value: of a text its UTF-8, of bytes themselves, of anything else its JSON text.

    What has no one text is masked: two digests of it would not agree.
    """
    try:
        text = plain_text(value)
    except (TypeError, ValueError):
        return {**MASKED, "reason": f"a {type(value).__name__} has no text that a digest could be made of"}
    return f"hmac-sha256:{hmac.new(key, text, hashlib.sha256).hexdigest()}"


def plain_text(value: object) -> bytes:
    if isinstance(value, enum.Enum):
        return plain_text(value.value)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(cast(Any, value))
    if isinstance(value, PRINTED):
        return str(value).encode()
    if (plain := scalar(value)) is not None:
        return plain_text(plain)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=printed).encode()


def printed(value: object) -> str:
    if isinstance(value, PRINTED):
        return str(value)
    raise TypeError(type(value).__name__)


PRINTED = (decimal.Decimal, uuid.UUID, datetime.date, datetime.time, datetime.timedelta)
KEY_BYTES_MIN = 16
