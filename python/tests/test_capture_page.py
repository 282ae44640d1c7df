"""The page on capture: every piece of Python on it runs, and records what it says."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from faking import FakeBook

import causebook

PAGE = Path(__file__).parents[2] / "docs" / "python" / "capture.md"


def test_every_piece_of_python_on_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    book = FakeBook()
    monkeypatch.setattr(causebook, "connect", lambda _target: book)
    monkeypatch.setenv("CAUSEBOOK_HASH_KEY", "0123456789abcdef")

    class Model:
        def predict(self, applicant: object, amount: int) -> float:
            return 0.25

    async def approve_later(applicant: object) -> str:
        return "approve"

    names: dict[str, Any] = {
        "model": Model(),
        "applicant": {"id": "a-7", "age": 30},
        "approve_later": book.decision(model="later")(approve_later),
        "tokens_of": lambda prompt: prompt.split(),
        "reply": lambda decision: None,
        "asyncio": asyncio,
        "os": __import__("os"),
    }
    pieces = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(pieces) == 9
    for piece in pieces:
        exec(compile(piece, str(PAGE), "exec"), names)
    assert book.records[0]["input"] == {"applicant": {"id": "a-7", "age": 30}, "amount": 5000, "channel": "web"}
    assert (book.records[0]["decision"], book.records[0]["subject"]) == ("approve", "a-7")
    assert list(names["answer"]("two tokens")) == ["two", "tokens"]
    answers = asyncio.run(names["all_of_them"]([1, 2, 3]))
    assert len({id for _, id in answers}) == 3
    names["decide"]({"ssn": "1", "guarantors": [{"ssn": "2"}], "email": "e"}, b"", 5)
    assert book.last["input"]["applicant"]["guarantors"] == [{"ssn": {"masked": True}}]  # type: ignore[index]
    assert book.kinds[3:10] == ["decision", "outcome", "outcome", "review", "notice", "correction", "explanation"]
    assert book.failures == []
