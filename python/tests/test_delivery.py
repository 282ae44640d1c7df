"""What was recorded arrives, whatever happens to the process, the server or the disk."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ledgers import post
from serving import Server

import causebook


def run(script: str, *arguments: str, expect: int = 0) -> str:
    """Runs a program; gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == expect, done.stderr
    return done.stdout + done.stderr


def eventually(check: Callable[[], bool], seconds: float = 30) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)


def inputs(server: Server) -> list[object]:
    """The inputs of all decisions of a server, in order."""
    return [record.get("input") for record in server.records()]


def streams(server: Server) -> list[dict[str, Any]]:
    """What the ledger says of the streams that it saw."""
    found: Any = server.get("completeness")
    return found["streams"]


def decide(book: causebook.Book, number: int) -> causebook.Recorded:
    return book.record(model="m@1", input={"number": number}, decision="yes")


def test_a_record_arrives_with_what_was_given_and_what_is_added(server: Server) -> None:
    with causebook.connect(server.url, source="loans", context={"env": "test"}) as book:
        id = decide(book, 7)
        assert id.seq == 1
        counts = book.flush()
        assert (counts.recorded, counts.delivered, counts.pending) == (1, 1, 0)
    (record,) = server.records()
    assert record["id"] == id
    assert record["input"] == {"number": 7}
    assert record["model"] == {"name": "m", "version": "1"}
    assert record["context"] == {"env": "test"}
    source: Any = record["source"]
    assert (source["name"], source["seq"]) == ("loans", 1)
    assert "time_assumed" not in record


def test_a_server_that_is_down_gets_everything_when_it_is_up(server: Server) -> None:
    server.stop()
    with causebook.connect(server.url) as book:
        for number in range(200):
            assert decide(book, number)
        assert book.flush(0.3).pending == 200
        assert "no connection" in str(book.counters.trouble)
        server.start()
        counts = book.flush(30)
        assert (counts.delivered, counts.trouble) == (200, None)
    assert inputs(server) == [{"number": number} for number in range(200)]


def test_what_a_killed_process_recorded_is_delivered_by_the_next(server: Server) -> None:
    server.stop()
    script = """
        import causebook, os, signal, sys
        book = causebook.connect(sys.argv[1])
        for number in range(300):
            book.record(model="m@1", input={"number": number}, decision="yes")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    run(script, server.url, expect=-signal.SIGKILL)
    server.start()
    with causebook.connect(server.url) as book:
        eventually(lambda: book.counters.adopted == 300)
    assert inputs(server) == [{"number": number} for number in range(300)]


def test_a_process_killed_while_it_records_and_delivers_loses_and_doubles_nothing(
    server: Server, tmp_path: Path
) -> None:
    script = """
        import causebook, sys
        book = causebook.connect(sys.argv[1])
        with open(sys.argv[2], "ab", buffering=0) as returned:
            for number in range(1_000_000):
                id = book.record(model="m@1", input={"number": number}, decision="yes")
                returned.write(f"{id}\\n".encode())
    """
    expected: list[str] = []
    for round in range(5):
        told = tmp_path / f"returned-{round}"
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), server.url, str(told)])
        eventually(lambda told=told: told.exists() and told.stat().st_size > 37 * 1_000)
        process.kill()
        process.wait()
        expected += told.read_text().split()
    with causebook.connect(server.url) as book:
        eventually(lambda: set(expected) <= {str(record["id"]) for record in server.records()}, 60)
        book.close()
    found = [str(record["id"]) for record in server.records()]
    assert len(found) == len(set(found))
    # The call that was under way when a process was killed may have been kept too.
    assert len(found) <= len(expected) + 5
    assert not any(stream["gaps"] for stream in streams(server))


def test_a_program_that_ends_at_once_delivers_what_a_killed_one_left(server: Server) -> None:
    server.stop()
    script = """
        import causebook, os, signal, sys
        book = causebook.connect(sys.argv[1])
        for number in range(int(sys.argv[2])):
            book.record(model="m@1", input={"number": number}, decision="yes")
        if sys.argv[3:]:
            os.kill(os.getpid(), signal.SIGKILL)
    """
    run(script, server.url, "3000", "killed", expect=-signal.SIGKILL)
    server.start()
    run(script, server.url, "1")
    assert len(server.records()) == 3_001


def test_a_flush_ends_in_a_program_that_goes_on_recording(server: Server) -> None:
    book = causebook.connect(server.url)
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.0005):
            decide(book, 1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    before = book.counters.recorded
    begun = time.monotonic()
    counts = book.flush(20)
    took = time.monotonic() - begun
    stop.set()
    for thread in threads:
        thread.join()
    assert counts.delivered >= before
    assert took < 15
    book.close()


def test_os_exit_loses_nothing(server: Server) -> None:
    script = """
        import causebook, os, sys
        book = causebook.connect(sys.argv[1])
        for number in range(50):
            book.record(model="m@1", input={"number": number}, decision="yes")
        os._exit(0)
    """
    run(script, server.url)
    with causebook.connect(server.url):
        eventually(lambda: len(server.records()) == 50)


def test_the_end_of_the_program_delivers_what_is_left(server: Server) -> None:
    script = """
        import causebook, sys
        book = causebook.connect(sys.argv[1])
        for number in range(50):
            book.record(model="m@1", input={"number": number}, decision="yes")
    """
    assert run(script, server.url) == ""
    assert len(server.records()) == 50


def test_what_could_not_be_sent_is_said_at_the_end_and_kept(server: Server, tmp_path: Path) -> None:
    server.stop()
    script = """
        import causebook, sys
        book = causebook.connect(sys.argv[1])
        book.record(model="m@1", input=1, decision="yes")
    """
    begun = time.monotonic()
    said = run(script, server.url)
    assert time.monotonic() - begun < 10
    assert "1 record not yet delivered" in said
    assert str(tmp_path / "spool") in said
    server.start()
    with causebook.connect(server.url):
        eventually(lambda: len(server.records()) == 1)


def test_an_interrupt_ends_the_wait_and_loses_nothing(server: Server) -> None:
    server.stop()
    script = """
        import causebook, os, signal, sys, threading
        book = causebook.connect(sys.argv[1])
        book.record(model="m@1", input=1, decision="yes")
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            book.flush(60)
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert "interrupted" in run(script, server.url)
    server.start()
    with causebook.connect(server.url):
        eventually(lambda: len(server.records()) == 1)


