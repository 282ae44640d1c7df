"""Reading gives the same from a server as from a folder, says who vouches for what, and shows it safely."""

from __future__ import annotations

import decimal
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import ledgers
import pytest
from ledgers import needs_embedded, post, record
from serving import Server, binary

import causebook
from causebook._errors import EvidenceError, NotFoundError, RefusedError, SettingError, UnavailableError
from causebook._read import Reading, check
from causebook._records import Decision

FILE = b"%PDF-1.7 the letter"
FILE_DIGEST = f"sha256:{hashlib.sha256(FILE).hexdigest()}"
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>&\'"\x1b[31m'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Heads are remembered here and not with whoever runs the tests."""
    folder = tmp_path_factory.mktemp("state")
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(folder)
    yield folder
    os.environ.pop("XDG_STATE_HOME")
    if before is not None:
        os.environ["XDG_STATE_HOME"] = before


@pytest.fixture(scope="module")
def url(home: Path, state: Path) -> Iterator[str]:
    server = Server(binary(), home)
    server.start()
    fill(server.url)
    yield server.url
    server.stop()


def fill(address: str) -> None:
    post(address, "attachments", FILE, "application/octet-stream")
    record(
        address,
        id="D-1",
        model={"name": "credit", "version": "v1.2"},
        input={"age": 30, "amount": 0.10},
        output={"p": 0.25},
        decision="deny",
        score=0.25,
        subject="c-17",
        parameters={"threshold": 0.3},
        explanation={
            "method": "tree-shap",
            "base_value": 0.4,
            "scale": "probability",
            "attributions": {"age": -0.2, "amount": 0.05},
            "reasons": [{"text": "too young"}],
        },
        attachments=[{"name": "letter", "media_type": "application/pdf", "size": len(FILE), "digest": FILE_DIGEST}],
    )
    record(address, id="D-2", model="credit", input=[1, 2], decision="approve")
    record(address, id="O-1", kind="outcome", refers_to="D-1", outcome={"repaid": True})
    review = {
        "action": "override",
        "who": "ann",
        "role": "officer",
        "reason": "income was proven",
        "before": "deny",
        "after": "approve",
    }
    record(address, id="R-1", kind="review", refers_to="D-1", review=review)
    record(address, id="X-1", model=HOSTILE, input={HOSTILE: HOSTILE}, decision=HOSTILE, subject=HOSTILE)


@pytest.fixture(scope="module", params=["server", "folder"])
def book(request: pytest.FixtureRequest, url: str, home: Path) -> Reading:
    if request.param == "server":
        return Reading(url)
    if not ledgers.EMBEDDED:
        pytest.skip("the package causebook-embedded is not installed")
    return Reading(home)


# Records


def test_a_record_has_its_members_as_attributes_and_items(book: Reading) -> None:
    decision = book.get("D-1")
    assert (decision.id, decision.kind, decision.index) == ("D-1", "decision", 0)
    assert decision.decision == decision["decision"] == "deny"
    assert decision.input == {"age": 30, "amount": 0.10}
    assert decision.model == {"name": "credit", "version": "v1.2"}
    assert decision.score == 0.25
    assert decision.subject == "c-17"
    assert decision.actor is None
    assert "actor" not in decision
    assert set(decision) >= {"id", "kind", "input", "output", "recorded"}
    assert isinstance(decision.time, datetime) and decision.time.tzinfo is not None
    assert decision.recorded is not None and decision.recorded.via == "http"
    assert decision.record["input"] == {"age": 30, "amount": 0.10}
    assert not decision.erased and decision.masked == ()
    with pytest.raises(KeyError):
        decision["nothing"]
    with pytest.raises(AttributeError, match="no member 'nothing'"):
        _ = decision.nothing
    assert book.get("O-1").outcome == {"repaid": True}


def test_the_digest_of_a_record_is_that_of_its_receipt(book: Reading, url: str) -> None:
    again = {"id": "D-2", "model": "credit", "input": [1, 2], "decision": "approve"}
    receipt = post(url, "records", json.dumps(again).encode())
    assert receipt["repeated"]
    assert book.get("D-2").digest == receipt["digest"]


def test_an_attachment_is_fetched_when_it_is_read_and_held_against_its_digest(book: Reading) -> None:
    (file,) = book.get("D-1").attachments
    assert (file.name, file.media_type, file.size) == ("letter", "application/pdf", len(FILE))
    assert file.read() == FILE
    with pytest.raises(NotFoundError) as caught:
        book.attachment("sha256:" + "0" * 64)
    assert caught.value.code == "no-attachment"


def test_what_is_not_there_is_said_by_its_name(book: Reading) -> None:
    for ask in (book.get, book.history, book.prove, book.why):
        with pytest.raises(NotFoundError, match='no record has the id "nobody"') as caught:
            ask("nobody")
        assert caught.value.code == "no-record"
        assert isinstance(caught.value, KeyError)


def test_a_record_on_its_way_is_waited_for(url: str) -> None:
    flushed: list[str] = []

    def flush() -> None:
        record(url, id="late", model="m", output=1)
        flushed.append("late")

    book = Reading(url, flush=flush)
    assert book.get("late").output == 1
    assert book.get("late").output == 1
    assert flushed == ["late"]


def test_a_history_is_all_that_is_linked_in_order(book: Reading) -> None:
    history = book.history("O-1")
    assert [record.id for record in history] == ["D-1", "O-1", "R-1"]
    assert history[0].decision == "deny"
    assert len(history[1:]) == 2


def test_a_list_comes_page_by_page_in_the_order_asked_for(book: Reading) -> None:
    assert [it.id for it in book.list("model:credit", oldest=True)] == ["D-1", "D-2"]
    assert [it.id for it in book.list("model:credit")] == ["D-2", "D-1"]
    assert [it.id for it in book.list(limit=2, oldest=True)] == ["D-1", "D-2"]
    assert list(book.list(limit=0)) == []
    listing = book.list("refers_to:D-1", oldest=True)
    assert [[it.id for it in page] for page in listing.pages()] == [["O-1", "R-1"]]
    first, cursor, as_of = book.page("", 2, True, None, None)
    assert [it.id for it in first] == ["D-1", "D-2"]
    second, _, again = book.page("", 2, True, as_of, cursor)
    assert [it.id for it in second] == ["O-1", "R-1"]
    assert again == as_of
    with pytest.raises(RefusedError) as caught:
        list(book.list("decision:("))
    assert caught.value.code == "invalid-filter"


def test_a_list_that_was_shown_can_still_be_taken_whole(book: Reading) -> None:
    listing = book.list("model:credit", oldest=True)
    assert "D-1" in listing._repr_html_()
    assert [it.id for it in listing] == ["D-1", "D-2"]


@needs_embedded
def test_server_and_folder_give_the_same(url: str, home: Path) -> None:
    there, here = Reading(url), Reading(home)
    for id in ("D-1", "D-2", "O-1", "R-1", "X-1"):
        assert there.get(id) == here.get(id)
        assert there.get(id).digest == here.get(id).digest
        assert list(there.history(id)) == list(here.history(id))
        if there.get(id).kind == "decision":
            assert repr(there.why(id)) == repr(here.why(id))
    for q in (
        "",
        "decision:deny",
        "kind:review",
        "score:<0.4",
        "refers_to:D-1",
        "subject:c-17",
        "id:D-2",
        "-model:credit",
    ):
        for oldest in (True, False):
            assert list(there.list(q, oldest=oldest)) == list(here.list(q, oldest=oldest)), q
    assert there.prove("D-1", show="/decision").check().records == here.prove("D-1", show="/decision").check().records


def test_values_come_back_as_they_were_recorded(url: str) -> None:
    given = {
        "amount": decimal.Decimal("0.10"),
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "note": b"n" * 5000,
        "x": (1, 2),
    }
    with causebook.connect(url, source="tests") as book:
        id = book.record(model="m@1", input=given, output=float("inf"), context={"request": uuid.UUID(int=7)})
        decision = book.get(id)
    assert decision.input == given
    assert type(decision.input["x"]) is tuple and str(decision.input["amount"]) == "0.10"
    assert decision.output == float("inf")
    assert decision.context["request"] == uuid.UUID(int=7)
    assert decision.record["input"]["amount"] == 0.1
    assert "0.1" in decision._repr_html_()


# Why


def test_why_tells_what_was_recorded_and_what_was_not(book: Reading) -> None:
    why = book.why("D-1")
    assert why.outcome.value == {"decision": "deny", "score": 0.25, "output": {"p": 0.25}, "in_force": "approve"}
    assert why.margin.known == "computed"
    assert why.margin.value["margin"] == -0.05
    assert why.reasons.value == [{"text": "too young"}]
    assert why.attributions.value["base_value"] == 0.4
    assert [act.id for act in why.acts.value] == ["R-1"]
    assert [it.id for it in why.linked.value] == ["O-1"]
    assert why["provenance"].value["model"] == {"name": "credit", "version": "v1.2"}
    bare = book.why("D-2")
    assert {name: bool(part) for name, part in bare.items()} == {
        "outcome": True,
        "margin": False,
        "reasons": False,
        "attributions": False,
        "recomputed": False,
        "replay": True,
        "counterfactuals": False,
        "contrast": False,
        "unusual": False,
        "conversation": False,
        "proof": True,
        "acts": False,
        "linked": False,
        "provenance": True,
    }
    assert bare.replay.value["verdict"] == "NOT_REPLAYABLE"
    assert "not registered" in bare.recomputed.note
    assert bare.document["format"] == "causebook.why/1"
    assert bare.margin.known == "not recorded"
    assert bare.margin.note == "a score was not recorded"
    assert "not recorded" in repr(bare)
    with pytest.raises(AttributeError, match="there are outcome, margin"):
        _ = bare.nonsense


# SQL


def test_an_answer_in_sql_is_arrow(url: str) -> None:
    answer = Reading(url).sql("select id, decision, score, recorded_at from decisions where id like 'D-%' order by id")
    assert answer.rows == len(answer) == 2
    assert answer.columns == ("id", "decision", "score", "recorded_at")
    assert not answer.truncated
    first, second = answer
    assert (first["id"], first["decision"], first["score"]) == ("D-1", "deny", 0.25)
    assert isinstance(first["recorded_at"], datetime)
    assert second["score"] is None
    pyarrow = pytest.importorskip("pyarrow")
    assert pyarrow.table(answer).column("id").to_pylist() == ["D-1", "D-2"]
    assert answer.to_arrow().num_rows == 2
    assert list(answer.to_pandas()["decision"]) == ["deny", "approve"]
    polars = pytest.importorskip("polars")
    assert answer.to_polars().equals(polars.DataFrame(answer))


def test_rows_are_plain_values_of_every_type(url: str) -> None:
    answer = Reading(url).sql(
        "select 1 a, true b, 'x' c, null d, 1.5 e, cast(1.25 as decimal(5,2)) f, date '2026-01-02' g, "
        "[1, 2] h, named_struct('k', 'v') i, arrow_cast('t', 'Dictionary(Int32, Utf8)') j, x'ff' k"
    )
    (row,) = answer
    values = [str(value) for value in row.values()]
    assert values[:7] == ["1", "True", "x", "None", "1.5", "1.25", "2026-01-02"]
    assert row["h"] == [1, 2] and row["i"] == {"k": "v"} and row["j"] == "t" and row["k"] == b"\xff"


def test_an_answer_that_is_cut_off_says_so(url: str) -> None:
    answer = Reading(url).sql("select id from decisions", rows_max=1)
    assert answer.rows == 1 and answer.truncated
    with pytest.raises(RefusedError) as caught:
        Reading(url).sql("delete from decisions")
    assert caught.value.code == "invalid-sql"


@needs_embedded
def test_sql_on_a_folder_says_that_it_needs_a_server(url: str, home: Path) -> None:
    with pytest.raises(SettingError, match="SQL needs a server"):
        Reading(home).sql("select 1")


# Proof


def test_a_sound_ledger_verifies_and_tells_who_says_so(book: Reading) -> None:
    verdict = book.verify()
    assert verdict and verdict.holds and not verdict.findings
    assert verdict.ensure() is verdict
    assert verdict.size is not None and verdict.size >= 5
    by = {claim.by for claim in verdict.claims}
    if verdict.report["server"] is None:
        assert by == {"checked here"}
        assert any("records held against" in claim.what for claim in verdict.claims)
    else:
        assert by == {"checked here", "the server says"}
        assert any("evidence of" in claim.what for claim in verdict.claims)
    again = book.verify(quick=True)
    assert not again.self_asserted, "keys and head are remembered"
    assert any("continues" in claim.what for claim in again.claims)
    assert book.verify(id="D-1").of == "record"
    assert book.verify(keys=verdict.keys)
    assert book.verify(keys=verdict.keys[0], remember=False)


def test_a_ledger_of_another_key_does_not_verify(book: Reading) -> None:
    other = "example.com/log+0a552a40+AS0ftxWhEHMZop2jDjRV84HFQg9Vs9EHgO3gBnk6jH7M"
    verdict = book.verify(keys=other)
    assert not verdict
    assert [finding.fault for finding in verdict.findings] == ["wrong-key"]
    with pytest.raises(EvidenceError, match="wrong-key"):
        verdict.ensure()


def test_a_ledger_that_was_seen_with_another_head_does_not_verify(url: str, home: Path, state: Path) -> None:
    book = Reading(url)
    book.verify(quick=True)
    for file in (state / "causebook" / "heads").iterdir():
        head = json.loads(file.read_text())
        file.write_text(json.dumps(head | {"size": head["size"] + 1000}))
    try:
        books = [book, Reading(home)] if ledgers.EMBEDDED else [book]
        for book in books:
            assert [finding.fault for finding in book.verify().findings] == ["rolled-back"]
        with pytest.raises(EvidenceError) as caught:
            Reading(url).prove("D-1")
        assert caught.value.code == "rolled-back"
        assert book.verify(remember=False)
    finally:
        for file in (state / "causebook" / "heads").iterdir():
            file.unlink()


def test_evidence_shows_what_was_asked_for_and_checks(book: Reading, tmp_path: Path) -> None:
    evidence = book.prove("D-1", show=["/decision", "/model"])
    verdict = evidence.check()
    assert verdict and not verdict.self_asserted
    (proven,) = verdict.records
    assert proven.record == {
        "decision": "deny",
        "id": "D-1",
        "kind": "decision",
        "model": {"name": "credit", "version": "v1.2"},
    }
    assert proven.hidden > 0 and proven.digest == book.get("D-1").digest
    path = evidence.save(tmp_path / "D-1.evidence.json")
    assert path.read_bytes() == bytes(evidence) == str(evidence).encode()
    assert check(path, keys=evidence.keys[0])
    linked = book.prove("D-1", linked=True).check()
    assert [it.link for it in linked.records] == ["asked", "refers", "refers"]


def test_a_place_that_is_not_there_is_no_kept_secret(book: Reading) -> None:
    with pytest.raises(RefusedError, match="/inptu"):
        book.prove("D-1", show="/inptu")


# Failures


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(UnavailableError) as caught:
            Reading(f"http://127.0.0.1:{taken.getsockname()[1]}").get("D-1")
    assert caught.value.code == "unreachable"


def test_a_ledger_that_is_not_there_is_not_found(url: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Reading(url, ledger="nothing").get("D-1")
    if ledgers.EMBEDDED:
        with pytest.raises(NotFoundError, match="there is no ledger") as caught:
            Reading(tmp_path).get("D-1")
        assert caught.value.code == "no-ledger"
        with pytest.raises(SettingError, match="not the name of a ledger"):
            Reading(tmp_path, ledger="../elsewhere")


def test_no_message_tells_a_token(url: str) -> None:
    secret = "cbk_" + "s3cret" * 5
    with pytest.raises(RefusedError) as caught:
        Reading(url, token=secret).get("D-1")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(SettingError) as refused:
        Reading("http://example.com", token=secret)
    assert refused.value.code == "plain-http" and "s3cret" not in str(refused.value)
    with pytest.raises(SettingError) as refused:
        Reading(url, token=secret + " x")
    assert "s3cret" not in str(refused.value)
    with pytest.raises(SettingError) as refused:
        Reading("https://user:s3cret@example.com")
    assert "s3cret" not in str(refused.value)


def test_waiting_leaves_other_threads_alone_and_ctrl_c_ends_it() -> None:
    program = """
