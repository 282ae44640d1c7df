"""`with book.decide(…)`: a block is one decision, recorded when it ends, however it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from faking import FakeBook, in_loop, part

from causebook._context import last_decision
from causebook._errors import CausebookError, RecordError


@pytest.fixture
def book() -> FakeBook:
    return FakeBook()


def test_a_block_is_one_decision_with_all_that_was_given(book: FakeBook, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF")
    with book.decide(
        "credit@v1.2",
        subject=7,
        actor="web",
        automation="assisted",
        parameters={"threshold": 0.4},
        data={"name": "loans"},
        context={"purpose": "loan"},
    ) as d:
        d.input(age=30)
        d.input(income=5)
        d.output({"p": 0.25})
        d.decision(False)
        d.score(0.25)
        d.explain({"method": "rules"})
        d.parameters(seed=1)
        d.context(channel="web")
        d.attach("letter.pdf", letter)
        d.attach("raw", b"another")
        d.attach("raw", b"\0", "application/x-raw")
        assert book.records == []
    assert book.last == {
        "id": d.id,
        "model": {"name": "credit", "version": "v1.2"},
        "subject": "7",
        "actor": "web",
        "automation": "assisted",
        "parameters": {"threshold": 0.4, "seed": 1},
        "data": {"name": "loans"},
        "context": {"purpose": "loan", "channel": "web"},
        "input": {"age": 30, "income": 5},
        "output": {"p": 0.25},
        "decision": "false",
        "score": 0.25,
        "explanation": {"method": "rules"},
        "attachments": [
            {"name": "letter.pdf", "media_type": "application/pdf", "data": b"%PDF"},
            {"name": "raw", "media_type": "application/x-raw", "data": b"\0"},
        ],
    }
    assert d.recorded == last_decision() == d.id
    assert book.failures == []


def test_a_value_is_taken_as_it_is_when_it_is_given(book: FakeBook) -> None:
    features = {"x": 1}
    with book.decide("m") as d:
        d.input(features)
        features["x"] = 2
        d.output(features)
        features.clear()
    assert (book.last["input"], book.last["output"]) == ({"x": 1}, {"x": 2})


def test_of_one_member_the_last_value_counts(book: FakeBook) -> None:
    with book.decide("m") as d:
        d.input(a=1)
        d.input([1])
        d.input({"b": 1}, c=2)
        d.input(d=3)
        d.output(None)
    assert (book.last["input"], book.last["output"]) == ({"b": 1, "c": 2, "d": 3}, None)


def test_the_id_may_be_the_callers(book: FakeBook) -> None:
    with book.decide("m", id="loan-7") as d:
        d.output(1)
    assert book.last["id"] == d.id == "loan-7"


def test_a_block_that_raises_is_a_failed_decision_with_what_was_given(book: FakeBook) -> None:
    error = ValueError("no bureau")
    with pytest.raises(ValueError, match="no bureau") as caught, book.decide("m", context={"a": 1}) as d:
        d.input(1)
        raise error
    assert caught.value is error
    assert error.__context__ is None
    assert (book.last["input"], book.last["output"]) == (1, None)
    assert book.last["context"] == {"a": 1, "error": {"type": "ValueError", "message": "no bureau"}}
    with pytest.raises(KeyboardInterrupt), book.decide("m") as d:
        d.output(5)
        raise KeyboardInterrupt
    assert book.last["output"] == 5
    assert book.last["context"] == {"broken_off": {"type": "KeyboardInterrupt"}}


def test_a_block_without_input_output_and_decision_is_told_and_not_recorded(book: FakeBook) -> None:
    with book.decide("m") as d:
        d.score(1)
    assert book.records == []
    assert d.recorded is None
    assert last_decision() is None
    assert "neither input nor output nor decision" in str(book.failures[0])
    with pytest.raises(RecordError), FakeBook(strict=True).decide("m"):
        pass


def test_what_is_given_after_the_end_is_an_error_only_of_a_strict_book(book: FakeBook) -> None:
    with book.decide("m") as d:
        d.output(1)
    d.output(2)
    d.attach("a", b"")
    d.parameters(a=1)
    with d:
        pass
    assert book.last["output"] == 1
    assert len(book.records) == 1
    assert ["after it was recorded" in str(error) for error in book.failures] == [True, True, True, False]
    strict = FakeBook(strict=True)
    with strict.decide("m") as d:
        d.output(1)
    with pytest.raises(RecordError, match="output was given after it was recorded"):
        d.output(2)


def test_what_cannot_be_taken_costs_its_member_and_nothing_else(book: FakeBook, tmp_path: Path) -> None:
    with book.decide("m") as d:
        d.input()
        d.input({"unencodable": 1})
        d.output(1)
        d.output(2, name="x")
        d.score("high")
        d.automation("robot")
        d.explain(5)
        d.attach("a", tmp_path / "missing")
        d.subject(object())
        d.parameters(5)  # type: ignore[arg-type]
        d.context([1])  # type: ignore[arg-type]
        d.decision(object())
        d.decision("approve")
    assert book.last["output"] == 1
    assert set(book.last) == {"id", "model", "output", "decision", "context"}
    assert part(book, "context", "not_captured") == {
        "input": "causebook._errors.RecordError",
        "output": "causebook._errors.RecordError",
        "score": "causebook._errors.RecordError",
        "automation": "causebook._errors.RecordError",
        "explanation": "causebook._errors.RecordError",
        "attachments": "FileNotFoundError",
        "subject": "causebook._errors.RecordError",
        "parameters": "TypeError",
        "context": "TypeError",
    }
    assert len(book.failures) == 11


def test_a_book_that_breaks_does_not_break_the_block(book: FakeBook, caplog: pytest.LogCaptureFixture) -> None:
    book.broken = True
    with book.decide("m") as d:
        d.output(1)
    assert d.recorded is None
    assert len(book.failures) == 1
    strict = FakeBook(strict=True)
    strict.broken = True
    with pytest.raises(RecordError), strict.decide("m") as d:
        d.output(1)
    with caplog.at_level(logging.ERROR), pytest.raises(ZeroDivisionError), strict.decide("m") as d:
        d.output(1 / 0)
    assert "could not be recorded" in caplog.text


@pytest.mark.parametrize(
    "settings",
    [
        {"model": ""},
        {"model": None},
        {"model": "a@1", "version": "2"},
        {"hash": ("a",)},
        {"mask": "a"},
        {"mask": 5},
        {"mask": ("a",), "exclude": ("a",)},
    ],
)
def test_a_decision_that_cannot_be_recorded_as_asked_is_not_recorded(book: FakeBook, settings: dict[str, Any]) -> None:
    with book.decide(**{"model": "m", "subject": "s", **settings}) as d:
        d.input(a=1)
        book.decision(model="inner")(lambda: 1)()
    assert d.recorded is None
    assert [record["model"] for record in book.records] == [{"name": "inner"}]
    assert "parent_id" not in part(book, "context")
    assert len(book.failures) == 1
    with pytest.raises(CausebookError):
        FakeBook(strict=True).decide(**{"model": "m", **settings})


def test_members_of_the_input_are_held_back(book: FakeBook) -> None:
    key = b"0123456789abcdef"
    with book.decide("m", mask=("ssn",), exclude=("a.photo",), hash=("email",), hash_key=key, rename={"x": "y"}) as d:
        d.input(ssn="1", a={"photo": b"", "n": 1}, email="e", x=1)
        d.output(1)
    recorded = part(book, "input")
    assert recorded.pop("email").startswith("hmac-sha256:")
    assert recorded == {"ssn": {"masked": True}, "a": {"n": 1}, "y": 1}
    assert part(book, "context", "held_back", "masked") == ["ssn"]
    with pytest.raises(ValueError, match="ssn 1"), book.decide("m", mask=("ssn",)) as d:
        d.input("ssn 1")
        raise ValueError("ssn 1")
    assert part(book, "input", "masked") is True
    assert part(book, "context", "error") == {"type": "ValueError"}


def test_decisions_inside_name_the_one_around_them(book: FakeBook) -> None:
    inner = book.decision(model="inner")(lambda: 1)
    with book.decide("outer") as outer:
        inner()
        with book.decide("middle") as middle:
            inner()
            middle.output(1)
        outer.output(1)
    parents = [record.get("context", {}).get("parent_id") for record in book.records]  # type: ignore[attr-defined]
    assert parents == [outer.id, middle.id, outer.id, None]


@in_loop
async def test_blocks_of_concurrent_tasks_do_not_mix() -> None:
    book = FakeBook()

    async def work(n: int) -> tuple[str, object]:
        async with book.decide("outer") as d:
            d.input(n)
            await asyncio.sleep(0)
            async with book.decide("inner") as inner:
                await asyncio.sleep(0)
                inner.output(n)
            d.output(n)
        return d.id, last_decision()

    for id, last in await asyncio.gather(*(work(n) for n in range(50))):
        assert id == last
    by_id = {record["id"]: record for record in book.records}
    inner = [record for record in book.records if record["model"] == {"name": "inner"}]
    assert len(inner) == 50
    assert all(by_id[record["context"]["parent_id"]]["output"] == record["output"] for record in inner)  # type: ignore[index]


def test_blocks_of_threads_do_not_mix(book: FakeBook) -> None:
    def work(n: int) -> None:
        for _ in range(50):
            with book.decide("m") as d:
                d.input(n)
                d.output(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(book.records) == 400
    assert all(record["input"] == record["output"] and "context" not in record for record in book.records)


def test_a_block_in_a_coroutine_that_is_thrown_away_is_broken_off(book: FakeBook) -> None:
    async def wait() -> None:
        with book.decide("m") as d:
            d.input(1)
            await asyncio.sleep(0)

    coroutine = wait()
    coroutine.send(None)
    del coroutine
    gc.collect()
    assert part(book, "context", "broken_off") == {"type": "GeneratorExit"}
