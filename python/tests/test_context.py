"""`causebook.context`, the trace of OpenTelemetry and the id of the last decision."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import sys
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from faking import FakeBook, in_loop, part

from causebook import _context
from causebook._context import context, last_decision


@pytest.fixture
def book() -> FakeBook:
    return FakeBook()


def record(book: FakeBook, **members: object) -> dict[str, object]:
    book._submit("decision", {"model": {"name": "m"}, **members})
    del book.last["id"], book.last["model"]
    return book.last


def test_members_hold_inside_and_nowhere_else(book: FakeBook) -> None:
    with context(subject="s", actor={"name": "web"}, request_id="r", purpose=None):
        assert record(book) == {"subject": "s", "actor": {"name": "web"}, "context": {"request_id": "r"}}
    assert record(book) == {}


def test_the_inner_block_adds_to_the_outer_one_and_wins(book: FakeBook) -> None:
    with context(subject="s", a=1, b=1):
        with context(b=2, c=2):
            assert record(book) == {"subject": "s", "context": {"a": 1, "b": 2, "c": 2}}
        assert record(book) == {"subject": "s", "context": {"a": 1, "b": 1}}


def test_what_a_record_says_itself_wins_and_what_the_book_says_loses(book: FakeBook) -> None:
    given = {"a": 3}
    members: dict[str, object] = {"subject": "own", "context": given}
    with context(subject="s", a=2, b=2):
        _context.complete("decision", members, {"a": 1, "b": 1, "c": 1})
    assert members == {"subject": "own", "context": {"a": 3, "b": 2, "c": 1}}
    assert given == {"a": 3}


def test_a_label_is_made_of_what_is_given_and_what_cannot_be_one_is_left_out(
    book: FakeBook, caplog: pytest.LogCaptureFixture
) -> None:
    with context(subject=7):
        assert record(book) == {"subject": "7"}
    with context(subject=object(), a=1):
        assert record(book) == {"context": {"a": 1}}
    assert "subject" in caplog.text


def test_one_object_may_be_entered_again_and_in_several_threads(book: FakeBook) -> None:
    shared = context(a=1)
    with shared, shared:
        pass
    assert record(book) == {}
    together = threading.Barrier(4)

    def work() -> None:
        for _ in range(20):
            together.wait()
            with shared:
                together.wait()
            assert _context._ambient.get() is None

    failures: list[object] = []
    threads = [threading.Thread(target=lambda: contextvars.copy_context().run(work)) for _ in range(4)]
    hook, threading.excepthook = threading.excepthook, failures.append
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        threading.excepthook = hook
    assert failures == []


def test_it_decorates_functions_coroutines_and_generators(book: FakeBook) -> None:
    def plain() -> dict[str, object]:
        return record(book)

    async def coroutine() -> dict[str, object]:
        await asyncio.sleep(0)
        return record(book)

    def generator() -> Iterator[dict[str, object]]:
        yield record(book)
        yield record(book)

    async def async_generator() -> AsyncIterator[dict[str, object]]:
        yield record(book)
        yield record(book)

    inside = {"context": {"a": 1}}
    decorate = context(a=1)
    assert decorate(plain)() == inside
    assert inspect.iscoroutinefunction(decorate(coroutine))
    assert asyncio.run(decorate(coroutine)()) == inside
    for item in decorate(generator)():
        assert item == inside
        assert record(book) == {}

    async def consume() -> None:
        async for item in decorate(async_generator)():
            assert item == inside
            assert record(book) == {}

    asyncio.run(consume())
    assert record(book) == {}


def test_it_is_left_when_the_block_raises(book: FakeBook) -> None:
    with pytest.raises(KeyError), context(a=1):
        raise KeyError
    assert record(book) == {}


@in_loop
async def test_tasks_have_their_own_and_begin_with_that_of_who_made_them() -> None:
    book = FakeBook()

    async def work(n: int) -> None:
        async with context(n=n):
            await asyncio.sleep(0)
            assert record(book)["context"] == {"around": True, "n": n}

    with context(around=True):
        await asyncio.gather(*(work(n) for n in range(50)))
        assert record(book)["context"] == {"around": True}
        in_thread = await asyncio.to_thread(record, book)
        assert in_thread["context"] == {"around": True}


def test_a_thread_begins_without_it_unless_it_is_taken_along(book: FakeBook) -> None:
    seen: list[object] = []

    def work() -> None:
        seen.append(record(book))

    with context(a=1):
        flow = contextvars.copy_context()
        for target in (work, lambda: flow.run(work)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    taken = seen[1]
    assert taken == {"context": {"a": 1}}
    if not getattr(sys.flags, "thread_inherit_context", False):
        assert seen[0] == {}


def test_only_decisions_have_a_parent(book: FakeBook) -> None:
    with book.decide("m") as d:
        book.outcome("d-1", "repaid")
        d.output(1)
    assert "context" not in book.records[0]


def test_ids_of_the_current_span_are_recorded(book: FakeBook) -> None:
    trace = pytest.importorskip("opentelemetry.sdk.trace", exc_type=ImportError)
    tracer = trace.TracerProvider().get_tracer("t")
    assert record(book) == {}
    with tracer.start_as_current_span("s") as span:
        ids = span.get_span_context()
        expected = {"trace_id": f"{ids.trace_id:032x}", "span_id": f"{ids.span_id:016x}"}
        assert record(book) == {"context": expected}
        assert part(book, "context", "trace_id") == expected["trace_id"]
        with context(trace_id="mine"):
            assert record(book) == {"context": {**expected, "trace_id": "mine"}}


def test_a_tracer_that_fails_costs_the_trace_ids_and_nothing_else(
    book: FakeBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", object())
    assert record(book) == {}


def test_without_a_decision_there_is_no_last_one() -> None:
    assert contextvars.Context().run(last_decision) is None
