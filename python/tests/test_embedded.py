"""A ledger in the process keeps what it acknowledged, is written by one process at a time, and survives forks."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ledgers
import pytest
from serving import binary

import causebook
from causebook._errors import SettingError
from causebook._load import native
from causebook._read import Reading

pytestmark = ledgers.needs_embedded

Embedded: Any = getattr(native, "Embedded", None)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def parcel(**members: object) -> tuple[str, int, bytes]:
    return "record", 1, json.dumps({"model": "m@1", "output": 1, **members}).encode()


def ids(home: Path) -> list[str | None]:
    return [record.id for record in Reading(home).list(oldest=True)]


def test_the_first_record_makes_the_ledger(home: Path) -> None:
    taken, told, refused, failure = Embedded(home, "main", "tests").deliver([parcel(id="a"), parcel(id="b")])
    assert (taken, refused, failure) == (2, [], None)
    assert [stored[:2] for stored, _ in told] == [("a", 0), ("b", 1)]
    assert (home / "ledgers" / "main" / "ledger.json").exists()
    record = Reading(home).get("b")
    assert record.recorded is not None
    assert (record.recorded.by, record.recorded.via) == ("tests", "sdk")
    assert record.digest == told[1][0][2]
    assert Reading(home).verify()


def test_a_book_in_a_folder_records_and_reads_without_a_server(home: Path) -> None:
    given = {"age": 30, "income": decimal.Decimal("52000.10"), "since": datetime.date(2026, 1, 2), "cv": b"x" * 5000}
    with causebook.connect(home, source="tests") as book:
        id = book.record(model="credit@v1.2", input=given, output=0.81, decision="approve")
        decision = book.get(id)
        assert decision.input == given
        assert decision.record["input"]["income"] == 52000.10
        assert [len(file.read()) for file in decision.attachments] == [5000]
        book.outcome(id, "repaid")
        assert book.flush().delivered == 2
        assert [record.kind for record in book.history(id)] == ["decision", "outcome"]
        assert [record.id for record in book.list("decision:approve")] == [id]
        assert book.verify().holds
        assert causebook.check(book.prove(id, show="/decision"))
        assert book.why(id).linked


def test_processes_record_into_one_folder_at_once(home: Path) -> None:
    program = """
import sys, causebook
with causebook.connect(sys.argv[1], source="many", exit_timeout=60) as book:
    for n in range(50):
        book.record(model="m@1", input={"n": n}, output=n)
    print(book.flush(60).delivered)
