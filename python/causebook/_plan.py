"""What `book.decision(…)` has to do at the calls of one function, settled once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from causebook._arguments import Args, Kwargs, Misfit, arguments_of, misfit
from causebook._call import Call
from causebook._errors import SettingError
from causebook._held import MASKED, Rules, secret
from causebook._labels import actor_of, automation_of, label, model_of, score_of
from causebook._seam import Seam, not_captured
from causebook._select import Select, selector, walk
from causebook._wrapping import is_stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `book.decision` was asked for; see there."""

    model: str | Mapping[str, object] | None
    version: str | None
    digest: str | None
    name: str | None
    input: str | Callable[[dict[str, Any]], object] | bool
    output: str | Callable[[Any], object] | None
    decision: str | Select | None
    score: str | Select | None
    subject: str | Select | None
    explanation: str | Select | None
    exclude: Iterable[str]
    mask: Iterable[str]
    hash: Iterable[str]
    hash_key: bytes | str | None
    rename: Mapping[str, str] | None
    parameters: Mapping[str, object] | Select | None
    data: Mapping[str, object] | list[object] | None
    actor: str | Mapping[str, object] | None
    automation: str | None
    context: Mapping[str, object] | None
    when: Callable[[dict[str, Any]], object] | None
    error_messages: bool | None
    items_max: int
    items_bytes_max: int


class Plan:
    """How calls of one function are recorded."""

    __slots__ = (
        "bind",
        "book",
        "changes_input",
        "fixed",
        "function",
        "is_stream",
        "items_max",
        "output",
        "pick",
        "returns_output",
        "rules",
        "selects",
        "takes_input",
        "tells_messages",
        "when",
    )

    def __init__(self, book: Seam, function: Callable[..., Any], asked: Settings, *, of_class: bool = False) -> None:
        arguments = arguments_of(function, of_class=of_class)
        names = arguments.names
        self.book = book
        self.function = asked.name or name_of(function)
        self.bind = arguments.bind
        self.when = asked.when
        self.takes_input = asked.input is not False
        self.rules = rules_of(book, asked, names)
        self.pick = picker("input", asked.input if not isinstance(asked.input, bool) else None)
        self.changes_input = bool(self.rules) or self.pick is not None
        self.output = picker("output", asked.output)
        self.is_stream = is_stream(function)
        self.returns_output = not self.is_stream and self.output is None
        self.items_max = (asked.items_max, asked.items_bytes_max)
        self.tells_messages = not self.rules.hold_back if asked.error_messages is None else asked.error_messages
        self.selects = selects_of(book, asked, names)
        self.fixed = self.fixed_members(asked, function)

    def fixed_members(self, asked: Settings, function: Callable[..., Any]) -> dict[str, object]:
        """Members that are the same for every call."""
        named = asked.model if asked.model is not None else name_of(function)
        encode = self.book._encode
        members: dict[str, object] = {"model": encode(model_of(named, asked.version, asked.digest))}
        if asked.parameters is not None and not callable(asked.parameters):
            members["parameters"] = encode(dict(asked.parameters))
        if asked.data is not None:
            members["data"] = encode(asked.data)
        if asked.actor is not None:
            members["actor"] = actor_of(asked.actor)
        if asked.automation is not None:
            members["automation"] = automation_of(asked.automation)
        context: dict[str, object] = {"function": self.function, **(asked.context or {})}
        if self.rules.hold_back:
            context["held_back"] = self.rules.says
        members["context"] = context
        return members

    def begin(self, args: Args, kwargs: Kwargs) -> Call | None:
        """A call is about to be made; None if it is not to be recorded."""
        fits = True
        try:
            arguments = self.bind(args, kwargs)
        except Misfit:
            arguments, fits = misfit(args, kwargs), False
        if self.when is not None and not self.applies(arguments):
            return None
        call = Call(self, arguments)
        if self.takes_input:
            try:
                shown = self.input_of(arguments, fits) if self.changes_input else arguments
                call.input = self.book._encode(shown)
            except Exception as error:
                # A strict book raises here, before the model has been asked.
                self.book._fail(not_captured(f"{self.function}: input", error))
                call.lacks("input", error)
        return call

    def applies(self, arguments: dict[str, object]) -> bool:
        try:
            return bool(cast("Callable[[dict[str, Any]], object]", self.when)(arguments))
        except Exception as error:
            self.book._fail(not_captured("when", error))
            return True

    def input_of(self, arguments: dict[str, object], fits: bool) -> object:
        if self.rules:
            if not fits and self.rules.hold_back:
                return {**MASKED, "reason": "the arguments do not fit the signature"}
            shown = self.rules.apply(arguments)
        else:
            shown = arguments
        return shown if self.pick is None else self.pick(shown)


def rules_of(book: Seam, asked: Settings, names: set[str]) -> Rules:
    """What is held back. A name that no argument has would hold back nothing, so it is refused."""
    rules = Rules(
        exclude=asked.exclude,
        mask=asked.mask,
        hash=asked.hash,
        rename=asked.rename or {},
        key=secret("hash_key", asked.hash_key) or book._hash_key,
    )
    for name in rules.names():
        if name not in names and name != "*":
            raise SettingError(f"{name!r} is no argument; there are {', '.join(sorted(names)) or 'none'}")
    return rules


def picker(setting: str, asked: str | Callable[[Any], object] | None) -> Callable[[Any], object] | None:
    """Takes a part of the arguments, or of the result."""
    if asked is None or callable(asked):
        return asked
    if not isinstance(cast(object, asked), str) or not all(asked.split(".")):
        raise SettingError(f"{setting}: {asked!r} is neither a path such as 'applicant.terms' nor a function")
    parts = asked.split(".")
    return lambda value: walk(value, parts)


def selects_of(book: Seam, asked: Settings, names: set[str]) -> list[tuple[str, Select, Callable[[str, Any], object]]]:
    """Members that are found in arguments and result, how, and what makes a member of what was found."""
    found: list[tuple[str, str | Select | None, Callable[[str, Any], object]]] = [
        ("decision", asked.decision, label),
        ("score", asked.score, score_of),
        ("subject", asked.subject, label),
        ("explanation", asked.explanation, lambda _member, value: book._explanation(value)),
        ("parameters", asked.parameters if callable(asked.parameters) else None, lambda _member, value: dict(value)),
    ]
    selects: list[tuple[str, Select, Callable[[str, Any], object]]] = []
    for member, wanted, made in found:
        select = selector(member, wanted, of_input=member == "subject", names=names)
        if select is not None:
            selects.append((member, select, made))
    return selects


def name_of(function: Callable[..., Any]) -> str:
    """The full name of a function; of the type of an object that is called like one."""
    while isinstance(function, partial):
        function = cast(Any, function).func
    named: Any = function if hasattr(function, "__qualname__") else type(function)
    module = getattr(named, "__module__", None)
    return f"{module}.{named.__qualname__}" if module else named.__qualname__