import sys, threading, time
from causebook._read import Reading
ticks = []
def tick():
    while True:
        ticks.append(time.monotonic()); time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
print("asking", flush=True)
try:
    Reading(sys.argv[1]).get("D-1")
except KeyboardInterrupt:
    gaps = [b - a for a, b in zip(ticks, ticks[1:])]
    print("interrupted", len(ticks) > 20, max(gaps) < 1, flush=True)
"""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen([sys.executable, "-c", program, address], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "asking\n"
            connection, _ = silent.accept()
            time.sleep(0.5)
            asked = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted True True\n"
            assert time.monotonic() - asked < 1.5
            connection.close()


def test_a_forked_process_asks_by_connections_of_its_own(url: str) -> None:
    program = """
import os, sys, threading
from causebook._read import Reading
book = Reading(sys.argv[1])
book.get("D-1")
stop = threading.Event()
def busy():
    while not stop.is_set():
        book.get("D-1")
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads: thread.start()
children = []
for _ in range(10):
    child = os.fork()
    if child == 0:
        good = all(book.get(id).id == id for id in ("D-1", "D-2") * 5)
        os._exit(0 if good else 1)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
stop.set()
for thread in threads: thread.join()
assert book.get("D-2").id == "D-2"
print(codes)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, url], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == f"{[0] * 10}\n"


