"""What the drivers ask of a system, and what several systems need for it.

A system has two sides. The driver's runs on any Python 3.11 with nothing installed: start the sink that the system
sends to, say by which environment variables a program finds it, and count what the sink has. The program's, `open`,
runs in a process of its own and is the only place that imports the system.
"""

from __future__ import annotations

import abc
import collections
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sink import Kept, read

HERE = Path(__file__).resolve().parent.parent
START_SECONDS_MAX = 90.0


Decide = Callable[..., dict[str, Any]]


class NotRun(Exception):
    """Why a system cannot be measured here."""


class Record(NamedTuple):
    """A record of a call, as a sink has it. `size`: bytes before compression, with attachments."""

    call: str
    id: str
    size: int


@dataclass
class Arrived:
    """What a sink has: for each call the ids under which a record of it is there, and their bytes."""

    calls: dict[str, set[str]] = field(default_factory=lambda: collections.defaultdict(set))
    sizes: dict[str, int] = field(default_factory=dict)
    messages: int = 0

    def add(self, record: Record) -> None:
        self.calls[record.call].add(record.id)
        self.sizes[record.call] = record.size
        self.messages += 1

    @property
    def repeats(self) -> int:
        """Messages beyond the first of a record: what a store that knows ids folds into one."""
        return self.messages - sum(len(records) for records in self.calls.values())


class Recorder(Protocol):
    """A system inside the program that is measured, set as its documentation says."""

    def decorate(self, function: Decide) -> Decide: ...

    def record(self, given: dict[str, Any], answer: dict[str, Any]) -> None: ...

    def flush(self) -> None: ...


class Sink(Protocol):
    """Where a system sends to. May be stopped and started again, and then has what it had."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def arrived(self) -> Arrived: ...


class System(abc.ABC):
    """One that is compared, in one of its settings."""

    name: str
    title: str
    packages: tuple[str, ...] = ()
    over_network = True
    calls_max = 1 << 30
    """Calls of a part of `overhead.py` that it is asked for at most."""
    keeps = False
    """Whether a program leaves on the machine what it could not send, for the next one."""

    @abc.abstractmethod
    def sink(self, folder: Path, port: int, python: str) -> Sink:
        """Prepares a sink, not started, whose files are in `folder`. Raises `NotRun`."""

    @abc.abstractmethod
    def environment(self, folder: Path, port: int) -> dict[str, str]:
        """By what a program finds the sink."""

    @abc.abstractmethod
    def open(self) -> Recorder: ...


class HttpSink:
    """`sink.py` in a process of its own; `records` tells the records of what it keeps."""

    def __init__(self, folder: Path, port: int, records: Callable[[Kept], Iterable[Record]]) -> None:
        self.file = folder / "kept"
        self.port = port
        self.records = records
        self.process: Process | None = None

    def start(self) -> None:
        self.process = Process(
            [sys.executable, str(HERE / "sink.py"), str(self.port), str(self.file)], self.file.parent
        )
        self.process.wait_for(lambda: listens(self.port))

    def stop(self) -> None:
        if self.process:
            self.process.end()
            self.process = None

    def arrived(self) -> Arrived:
        arrived = Arrived()
        for kept in read(self.file):
            for record in self.records(kept):
                arrived.add(record)
        return arrived


class Process:
    """A program beside the measured one. What it says is in a file, and shown if it does not start."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
        self.log = folder / f"{Path(command[0]).name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait_for(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + START_SECONDS_MAX
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.end()
                said = self.log.read_text(errors="replace").strip().splitlines()
                raise NotRun(f"its sink did not start: {said[-1] if said else 'it said nothing'}")
            time.sleep(0.02)

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # What it started and left.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
