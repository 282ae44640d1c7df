"""What is captured, as a ledger has it: every kind of it is accepted, and complete in the ledger's own eyes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from serving import Server

import causebook


def test_a_ledger_has_everything_that_is_captured_and_waits_for_nothing(server: Server) -> None:
    with causebook.connect(
        server.url, source="t", context={"environment": "test"}, hash_key="0123456789abcdef"
    ) as book:

        @book.decision(
            model="credit@v1.2", decision="label", score="p", subject="a.id", mask=("a.ssn",), hash=("email",)
        )
        def approve(a: dict[str, Any], email: str) -> dict[str, Any]:
            a["ssn"] = None
            return {"label": "deny", "p": 0.25}

        @book.decision(model="credit@v1.2", subject="a.id")
        def fail(a: dict[str, Any]) -> None:
            raise ValueError("no bureau data")

        @book.decision(model="writer", output="".join, items_max=2)
        def write() -> Iterator[str]:
            yield from "abc"

        with causebook.context(actor="web", request_id="r-1"):
            approve({"id": "a-1", "ssn": "1"}, "e@x")
            id = causebook.last_decision()
            assert id
            with pytest.raises(ValueError, match="no bureau data"):
                fail({"id": "a-2"})
        "".join(write())
        broken = write()
        next(broken)
        broken.close()  # type: ignore[attr-defined]
        with book.decide("outer") as d:
            d.input(age=30)
            d.decision("refer")
            d.explain({"reasons": ["age"]})
            d.attach("a.txt", b"text")
            approve({"id": "a-3"}, "e@x")
        assert book.outcome(id, "repaid")
        review = {"who": "j.doe", "role": "underwriter", "reason": "income proved"}
        assert book.review(id, action="override", before="deny", after="approve", **review)
        assert book.notice(id, "We can offer you this loan.", channel="letter")
        assert book.correction(id, income=2500.00)
        assert book.explanation(id, {"method": "weights"})
        counts = book.flush()
        assert (counts.delivered, counts.refused, counts.failed, counts.lost) == (11, 0, 0, 0), counts

    records: list[Any] = server.records()
    first, failed, written, closed, inner, outer = records[:6]
    assert first["input"]["a"] == {"id": "a-1", "ssn": {"masked": True}}
    assert first["input"]["email"] == inner["input"]["email"]
    assert (first["decision"], first["score"], first["subject"], first["actor"]) == ("deny", 0.25, "a-1", "web")
    assert first["context"]["request_id"] == "r-1"
    assert first["context"]["environment"] == "test"
    assert first["context"]["held_back"]["masked"] == ["a.ssn"]
    assert failed["output"] is None
    assert failed["subject"] == "a-2"
    assert failed["context"]["error"] == {"type": "ValueError", "message": "no bureau data"}
    assert written["output"]["items"] == "ab"
    assert written["output"]["count"] == 3
    assert closed["context"]["broken_off"] == {"type": "GeneratorExit"}
    assert inner["context"]["parent_id"] == outer["id"] == d.id
    assert outer["attachments"][0]["media_type"] == "text/plain"
    assert [record["kind"] for record in records[6:]] == ["outcome", "review", "notice", "correction", "explanation"]
    completeness: Any = server.get("completeness")
    assert completeness["orphans"]["intent_without_outcome"] == 0
    assert completeness["orphans"]["missing_target"] == 0
    assert completeness["streams"][0]["missing"] == 0