"""
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate(timeout=120)[0] for process in started] == ["50\n"] * 4
    assert len(ids(home)) == 200
    assert Reading(home).verify()


def test_the_command_line_reads_what_was_recorded(home: Path) -> None:
    Embedded(home, "main").deliver([parcel(id="a", decision="deny")])
    found = subprocess.run(
        [binary(), "--home", str(home), "show", "a", "--format", "json"], check=True, capture_output=True
    )
    assert json.loads(found.stdout)["decision"] == "deny"
    subprocess.run([binary(), "--home", str(home), "verify"], check=True, capture_output=True)


def test_what_comes_again_is_known_and_what_conflicts_is_refused(home: Path) -> None:
    ledger = Embedded(home, "main")
    ledger.deliver([parcel(id="a")])
    taken, told, _, failure = ledger.deliver(
        [parcel(id="a"), parcel(id="a", output=2), ("record", 1, b"{"), parcel(id="b")]
    )
    assert (taken, failure) == (4, None)
    (again, _), (_, conflict), (_, invalid), (stored, _) = told
    assert again[3] is True and again[1] == 0
    assert conflict[0] == "conflict"
    assert invalid[0] == "invalid-record"
    assert stored[:2] == ("b", 1)


def erase(home: Path, id: str, *more: str) -> None:
    """Erases a record, or facts of it, while nobody has the ledger."""
    arguments = ["erase", id, "--reason", "asked for", "--yes", *more]
    subprocess.run([binary(), "--home", str(home), *arguments], check=True, capture_output=True)


def test_what_has_been_erased_is_refused_as_such(home: Path) -> None:
    ledger = Embedded(home, "main")
    ledger.deliver([parcel(id="a", subject="s-1"), parcel(id="b", subject="s-1")])
    ledger.idle()
    erase(home, "a")
    erase(home, "b", "--fields", "/subject")
    taken, told, _, failure = ledger.deliver(
        [parcel(id="a", subject="s-1"), parcel(id="b", subject="s-1"), parcel(id="c")]
    )
    assert (taken, failure) == (3, None)
    assert [refused and refused[0] for _, refused in told] == ["record-erased", "record-erased", None]
    assert '"a"' in told[0][1][1]


def linked(kind: str, **members: object) -> tuple[str, int, bytes]:
    return "record", 1, json.dumps({"kind": kind, **members}).encode()


def override(id: str, before: str, after: str) -> tuple[str, int, bytes]:
    said = {"action": "override", "who": "ann", "role": "r", "reason": "x", "before": before, "after": after}
    return linked("review", id=id, refers_to="d", review=said)


def test_a_review_names_the_decision_in_force_as_on_a_server(home: Path) -> None:
    ledger = Embedded(home, "main")
    outcome = linked("outcome", id="o", refers_to="not-there-yet", outcome={"label": "repaid"})
    _, told, _, failure = ledger.deliver(
        [
            parcel(id="d", decision="deny"),
            override("r1", "deny", "approve"),
            override("r2", "deny", "refer"),
            outcome,
            ("record", 1, b"{"),
            override("r3", "approve", "approve"),
            parcel(id="e"),
        ]
    )
    assert failure is None
    assert [refused and refused[0] for _, refused in told] == [
        None,
        None,
        "invalid-review",
        None,
        "invalid-record",
        "invalid-review",
        None,
    ]
    assert [stored[1] for stored, _ in told if stored] == [0, 1, 2, 3]
    # What is in force is in the ledger, not in what came together; and what is there is not judged again.
    ledger.idle()
    _, told, _, _ = ledger.deliver([override("r4", "deny", "refer"), override("r5", "approve", "refer")])
    assert told[0][1][0] == "invalid-review" and '"deny" is not the decision in force' in told[0][1][1]
    assert told[1][0][0] == "r5"
    _, told, _, _ = ledger.deliver([override("r1", "deny", "approve")])
    assert told[0][0][3] is True


def test_attachments_are_kept_beside_the_records(home: Path) -> None:
    digest = f"sha256:{hashlib.sha256(b'letter').hexdigest()}"
    attached = [{"name": "l", "media_type": "text/plain", "size": 6, "digest": digest}]
    taken, told, _, _ = Embedded(home, "main").deliver(
        [parcel(id="a"), ("attachment", 0, b"letter"), parcel(id="b", attachments=attached)]
    )
    assert taken == 3 and len(told) == 2
    assert Reading(home).get("b").attachments[0].read() == b"letter"


def test_a_batch_of_arrow_is_a_record_a_row(home: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(
        {
            "id": ["a", "b", None, "a"],
            "model": ["m", "m", "m", "other"],
            "/input/age": [30, 31, 32, 33],
            "score": [0.5, 0.25, 1.0, 0.0],
        }
    )
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stream = sink.getvalue().to_pybytes()
    ledger = Embedded(home, "main")
    taken, told, _, failure = ledger.deliver([("batch", 4, stream), parcel(id="z")])
    assert (taken, failure, len(told)) == (2, None, 5)
    assert [stored and stored[0] for stored, _ in told][:2] == ["a", "b"]
    assert told[3][1][0] == "conflict"
    assert Reading(home).get("b").input == {"age": 31}
    for broken, rows in ((stream[:-200], 4), (b"nonsense", 2), (stream, 6)):
        taken, told, _, failure = ledger.deliver([("batch", rows, broken)])
        assert (taken, failure, len(told)) == (1, None, rows)
        assert told[-1][1][0] == "unfit-body"


def test_one_process_at_a_time_writes_and_another_waits_for_its_turn(home: Path) -> None:
    first, second = Embedded(home, "main"), Embedded(home, "main")
    first.deliver([parcel(id="a")])
    taken, told, _, failure = second.deliver([parcel(id="b")])
    assert (taken, told) == (0, []) and "another process is writing" in failure
    first.idle()
    assert second.deliver([parcel(id="b")])[0] == 1
    assert ids(home) == ["a", "b"]


def test_several_processes_that_make_the_ledger_at_once_make_one(home: Path) -> None:
    program = """
