"""Wraps a function in one of its own kind: plain, coroutine, generator or asynchronous generator.

The wrapper adds one frame to tracebacks and nothing else: arguments, results, items, what is sent and thrown in, and
exceptions pass through as the objects they are. A watch is told of them. What it raises is raised to the caller, who
asked for that by `strict=True`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Watch(Protocol):
    """Is told of one call."""

    def enter(self) -> None:
        """The code of the function is about to run, or to run on."""

    def leave(self) -> None:
        """The code of the function has stopped, for good or until it is resumed."""

    def item(self, item: object) -> None:
        """The function has yielded an item."""

    def returned(self, value: object) -> None:
        """The function has returned."""

    def failed(self, error: BaseException) -> None:
        """The function has raised, or was broken off."""


Begin = Callable[[tuple[Any, ...], dict[str, Any]], Watch | None]
"""Makes the watch of a call from its arguments; None if nobody watches."""


def wrap(function: Callable[P, R], begin: Begin) -> Callable[P, R]:
    """A function of the same kind, name and signature as `function`, watched."""
    wrapper = factory_of(function)(function, begin)
    return functools.wraps(function)(wrapper)


def is_stream(function: Callable[..., Any]) -> bool:
    """Whether calls of a function yield items."""
    return factory_of(function) in (of_generator, of_async_generator)


def factory_of(function: Callable[..., Any]) -> Callable[[Callable[..., Any], Begin], Callable[..., Any]]:
    """What makes the wrapper for a function."""
    code: Any = function
    if not (inspect.isroutine(function) or isinstance(function, functools.partial)):
        code = type(function).__call__
    if inspect.iscoroutinefunction(code):
        return of_coroutine
    if inspect.isasyncgenfunction(code):
        return of_async_generator
    if inspect.isgeneratorfunction(code):
        return of_generator
    return of_plain


def of_plain(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    def plain(*args: Any, **kwargs: Any) -> Any:
        watch = begin(args, kwargs)
        if watch is None:
            return function(*args, **kwargs)
        watch.enter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            watch.leave()
            watch.failed(error)
            raise
        watch.leave()
        if type(result) in LATER:
            return later(result, watch)
        watch.returned(result)
        return result

    return plain


def of_coroutine(function: Callable[..., Any], begin: Begin) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        watch = begin(args, kwargs)
        if watch is None:
            return await function(*args, **kwargs)
        watch.enter()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            watch.leave()
            watch.failed(error)
            raise
        watch.leave()
        if type(result) in LATER:
            return later(result, watch)
        watch.returned(result)
        return result

    return coroutine


def of_generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Generator[Any, Any, Any]]:
    def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        watch = begin(args, kwargs)
        if watch is None:
            inner: Generator[Any, Any, Any] = function(*args, **kwargs)
            return (yield from inner)
        given: Any = None
        closed: GeneratorExit | None = None
        try:
            inner = function(*args, **kwargs)
            resume = inner.send
            while True:
                watch.enter()
                try:
                    item = resume(given)
                except StopIteration as stop:
                    value = stop.value
                    break
                finally:
                    watch.leave()
                watch.item(item)
                try:
                    given = yield item
                    closed, resume = None, inner.send
                # What is thrown in is passed on outside of this handler: inside, it would become the context of
                # whatever the function raises.
                except BaseException as thrown:
                    closed = thrown if isinstance(thrown, GeneratorExit) else None
                    given, resume = thrown, inner.throw
        except BaseException as error:
            given = closed = None
            watch.failed(error)
            raise
        given = None
        if closed is not None:
            watch.failed(closed)
        else:
            watch.returned(value)
        return value

    return generator


def of_async_generator(function: Callable[..., Any], begin: Begin) -> Callable[..., AsyncGenerator[Any, Any]]:
    async def async_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        watch = begin(args, kwargs) or Unwatched()
        given: Any = None
        closed: GeneratorExit | None = None
        try:
            inner = function(*args, **kwargs)
            resume = inner.asend
            while True:
                watch.enter()
                try:
                    item = await resume(given)
                except StopAsyncIteration:
                    break
                finally:
                    watch.leave()
                watch.item(item)
                try:
                    given = yield item
                    closed, resume = None, inner.asend
                except BaseException as thrown:
                    closed = thrown if isinstance(thrown, GeneratorExit) else None
                    given, resume = thrown, inner.athrow
        except BaseException as error:
            given = closed = None
            watch.failed(error)
            raise
        given = None
        if closed is not None:
            watch.failed(closed)
        else:
            watch.returned(None)

    return async_generator


class Unwatched:
    """The watch of a call that nobody watches."""

    def enter(self) -> None:
        pass

    def leave(self) -> None:
        pass

    def item(self, item: object) -> None:
        pass

    def returned(self, value: object) -> None:
        pass

    def failed(self, error: BaseException) -> None:
        pass


def later(result: Any, watch: Watch) -> Any:
    """A coroutine or generator that a function returned, watched in its place: what it comes to is the result."""
    return LATER[type(result)](lambda: result, lambda _args, _kwargs: watch)()


LATER: dict[type, Callable[[Callable[..., Any], Begin], Callable[..., Any]]] = {
    CoroutineType: of_coroutine,
    GeneratorType: of_generator,
    AsyncGeneratorType: of_async_generator,
}
