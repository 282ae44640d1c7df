"""Decisions in the logs of a program."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from fake import FakeBook

import causebook._context as ambient
from causebook._seam import Recorded
from causebook.logs import DecisionFilter, DecisionHandler, DecisionProcessor

DECISION = {"model": "credit@3", "input": {"age": 30}, "output": "approved"}


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("scoring.test")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger
    logger.handlers.clear()


@pytest.fixture
def last() -> Iterator[None]:
    token = ambient.last.set(Recorded("D-7"))
    yield
    ambient.last.reset(token)


def test_a_decision_in_a_log_record_is_recorded(book: FakeBook, logger: logging.Logger) -> None:
    logger.addHandler(DecisionHandler(book))
    logger.info("scored %s", "A-1", extra={"decision": DECISION})
    logger.info("nothing decided")
    (decision,) = book.decisions
    time = decision.pop("time")
    assert time.endswith("Z") and len(time) == 27
    assert decision.pop("context") == {"log": {"logger": "scoring.test", "level": "INFO", "message": "scored A-1"}}
    assert decision == {"kind": "decision", **DECISION}


def test_members_are_taken_from_attributes_by_a_mapping(book: FakeBook, logger: logging.Logger) -> None:
    mapping = {"input": "features", "output": "result", "score": "p"}
    logger.addHandler(DecisionHandler(book, mapping=mapping, members={"model": "credit@3"}))
    logger.info("scored", extra={"features": {"age": 30}, "result": "approved"})
    logger.info("scored", extra={"p": 0.3})
    (decision,) = book.decisions
    assert {name: decision[name] for name in DECISION} == DECISION
    assert "score" not in decision


def test_a_function_says_what_is_a_decision(book: FakeBook, logger: logging.Logger) -> None:
    handler = DecisionHandler(book, mapping=lambda record: DECISION if "scored" in record.msg else None)
    logger.addHandler(handler)
    logger.info("scored")
    logger.info("slept")
    assert len(book.decisions) == 1


def test_logging_goes_on_when_recording_fails(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeBook):
        def record(self, **members: Any) -> str:
            raise OSError("no space")

    logger.addHandler(DecisionHandler(Broken()))
    logging.getLogger("causebook").addHandler(handler := DecisionHandler(Broken()))
    try:
        logger.info("scored", extra={"decision": DECISION})
    finally:
        logging.getLogger("causebook").removeHandler(handler)
    assert "was not recorded" in caplog.text


def test_lines_have_the_id_of_the_last_decision(logger: logging.Logger, last: None) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s [%(decision_id)s]"))
    handler.addFilter(DecisionFilter())
    logger.addHandler(handler)
    logger.info("told the applicant")
    ambient.last.set(None)
    logger.info("another")
    assert stream.getvalue() == "told the applicant [D-7]\nanother []\n"


def test_a_line_about_a_decision_has_its_own_id(book: FakeBook, logger: logging.Logger, last: None) -> None:
    stream = io.StringIO()
    logger.addHandler(DecisionHandler(book))
    lines = logging.StreamHandler(stream)
    lines.setFormatter(logging.Formatter("%(decision_id)s"))
    lines.addFilter(DecisionFilter())
    logger.addHandler(lines)
    logger.info("scored", extra={"decision": DECISION})
    assert stream.getvalue() == "id-1\n"


def structured(processor: DecisionProcessor) -> tuple[Any, io.StringIO]:
    stream = io.StringIO()
    processors = [processor, structlog.processors.JSONRenderer()]
    return structlog.wrap_logger(structlog.PrintLogger(stream), processors=processors), stream


def test_structlog_records_decisions_and_tells_their_ids(book: FakeBook) -> None:
    log, stream = structured(DecisionProcessor(book, members={"automation": "sole"}))
    log.info("scored", decision=DECISION, applicant="A-1")
    log.info("slept")
    (decision,) = book.decisions
    assert decision["automation"] == "sole"
    assert decision["context"] == {"log": {"level": "info", "message": "scored"}}
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first == {"event": "scored", "applicant": "A-1", "decision_id": "id-1"}
    assert second == {"event": "slept"}


def test_structlog_adds_the_last_id_without_a_book(last: None) -> None:
    log, stream = structured(DecisionProcessor())
    log.info("told the applicant")
    assert json.loads(stream.getvalue())["decision_id"] == "D-7"


def test_an_event_whose_decision_cannot_be_recorded_is_logged_whole(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeBook):
        def record(self, **members: Any) -> str:
            raise OSError("no space")

    log, stream = structured(DecisionProcessor(Broken()))
    log.info("scored", decision=DECISION)
    assert json.loads(stream.getvalue())["decision"] == DECISION
    assert "was not recorded" in caplog.text