# How it looks


class Page(HTMLParser):
    """What there is in a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in ("rect", "line", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shown(book: Reading, id: str) -> list[Any]:
    results = [
        book.get(id),
        book.history(id),
        book.list("", oldest=True),
        book.why(id),
        book.verify(id=id),
        book.prove(id),
        book.prove(id).check(),
    ]
    return results


def test_what_is_shown_is_static_and_escaped_and_bears_no_colour_of_its_own(book: Reading) -> None:
    for id in ("D-1", "X-1"):
        for result in shown(book, id):
            html = result._repr_html_()
            page = Page(html)
            assert not page.open, "every tag is closed"
            assert not {"script", "img", "iframe", "link", "style", "a", "object"} & set(page.tags)
            assert not [name for name in page.attributes if name.startswith("on") or name in ("src", "href")]
            assert "\x1b" not in html
            for colour in re.findall(r"(?<!-)color:([^;\"]+)", html):
                assert colour in ("inherit", "#3a9a5c", "#d0453f")
            assert not re.search(r"background:(?!none)", html)
            text = repr(result)
            assert all(len(line) <= 80 for line in text.splitlines()), text
            assert "\x1b" not in text


def test_hostile_answers_in_sql_are_escaped(url: str) -> None:
    answer = Reading(url).sql("select id, decision as \"<b>bold</b>\" from decisions where id = 'X-1'")
    html = answer._repr_html_()
    page = Page(html)
    assert not {"script", "img", "b"} & set(page.tags)
    assert "&lt;script&gt;" in html
    assert len(repr(answer)) <= 80


def test_attributions_are_a_waterfall_that_names_its_baseline(book: Reading) -> None:
    html = book.get("D-1")._repr_html_()
    assert html.count("<rect") == 2
    assert "base value 0.4 (probability)" in html
    assert "comes to 0.25" in html
    bare = Decision(
        json.dumps({"index": 1, "id": "a", "explanation": {"attributions": {f"f{i}": i / 10 for i in range(14)}}})
    )
    html = bare._repr_html_()
    assert "no base value recorded: from 0" in html
    assert "4 more together" in html
    one = {"attributions": {"a": 1.0}, "base_value": -0.5}
    several = {"outputs": {"yes": one, "<b>no</b>": one}, "baseline": "500 loans of 2025", "method": "shap"}
    html = Decision(json.dumps({"index": 1, "id": "a", "explanation": several}))._repr_html_()
    assert html.count("<svg") == 2 and "<b>no" not in html
    assert html.count("Measured against 500 loans of 2025.") == 2


def test_results_that_came_from_nowhere_can_be_shown_too() -> None:
    for text in ('{"index":3,"erased":true,"id":"gone"}', '{"index":3,"erased":true,"id":null}'):
        gone = Decision(text)
        assert gone.erased and gone.digest is None and "erased" in repr(gone) and "erased" in gone._repr_html_()
    masked = Decision('{"index":3,"id":"m","masked":["/subject"],"subject":"••••"}')
    assert masked.masked == ("/subject",) and "/subject" in masked._repr_html_()


def test_a_record_of_anything_that_json_can_say_is_shown() -> None:
    said = {"index": 1, "id": "a", "output": "\x1b[31m\u202e", "input": {"n": 1}, "decision": "\x07"}
    text = json.dumps(said).replace(
        '{"n": 1}', '{"n": ' + "9" * 6000 + ', "x": 1E400, "deep": ' + "[" * 90 + "]" * 90 + "}"
    )
    record = Decision(text)
    assert record.record["input"]["n"] == 10**6000 - 1
    for shown in (repr(record), record._repr_html_()):
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_threads_ask_at_once(book: Reading) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(10):
                assert book.get("D-1").id == "D-1"
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
