"""`book.outcome`, `review`, `notice`, `correction` and `explanation`: what refers to a decision."""

from __future__ import annotations

import enum
import uuid
from typing import Any

import pytest
from faking import FakeBook

from causebook._errors import RecordError, SpoolFull
from causebook._seam import Recorded


class Result(enum.Enum):
    REPAID = "repaid"


@pytest.fixture
def book() -> FakeBook:
    return FakeBook()


REVIEW: dict[str, Any] = {"action": "confirm", "who": "j.doe", "role": "underwriter", "reason": "as policy says"}


@pytest.mark.parametrize(
    ("value", "members", "said"),
    [
        ("repaid", {}, {"label": "repaid"}),
        (Result.REPAID, {}, {"label": "repaid"}),
        (True, {}, {"value": True}),
        (0, {}, {"value": 0}),
        (None, {"defaulted": False}, {"defaulted": False}),
        ({"days_late": 3}, {"amount": 5}, {"days_late": 3, "amount": 5}),
        ("late", {"days": 3}, {"label": "late", "days": 3}),
    ],
)
def test_an_outcome_says_what_came_of_a_decision(
    book: FakeBook, value: object, members: dict[str, object], said: dict[str, object]
) -> None:
    assert book.outcome("d-1", value, **members)
    assert book.kinds == ["outcome"]
    del book.last["id"]
    assert book.last == {"refers_to": "d-1", "outcome": said}


def test_members_of_the_record_are_not_members_of_what_is_said(book: FakeBook) -> None:
    id = book.outcome(
        "d-1", "repaid", id="o-1", time="2026-09-01T00:00:00Z", subject=7, actor="batch", context={"a": 1}
    )
    assert id == "o-1"
    assert book.last == {
        "refers_to": "d-1",
        "outcome": {"label": "repaid"},
        "id": "o-1",
        "time": "2026-09-01T00:00:00Z",
        "subject": "7",
        "actor": "batch",
        "context": {"a": 1},
    }


def test_what_a_recording_returned_is_an_id(book: FakeBook) -> None:
    recorded = book.outcome(Recorded("d-1"), "repaid", id=Recorded("o-1"))
    assert book.last["refers_to"] == "d-1"
    assert type(book.last["refers_to"]) is str
    assert recorded == "o-1"


def test_a_review_says_who_made_what_of_a_decision(book: FakeBook) -> None:
    given = uuid.UUID(int=7)
    book.review(given, **{**REVIEW, "action": "override"}, before="deny", after="approve", minutes=12)
    assert book.kinds == ["review"]
    assert book.last["refers_to"] == str(given)
    assert book.last["review"] == {
        "action": "override",
        "who": "j.doe",
        "role": "underwriter",
        "reason": "as policy says",
        "before": "deny",
        "after": "approve",
        "minutes": 12,
    }
    assert book.review("d-1", **REVIEW)
    assert book.review("d-1", **{**REVIEW, "action": "refer"}, before="deny")


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"action": "approve"}, "review.action"),
        ({"who": ""}, "review.who"),
        ({"role": None}, "review.role"),
        ({"reason": 5}, "review.reason"),
        ({"action": "override", "after": "approve"}, "review.before"),
        ({"action": "reverse", "before": "deny"}, "review.after"),
        ({"action": "override", "before": "deny", "after": "deny"}, "review.after"),
        ({"action": "override", "before": object(), "after": "deny"}, "review.before"),
    ],
)
def test_a_review_that_the_ledger_would_refuse_is_refused_here(
    book: FakeBook, members: dict[str, Any], field: str
) -> None:
    recorded = book.review("d-1", **{**REVIEW, **members})
    assert not recorded
    assert book.records == []
    assert str(book.failures[0]).startswith(f"{field}: ")
    with pytest.raises(RecordError, match=field):
        FakeBook(strict=True).review("d-1", **{**REVIEW, **members})


def test_bytes_by_name_are_attachments(book: FakeBook) -> None:
    book.notice("d-1", "No.", attachments={"letter.pdf": b"%PDF"})
    assert book.last["attachments"] == [{"name": "letter.pdf", "data": b"%PDF"}]


def test_a_notice_says_what_the_subject_was_told(book: FakeBook) -> None:
    book.notice("d-1", "No.", channel="letter", reasons=["income"], language="en")
    assert book.last["notice"] == {"text": "No.", "channel": "letter", "reasons": ["income"], "language": "en"}


def test_a_correction_says_what_should_have_been_on_record(book: FakeBook) -> None:
    book.correction("d-1", {"income": 2500}, reason="misread")
    assert book.kinds == ["correction"]
    assert book.last["correction"] == {"income": 2500, "reason": "misread"}


def test_an_explanation_may_come_after_the_decision(book: FakeBook) -> None:
    book.explanation("d-1", {"method": "rules"}, actor="explainer")
    assert book.kinds == ["explanation"]
    assert book.last["explanation"] == {"method": "rules"}
    assert book.last["actor"] == "explainer"


def test_records_about_nothing_and_of_nothing_are_refused(book: FakeBook) -> None:
    refused: list[tuple[str, Recorded]] = [
        ("refers_to: the id is empty", book.outcome(Recorded(), "repaid")),
        ("refers_to: the id of a decision is a text, not a int", book.outcome(5, "repaid")),  # type: ignore[arg-type]
        ("refers_to: longer", book.outcome("x" * 1025, "repaid")),
        ("outcome: nothing was said", book.outcome("d-1")),
        ("notice: nothing was said", book.notice("d-1")),
        ("correction: nothing was said", book.correction("d-1")),
        ("explanation: a int", book.explanation("d-1", 5)),
        ("explanation: nothing was said", book.explanation("d-1", {})),
        ("explanation: 'note'", book.explanation("d-1", {"a": 1}, note="x")),
        ("subject: a object", book.outcome("d-1", "repaid", subject=object())),
    ]
    assert book.records == []
    for (said, recorded), error in zip(refused, book.failures, strict=True):
        assert not recorded
        assert str(error).startswith(said)


def test_a_book_that_breaks_does_not_break_who_tells_it_something(book: FakeBook) -> None:
    book.broken = True
    assert not book.outcome("d-1", "repaid")
    assert len(book.failures) == 1


def test_what_a_book_raises_on_purpose_is_raised_once(book: FakeBook, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(kind: str, members: dict[str, object]) -> Recorded:
        raise SpoolFull(kind)

    monkeypatch.setattr(book, "_submit", full)
    with pytest.raises(SpoolFull):
        book.outcome("d-1", "repaid")
    assert book.failures == []