def test_a_signal_handler_that_records_while_the_book_closes_holds_up_nothing(server: Server) -> None:
    server.stop()
    script = """
        import causebook, signal, sys
        book = causebook.connect(sys.argv[1])
        book.record(model="m@1", input=1, decision="yes")
        told = []
        signal.signal(signal.SIGALRM, lambda *_: told.append(str(book.record(model="m@1", input=2, decision="yes"))))
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        print(book.close(1).pending, told)
    """
    said = run(script, server.url)
    assert "1 ['']" in said
    assert "the book is closed" in said


def test_a_thread_that_records_while_the_book_closes_is_told_at_once(server: Server) -> None:
    server.stop()
    book = causebook.connect(server.url)
    decide(book, 1)
    closing = threading.Thread(target=book.close, args=(5,))
    closing.start()
    time.sleep(0.5)
    begun = time.monotonic()
    assert not decide(book, 2)
    assert time.monotonic() - begun < 2
    server.start()
    closing.join()
    assert book.counters.delivered == 1


def test_an_interrupted_close_has_closed_and_says_what_is_kept(server: Server) -> None:
    server.stop()
    script = """
        import causebook, os, signal, sys, threading
        book = causebook.connect(sys.argv[1])
        book.record(model="m@1", input=1, decision="yes")
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            book.close(60)
        except KeyboardInterrupt:
            print("interrupted", bool(book.record(model="m@1", input=2, decision="yes")))
    """
    said = run(script, server.url)
    assert "interrupted False" in said
    assert "1 record not yet delivered" in said


