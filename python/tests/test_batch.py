"""Batches: a record for each row, the same as the rows would be alone."""

from __future__ import annotations

import datetime
import decimal
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from serving import Server

import causebook

ROWS = 50


def columns() -> dict[str, Any]:
    """A column of each kind."""
    return {
        "float": np.linspace(0, 1, ROWS),
        "single": np.linspace(0, 1, ROWS, dtype=np.float32),
        "holes": np.where(np.arange(ROWS) % 7 == 0, np.nan, 0.5),
        "whole": np.arange(ROWS),
        "small": np.arange(ROWS, dtype=np.int8),
        "unsigned": np.full(ROWS, 2**64 - 1, dtype=np.uint64),
        "yes": np.arange(ROWS) % 2 == 0,
        "text": np.array([f"häß {n}" for n in range(ROWS)], dtype=object),
        "a/b~c": np.arange(ROWS),
        "strided": np.arange(ROWS * 2)[::2],
    }


def logged(server: Server, *arguments: Any, **members: Any) -> list[dict[str, Any]]:
    """Logs a batch and reads the records back, in the order of the rows."""
    with causebook.connect(server.url, source="batch") as book:
        ids = book.log_batch(*arguments, model="m@1", **members)
        counts = book.flush()
        assert (counts.failed, counts.refused) == (0, 0)
        assert counts.delivered == len(ids)
        return [{**book.get(id).record, "decoded": book.get(id).input} for id in ids]


def decoded(records: list[dict[str, Any]]) -> list[Any]:
    return [record["decoded"] for record in records]


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and (one == other or (one != one and other != other))


def test_rows_of_a_frame_are_what_they_are_alone(server: Server) -> None:
    frame = pd.DataFrame(columns())
    outputs = {"p": np.linspace(0, 1, ROWS), "class": {"good": np.zeros(ROWS), "bad": np.ones(ROWS)}}
    records = logged(
        server, frame, outputs, decision=["deny"] * ROWS, score=np.linspace(0, 1, ROWS), subject=range(ROWS)
    )
    assert len(records) == ROWS
    for number, (record, value) in enumerate(zip(records, decoded(records), strict=True)):
        expected = {
            name: (values[number].item() if values.dtype in ("float64", "int64", "bool") else values[number])
            for name, values in columns().items()
        }
        assert value.keys() == expected.keys()
        for name in expected:
            assert same(value[name], expected[name]), (name, value[name], expected[name])
        assert (record["decision"], record["subject"]) == ("deny", str(number))
        assert record["score"] == outputs["p"][number]
        assert record["output"] == {"p": outputs["p"][number], "class": {"good": 0.0, "bad": 1.0}}  # type: ignore[index]
        assert record["source"]["seq"] == number + 1
        assert record["model"] == {"name": "m", "version": "1"}


def test_every_frame_gives_the_same_records(server: Server) -> None:
    given: dict[str, list[Any]] = {
        "n": [1, 2, None],
        "x": [0.5, None, 2.0],
        "s": ["a", None, "ü"],
        "b": [True, False, None],
        "d": [datetime.date(2026, 1, 2), None, datetime.date(1900, 1, 1)],
        "t": [datetime.datetime(2026, 1, 2, 3, 4, 5, 678000), None, datetime.datetime(1970, 1, 1)],
        "z": [datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), None, None],
        "m": [decimal.Decimal("0.10"), None, decimal.Decimal("-12345678901234567890.12")],
    }
    rows = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
    table = pa.table({**given, "m": pa.array(given["m"], pa.decimal128(38, 2))})
    for frame in (given, table, pl.from_arrow(table)):
        assert decoded(logged(server, frame)) == rows, type(frame)


def test_nulls_of_pandas_are_what_pandas_says(server: Server) -> None:
    frame = pd.DataFrame(
        {"s": pd.Series(["a", None]), "c": pd.Categorical(["x", "y"]), "i": pd.array([1, None], "Int64")}
    )
    first, second = decoded(logged(server, frame))
    assert (first["s"], first["c"], first["i"]) == ("a", "x", 1)
    assert second["s"] is None
    assert second["i"] is None or second["i"] is pd.NA


def test_without_pyarrow_the_records_are_the_same(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(columns())
    with_it = decoded(logged(server, frame.drop(columns="holes")))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert decoded(logged(server, frame.drop(columns="holes"))) == with_it


def test_a_column_of_anything_else_is_recorded_row_by_row(server: Server) -> None:
    given = {"x": np.arange(3), "any": [{"a": 1}, (1, 2), b"bytes"]}
    assert decoded(logged(server, given)) == [
        {"x": number, "any": value} for number, value in zip(np.arange(3), given["any"], strict=True)
    ]


def test_more_rows_than_a_parcel_has_are_numbered_through(server: Server) -> None:
    with causebook.connect(server.url) as book:
        ids = book.log_batch({"n": np.arange(25_000)}, model="m", decision=["a"] * 25_000)
        assert len(set(ids)) == 25_000
        book.record(model="m", input={"n": 25_000})
        assert book.flush(60).delivered == 25_001
    # The server records parts of a batch beside one another.
    found: list[Any] = sorted(server.records(), key=lambda record: record["source"]["seq"])  # type: ignore[index]
    assert [record["input"]["n"] for record in found] == list(range(25_001))
    assert [record["source"]["seq"] for record in found] == list(range(1, 25_002))


def test_what_holds_for_all_rows_is_in_each(server: Server) -> None:
    with causebook.context(subject="everyone", request_id="r-1"):
        records = logged(
            server, {"n": [1, 2]}, parameters={"threshold": decimal.Decimal("0.50")}, time="2026-01-02T03:04:05Z"
        )
    for record in records:
        assert record["subject"] == "everyone"
        assert record["context"] == {"request_id": "r-1"}
        assert record["parameters"]["$types"] == {"decimal": ["/threshold"]}
        assert record["time"] == "2026-01-02T03:04:05Z"


def test_a_frame_that_cannot_be_a_batch_is_said_and_not_raised(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with causebook.connect(server.url) as book:
        assert book.log_batch({"a": [1, 2], "b": [1]}, model="m") == []
        assert book.log_batch({}, model="m") == []
        assert book.log_batch(7, model="m") == []
        assert book.counters.failed == 3
    assert "input.b has 1 rows, input.a has 2" in caplog.text
    with causebook.connect(server.url, strict=True) as book, pytest.raises(causebook.RecordError):
        book.log_batch({"a": [1, 2], "b": [1]}, model="m")


def test_a_frame_of_thirty_columns_arrives(server: Server, record_property: Any) -> None:
    frame = pd.DataFrame({f"f{n}": np.random.default_rng(n).random(1_000) for n in range(30)})
    with causebook.connect(server.url) as book:
        begun = time.perf_counter()
        assert len(book.log_batch(frame, {"p": frame["f0"]}, model="m@1")) == 1_000
        record_property("seconds", time.perf_counter() - begun)
        assert book.flush(60).delivered == 1_000