import json, sys, time
from causebook._load import native
home, name = sys.argv[1:]
ledger = native.Embedded(home, "main")
while True:
    taken, *_ = ledger.deliver([("record", 1, json.dumps({"id": name, "model": "m", "output": 1}).encode())])
    if taken: break
    time.sleep(0.01)
ledger.idle()
"""
    started = [subprocess.Popen([sys.executable, "-c", program, str(home), f"p{n}"]) for n in range(6)]
    assert [process.wait(60) for process in started] == [0] * 6
    assert sorted(str(id) for id in ids(home)) == [f"p{n}" for n in range(6)]
    assert Reading(home).verify()


def test_a_name_that_leads_elsewhere_is_refused(home: Path) -> None:
    for name in ("../main", "", "a/b", ".", "Main", "x" * 64):
        with pytest.raises(SettingError, match="is not the name of a ledger"):
            Embedded(home, name)


# Forks


@pytest.fixture
def parent(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the ledger open, and a child that was forked then and lives on."""
    program = """
import json, os, sys, time
from causebook._load import native
def say(line):
    os.write(1, f"{line}\\n".encode())
ledger = native.Embedded(sys.argv[1], "main")
ledger.deliver([("record", 1, b'{"id":"a","model":"m","output":1}')])
child = os.fork()
if child == 0:
    taken, told, _, failure = ledger.deliver([("record", 1, b'{"id":"c","model":"m","output":1}')])
    say(f"child {taken} {failure}")
    ledger.idle()
    del ledger
    say("dropped")
    time.sleep(60)
    os._exit(0)
taken, *_ = ledger.deliver([("record", 1, b'{"id":"b","model":"m","output":1}')])
say(f"parent {taken} {child}")
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process
        os.killpg(process.pid, signal.SIGKILL)


def test_a_child_keeps_no_ledger_alive_that_its_parent_had_open(home: Path, parent: subprocess.Popen[str]) -> None:
    assert parent.stdout is not None
    said = sorted(parent.stdout.readline().split() for _ in range(3))
    assert said[0][:2] == ["child", "0"] and "forked" in said[0]
    assert said[1] == ["dropped"]
    assert said[2][:2] == ["parent", "1"]
    child = int(said[2][2])
    third = Embedded(home, "main")
    assert third.deliver([parcel(id="third")])[0] == 0, "the parent has it"
    parent.kill()
    parent.wait()
    os.kill(child, 0)
    deadline = time.monotonic() + 5
    while third.deliver([parcel(id="third")])[0] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(child, 0)
    assert ids(home) == ["a", "b", "third"]
    third.idle()
    assert Reading(home).verify()


def test_a_fork_while_the_ledger_is_opened_leaves_no_lock_behind(home: Path) -> None:
    program = """
import os, sys, threading, time
from causebook._load import native
home = sys.argv[1]
children = []
stop = threading.Event()
def open_and_close():
    n = 0
    while not stop.is_set():
        ledger = native.Embedded(home, "main")
        ledger.deliver([("record", 1, b'{"id":"r%d","model":"m","output":1}' % n)])
        ledger.idle()
        n += 1
thread = threading.Thread(target=open_and_close)
thread.start()
for _ in range(30):
    time.sleep(0.013)
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    children.append(child)
stop.set()
thread.join()
ledger = native.Embedded(home, "main")
taken, _, _, failure = ledger.deliver([("record", 1, b'{"id":"last","model":"m","output":1}')])
for child in children: os.kill(child, 9)
print(taken, failure)
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(home)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "1 None\n"
    assert "last" in ids(home)


def test_what_was_acknowledged_survives_a_kill(home: Path) -> None:
    program = """
import json, sys
from causebook._load import native
ledger = native.Embedded(sys.argv[1], "main")
n = 0
while True:
    taken, *_ = ledger.deliver([("record", 1, b'{"id":"r%d","model":"m","output":1}' % n)])
    assert taken == 1
    print(n, flush=True)
    n += 1
"""
    last = 0
    with subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = int(line)
            if last >= 50:
                break
        process.kill()
        last = max([last, *map(int, process.stdout.read().split())])
    assert len(ids(home)) >= last + 1
    assert Reading(home).verify()
    assert Embedded(home, "main").deliver([parcel(id="after")])[0] == 1