@pytest.mark.parametrize("ending", ["os._exit(0)", "sys.exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_fork_has_a_stream_of_its_own_and_loses_nothing_however_it_ends(server: Server, ending: str) -> None:
    script = f"""
        import causebook, os, signal, sys
        book = causebook.connect(sys.argv[1])
        for number in range(10):
            book.record(model="m@1", input={{"parent": number}}, decision="yes")
        child = os.fork()
        if child == 0:
            for number in range(10):
                book.record(model="m@1", input={{"child": number}}, decision="yes")
            {ending}
        os.waitpid(child, 0)
        for number in range(10, 20):
            book.record(model="m@1", input={{"parent": number}}, decision="yes")
    """
    run(script, server.url)
    with causebook.connect(server.url):
        eventually(lambda: len(server.records()) == 30)
    found = sorted((stream["records"], stream["missing"]) for stream in streams(server))
    assert found == [(10, 0), (20, 0)]
    ids = [record["id"] for record in server.records()]
    assert len(set(ids)) == 30


def test_a_child_that_lives_does_not_keep_what_its_killed_parent_left_from_being_delivered(server: Server) -> None:
    server.stop()
    script = """
        import causebook, os, signal, sys, time
        book = causebook.connect(sys.argv[1])
        book.record(model="m@1", input={"parent": 1}, decision="yes")
        if os.fork() == 0:
            os.close(1)
            os.close(2)
            time.sleep(60)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    run(script, server.url, expect=-signal.SIGKILL)
    server.start()
    with causebook.connect(server.url):
        eventually(lambda: len(server.records()) == 1)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_of_every_method_loses_nothing(server: Server, tmp_path: Path, method: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
        import multiprocessing, sys
        import causebook

        book = causebook.connect(sys.argv[1])

        def work(number):
            return str(book.record(model="m@1", input={"number": number}, decision="yes"))

        if __name__ == "__main__":
            context = multiprocessing.get_context(sys.argv[2])
            with context.Pool(3) as pool:
                ids = pool.map(work, range(60), chunksize=5)
            assert len(set(ids)) == 60 and all(ids)
            for number in range(60, 70):
                work(number)
        """)
    )
    done = subprocess.run(
        [sys.executable, str(program), server.url, method], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    with causebook.connect(server.url):
        eventually(lambda: len(server.records()) == 70)
    assert sum(stream["missing"] for stream in streams(server)) == 0


def test_threads_and_tasks_record_beside_one_another(server: Server) -> None:
    with causebook.connect(server.url) as book:
        threads = [
            threading.Thread(target=lambda base=base: [decide(book, base + n) for n in range(200)])
            for base in range(0, 1_600, 200)
        ]
        for thread in threads:
            thread.start()

        async def task(number: int) -> None:
            decide(book, number)
            await asyncio.sleep(0)

        async def tasks() -> causebook.Counts:
            await asyncio.gather(*(task(number) for number in range(1_600, 1_700)))
            return await book.aflush()

        asyncio.run(tasks())
        for thread in threads:
            thread.join()
        assert book.flush().delivered == 1_700
    assert sorted(record["input"]["number"] for record in server.records()) == list(range(1_700))  # type: ignore[index]
    assert [(stream["records"], stream["missing"]) for stream in streams(server)] == [(1_700, 0)]


def test_a_receipt_says_where_the_record_is(server: Server) -> None:
    with causebook.connect(server.url, delivery="receipt") as book:
        first, second = decide(book, 1), decide(book, 2)
        assert first.receipt is not None and second.receipt is not None
        assert isinstance(second.receipt, causebook.Receipt)
        assert (second.receipt.index, second.receipt.id) == (1, second)
        again = book.record(model="m@1", input={"number": 9}, decision="yes", id="mine", time="2026-01-01T00:00:00Z")
        assert again == "mine"


def test_without_an_answer_there_is_no_receipt_and_the_record_is_kept(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    with causebook.connect(server.url, delivery="receipt", receipt_timeout=0.3, exit_timeout=0) as book:
        id = decide(book, 1)
        assert id and id.receipt is None
        assert book.counters.failed == 1
    assert "it is kept and sent later" in caplog.text
    server.start()
    with causebook.connect(server.url):
        eventually(lambda: len(server.records()) == 1)


def test_strict_raises_what_could_not_be_recorded(server: Server) -> None:
    with causebook.connect(server.url, delivery="receipt", strict=True, receipt_timeout=0.3) as book:
        with pytest.raises(causebook.RefusedError, match="score"):
            book._submit("decision", {"model": {"name": "m"}, "input": 1, "score": "high"})
        with pytest.raises(causebook.RecordError, match="score"):
            book.record(model="m", input=1, score="high")
        server.stop()
        with pytest.raises(causebook.UnavailableError, match="kept and sent later"):
            decide(book, 1)


def test_what_the_ledger_refuses_is_counted_said_and_kept(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = causebook.connect(server.url)
    book.record(model="m", input=1, time="yesterday")
    decide(book, 2)
    counts = book.flush()
    assert (counts.delivered, counts.refused, counts.pending) == (1, 1, 0)
    book.close()
    (kept,) = (tmp_path / "spool").rglob("refused.ndjson")
    line = json.loads(kept.read_text())
    assert line["code"] == "invalid-record"
    assert json.loads(line["record"])["time"] == "yesterday"
    assert "refused by the ledger" in caplog.text


def test_what_has_been_erased_is_counted_and_said_and_its_content_kept_nowhere(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with causebook.connect(server.url) as book:
        book.record(model="m", input={"name": "Xyzzy"}, id="d-1")
        assert book.flush().delivered == 1
    post(server.url, "records/d-1/erasure", json.dumps({"reason": "asked for"}).encode())
    with causebook.connect(server.url) as book:
        book.record(model="m", input={"name": "Xyzzy"}, id="d-1")
        book.record(model="m", input=1, time="yesterday")
        counts = book.flush()
        assert (counts.refused, counts.pending) == (2, 0)
    (kept,) = (tmp_path / "spool").rglob("refused.ndjson")
    erased, invalid = [json.loads(line) for line in kept.read_text().splitlines()]
    assert (erased["code"], erased["seq"], erased["record"]) == ("record-erased", 1, None)
    assert '"d-1"' in erased["what"]
    assert invalid["record"]
    assert "without the content of 1 that the ledger has erased" in caplog.text
    files = [file for file in (tmp_path / "spool").rglob("*") if file.is_file()]
    assert files and not [file for file in files if b"Xyzzy" in file.read_bytes()]
    assert "Xyzzy" not in caplog.text


def test_a_full_spool_raises_if_that_was_asked_for_and_the_ledger_sees_the_gap(server: Server) -> None:
    server.stop()
    book = causebook.connect(server.url, on_full="raise", spool_bytes=1 << 20)
    with pytest.raises(causebook.SpoolFull):
        for number in range(10_000):
            book.record(model="m@1", input={"number": number, "text": "x" * 1_000}, decision="yes")
    assert book.counters.lost == 1
    recorded = book.counters.recorded
    server.start()
    assert book.flush(60).delivered == recorded
    decide(book, 1)
    book.close()
    (stream,) = streams(server)
    assert (stream["missing"], stream["records"]) == (1, recorded + 1)


def test_a_full_spool_blocks_until_there_is_room(server: Server) -> None:
    server.stop()
    book = causebook.connect(server.url, on_full="block", spool_bytes=1 << 20, block_timeout=60)
    threading.Timer(1.5, server.start).start()
    for number in range(3_000):
        assert book.record(model="m@1", input={"number": number, "text": "x" * 1_000}, decision="yes")
    counts = book.flush(60)
    assert (counts.delivered, counts.lost) == (3_000, 0)
    book.close()


def test_a_full_spool_that_stays_full_lets_the_caller_go_on_and_says_what_was_lost(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    book = causebook.connect(server.url, on_full="block", spool_bytes=1 << 20, block_timeout=0.2, exit_timeout=0)
    while book.counters.lost == 0:
        id = book.record(model="m@1", input={"text": "x" * 10_000}, decision="yes")
    assert not id
    assert "does not take records fast enough" in caplog.text
    book.close()


def test_a_full_spool_spills(server: Server, tmp_path: Path) -> None:
    server.stop()
    book = causebook.connect(server.url, on_full="spill", spill=tmp_path / "second", spool_bytes=1 << 20)
    for number in range(3_000):
        book.record(model="m@1", input={"number": number, "text": "x" * 1_000}, decision="yes")
    assert book.counters.spilled > 1_000
    server.start()
    assert book.flush(60).delivered == 3_000
    book.close()
    assert [record["input"]["number"] for record in server.records()] == list(range(3_000))  # type: ignore[index]


def test_a_disk_that_takes_no_more_is_said_and_the_program_goes_on(server: Server) -> None:
    script = """
        import causebook, resource, sys
        book = causebook.connect(sys.argv[1])
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        kept = [bool(book.record(model="m@1", input={"number": n, "text": "x" * 100}, decision="yes")) for n in range(200)]
        print(sum(kept), book.counters.lost, book.counters.failed)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    """
    said = run(script, server.url)
    kept, lost, failed = map(int, said.splitlines()[0].split())
    assert kept + lost == 200
    assert 0 < lost == failed
    assert "File too large" in said
    assert len(server.records()) == kept


def test_a_disk_that_has_room_again_takes_records_again(server: Server) -> None:
    script = """
        import causebook, resource, sys
        book = causebook.connect(sys.argv[1])
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        kept = [bool(book.record(model="m@1", input=1, decision="yes"))]
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        kept += [bool(book.record(model="m@1", input=2, decision="yes"))]
        print(kept, book.counters.lost)
    """
    assert "[False, True] 1" in run(script, server.url)
    assert inputs(server) == [2]


def test_memory_keeps_nothing_on_disk_and_says_what_it_loses(server: Server, tmp_path: Path) -> None:
    with causebook.connect(server.url, delivery="memory") as book:
        decide(book, 1)
        assert book.flush().delivered == 1
        assert not (tmp_path / "spool").exists()
    server.stop()
    book = causebook.connect(server.url, delivery="memory", exit_timeout=0.2)
    decide(book, 2)
    counts = book.close()
    assert counts.pending == 1


def test_power_mode_syncs_before_it_returns(server: Server, tmp_path: Path) -> None:
    script = """
        import causebook, sys
        book = causebook.connect(sys.argv[1], sync=sys.argv[2])
        for number in range(20):
            book.record(model="m@1", input={"number": number}, decision="yes")
        book.close()
    """
    program = textwrap.dedent(script)
    calls: dict[str, int] = {}
    for sync in ("process", "power"):
        trace = tmp_path / sync
        command = ["strace", "-f", "-e", "trace=fdatasync,fsync", "-o", str(trace), sys.executable, "-c", program]
        subprocess.run([*command, server.url, sync], check=True, capture_output=True, timeout=120)
        calls[sync] = sum(line.count("sync(") for line in trace.read_text().splitlines())
    assert calls["process"] == 0
    assert calls["power"] >= 20


def test_what_cannot_be_set_is_refused_with_what_to_do(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"delivery": "fast"}, "delivery: 'fast' is none of 'durable', 'receipt', 'memory'"),
        ({"on_full": "spill"}, "go together"),
        ({"delivery": "memory", "sync": "power"}, "keeps nothing on disk"),
        ({"spool_bytes": 10}, "spool_bytes: 10 is less than"),
        ({"block_timeout": -1}, "block_timeout"),
        ({"ledger": ""}, "ledger"),
    ]
    for given, said in cases:
        with pytest.raises(causebook.SettingError, match=said):
            causebook.connect("http://127.0.0.1:1", **given)
    for target in ("ftp://x", "", "http://user:secret@host"):
        with pytest.raises(causebook.SettingError) as refused:
            causebook.connect(target)
        assert "secret" not in str(refused.value)
    with pytest.raises(causebook.SettingError, match="unencrypted"):
        causebook.connect("http://example.com", token="cbk_0")
    (tmp_path / "file").write_text("")
    with pytest.raises(causebook.SpoolError):
        causebook.connect("http://127.0.0.1:1", spool=tmp_path / "file")


def test_a_closed_book_says_so_and_keeps_its_counts(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    book = causebook.connect(server.url)
    decide(book, 1)
    assert book.close().delivered == 1
    assert not decide(book, 2)
    assert "closed" in caplog.text
    assert book.counters.delivered == 1


def test_the_token_is_nowhere_in_the_spool_nor_in_what_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = "cbk_" + "s3cret" * 6
    book = causebook.connect("http://127.0.0.1:1", token=token, exit_timeout=0)
    decide(book, 1)
    time.sleep(0.3)
    book.close()
    for path in (tmp_path / "spool").rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes()
            assert path.stat().st_mode & 0o077 == 0
    assert token not in caplog.text
    assert token not in repr(book) + repr(book._settings)


def test_gunicorn_with_preload_loses_nothing(server: Server, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        textwrap.dedent(f"""
        import causebook
        book = causebook.connect({server.url!r})
        book.record(model="m@1", input="preloaded", decision="yes")

        def app(environ, start_response):
            book.record(model="m@1", input=environ["PATH_INFO"], decision="yes")
            start_response("200 OK", [])
            return [b"ok"]
        """)
    )
    import socket
    import urllib.request

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--preload", "-w", "3", "-b", f"127.0.0.1:{port}", "app:app"]
    process = subprocess.Popen(command, cwd=tmp_path, env={**os.environ}, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/warm", timeout=5).close()
            return True
        except OSError:
            return False

    eventually(answers)
    for number in range(100):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/{number}", timeout=10).close()
    process.kill()
    process.wait()
    with causebook.connect(server.url):
        eventually(lambda: len(server.records()) == 102)
    assert {record["input"] for record in server.records()} == {"preloaded", "/warm", *(f"/{n}" for n in range(100))}


def test_a_disk_that_is_full_when_a_segment_begins_is_used_again_when_it_is_not(server: Server) -> None:
    script = """
        import causebook, resource, sys
        book = causebook.connect(sys.argv[1])
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        assert not book.record(model="m@1", input=1, decision="yes")
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        for number in range(3):
            assert book.record(model="m@1", input=number, decision="yes")
    """
    run(script, server.url)
    assert inputs(server) == [0, 1, 2]


def test_a_signal_handler_that_closes_while_the_end_waits_does_not_hang(server: Server) -> None:
    server.stop()
    script = """
        import causebook, os, signal, sys, threading
        book = causebook.connect(sys.argv[1])
        book.record(model="m@1", input=1, decision="yes")
        def ended(*_):
            book.close()
            book.record(model="m@1", input=2, decision="yes")
            print("handled")
        signal.signal(signal.SIGTERM, ended)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
        book.close(3)
        print("closed")
    """
    said = run(script, server.url)
    assert "handled" in said and "closed" in said


def test_what_a_shared_value_attaches_is_sent_with_the_record_that_is_kept(server: Server) -> None:
    script = """
        import causebook, resource, sys
        book = causebook.connect(sys.argv[1])
        @book.decision(model="m", version="1", parameters={"table": "x" * 300_000})
        def decide(n):
            return n
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
        decide(1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        decide(2)
        decide(3)
        counts = book.flush()
        assert counts.delivered == 2, counts
        for record in book.list("model:m"):
            assert record.parameters == {"table": "x" * 300_000}
            assert len(record.record["attachments"]) == 1
    """
    run(script, server.url)


def test_a_log_handler_that_waits_for_its_own_record_does_not_stop_the_delivery(server: Server) -> None:
    server.stop()
    script = """
        import causebook, causebook.logs, logging, sys, time
        book = causebook.connect(sys.argv[1], delivery="receipt", receipt_timeout=20)
        logging.getLogger().addHandler(causebook.logs.DecisionHandler(book))
        begun = time.monotonic()
        logging.getLogger("app").error("x", extra={"decision": {"model": "m", "input": 1, "decision": "yes"}})
        print(f"{time.monotonic() - begun:.1f}", book.counters.failed)
    """
    timer = threading.Timer(1.5, server.start)
    timer.start()
    seconds, failed = run(script, server.url).split()[:2]
    timer.join()
    assert float(seconds) < 15
    assert failed == "0"


def test_a_server_that_never_answers_does_not_hold_up_the_end() -> None:
    import socket

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(8)
        script = """
            import causebook, sys
            book = causebook.connect(sys.argv[1], exit_timeout=1)
            book.record(model="m@1", input=1, decision="yes")
        """
        begun = time.monotonic()
        said = run(script, f"http://127.0.0.1:{deaf.getsockname()[1]}")
        assert time.monotonic() - begun < 8
        assert "not yet delivered" in said


def test_members_that_no_record_has_are_refused_at_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with causebook.connect(server.url) as book:
        assert not book.record(model="m", input=1, source={"name": "other"})
        assert not book.record(model="m", input=1, nosuchmember=3)
        assert not book.record(model="m", input=1, attachments={"a": 5})  # type: ignore[dict-item]
        assert book.counters.failed == 3
    assert "nosuchmember: a record has no such member" in caplog.text
    assert "a int is no attachment" in caplog.text


def test_rows_that_are_refused_are_kept_with_their_batch(server: Server, tmp_path: Path) -> None:
    with causebook.connect(server.url) as book:
        assert len(book.log_batch({"n": [1, 2, 3]}, model="m", decision=["a", "b", "c"], time="yesterday")) == 3
        assert book.flush().refused == 3
    (kept,) = (tmp_path / "spool").rglob("refused-1.arrow")
    import pyarrow as pa

    assert pa.ipc.open_stream(kept.read_bytes()).read_all().num_rows == 3
