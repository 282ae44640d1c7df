"""Names for the arguments of a call, as the signature of the function has them.

`inspect.Signature.bind` takes longer than everything else that happens at a call, so the names are taken out of the
signature once.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


class Misfit(Exception):
    """The arguments do not fit the signature: the function will refuse them."""


class Arguments:
    """The parameters of a function. `bind` gives the arguments of a call by their names.

    `*args` and `**kwargs` are a list and a dict under the names that they have in the signature, and left out where
    they are empty. Defaults are applied. `self` and `cls` are left out.
    """

    __slots__ = (
        "_counted",
        "_defaults",
        "_dropped",
        "_keywords",
        "_keywords_defaults",
        "_named",
        "_rest",
        "_rest_by_name",
    )

    def __init__(self, parameters: list[Parameter], dropped: int = 0) -> None:
        positional = [it.name for it in parameters if it.kind in BY_POSITION]
        self._counted = len(positional)
        self._dropped = dropped
        self._named = positional[dropped:]
        self._keywords = {it.name for it in parameters if it.kind in BY_KEYWORD} - set(positional[:dropped])
        self._rest = next((it.name for it in parameters if it.kind is Parameter.VAR_POSITIONAL), None)
        self._rest_by_name = next((it.name for it in parameters if it.kind is Parameter.VAR_KEYWORD), None)
        shown = parameters[dropped:]
        self._defaults = [(it.name, it.default) for it in shown if it.default is not Parameter.empty]
        self._keywords_defaults = [(name, value) for name, value in self._defaults if name not in self._named]

    @property
    def names(self) -> set[str]:
        """The names that there can be."""
        return {*self._named, *self._keywords, *(it for it in (self._rest, self._rest_by_name) if it is not None)}

    def bind(self, args: Args, kwargs: Kwargs) -> dict[str, object]:
        """The arguments by their names. One that is missing is missing here too."""
        if len(args) == self._counted and not kwargs:
            shown = args[self._dropped :] if self._dropped else args
            bound: dict[str, object] = dict(zip(self._named, shown))  # noqa: B905
            if self._keywords_defaults:
                bound.update(self._keywords_defaults)
            return bound
        bound = dict(zip(self._named, args[self._dropped :], strict=False))
        if len(args) > self._counted:
            if self._rest is None:
                raise Misfit
            bound[self._rest] = list(args[self._counted :])
        if kwargs:
            self.bind_keywords(bound, kwargs)
        for name, default in self._defaults:
            if name not in bound:
                bound[name] = default
        return bound

    def bind_keywords(self, bound: dict[str, object], kwargs: Kwargs) -> None:
        rest: dict[str, object] = {}
        for name, value in kwargs.items():
            if name not in self._keywords:
                rest[name] = value
            elif name in bound:
                raise Misfit
            else:
                bound[name] = value
        if rest:
            if self._rest_by_name is None:
                raise Misfit
            bound[self._rest_by_name] = rest


class Preset:
    """The parameters of a `functools.partial`: what it has set is an argument like any other."""

    __slots__ = ("_inner", "_partial")

    def __init__(self, partial: functools.partial[Any], inner: Arguments | Preset) -> None:
        self._partial = partial
        self._inner = inner

    @property
    def names(self) -> set[str]:
        return self._inner.names

    def bind(self, args: Args, kwargs: Kwargs) -> dict[str, object]:
        partial = self._partial
        return self._inner.bind((*partial.args, *args), {**partial.keywords, **kwargs})


def misfit(args: Args, kwargs: Kwargs) -> dict[str, object]:
    """The arguments of a call that does not fit the signature."""
    return {"args": list(args), "kwargs": kwargs}


def arguments_of(function: Callable[..., Any], *, of_class: bool = False) -> Arguments | Preset:
    """The parameters of a function; `of_class` if it is the function of a `classmethod`."""
    if isinstance(function, functools.partial):
        inner = arguments_of(function.func)  # pyright: ignore[reportUnknownMemberType]
        return Preset(function, inner)  # pyright: ignore[reportUnknownArgumentType]
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        # Functions in C need not have a signature.
        return Arguments([Parameter("args", Parameter.VAR_POSITIONAL), Parameter("kwargs", Parameter.VAR_KEYWORD)])
    return Arguments(parameters, int(of_class or is_method(function, parameters)))


def is_method(function: Callable[..., Any], parameters: list[Parameter]) -> bool:
    """Whether a function is that of a method, so that its first parameter is `self` or `cls`.

    In the body of a class a method is a function like any other, and what `@staticmethod` above the decorator will make
    of it cannot be seen: the name of the parameter decides.
    """
    if not inspect.isfunction(function) or not parameters or parameters[0].kind not in BY_POSITION:
        return False
    scope = function.__qualname__.rpartition(".")[0]
    return bool(scope) and not scope.endswith("<locals>") and parameters[0].name in ("self", "cls")


BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
BY_KEYWORD = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
