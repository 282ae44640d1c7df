"""Causebook: the Python package, and the server's real binary unless a sink that only accepts takes its place."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sink import Kept
from workload import call_in

from .base import Arrived, Decide, HttpSink, NotRun, Process, Record, System, answers


class Causebook(System):
    packages = ("causebook",)
    keeps = True

    def __init__(
        self, name: str, title: str, delivery: str = "durable", sync: str = "process", server: bool = True
    ) -> None:
        self.name = name
        self.title = title
        self.settings = {"delivery": delivery, "sync": sync}
        self.server = server

    def sink(self, folder: Path, port: int, python: str) -> Server | HttpSink:
        return Server(folder, port) if self.server else HttpSink(folder, port, records)

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return {"BENCH_URL": f"http://127.0.0.1:{port}"}

    def open(self) -> Book:
        return Book(self.settings)


class Book:
    def __init__(self, settings: dict[str, str]) -> None:
        import causebook

        self.book = causebook.connect(os.environ["BENCH_URL"], source="bench", **settings)

    def decorate(self, function: Decide) -> Decide:
        decorated: Decide = self.book.decision(model="credit-risk", version="v1.2")(function)
        return decorated

    def record(self, given: dict[str, Any], answer: dict[str, Any]) -> None:
        self.book.record(model="credit-risk@v1.2", input=given, output=answer)

    def flush(self) -> None:
        self.book.flush(timeout=60)


class Server:
    """`causebook serve` with a ledger of its own. Nobody is known to it, so it answers this machine without a token."""

    def __init__(self, folder: Path, port: int) -> None:
        self.home = folder / "home"
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.process: Process | None = None
        if not (binary := os.environ.get("BENCH_CAUSEBOOK")):
            raise NotRun("there is no binary of the server; build it or name it with --server")
        self.command = [binary, "--home", str(self.home)]

    def start(self) -> None:
        if not self.home.exists():
            made = subprocess.run([*self.command, "init"], capture_output=True, text=True, check=False)
            if made.returncode:
                raise NotRun(f"its ledger was not made: {made.stderr.strip()}")
        serve = ["serve", "--listen", f"127.0.0.1:{self.port}", "--limits-requests-per-s", "0"]
        self.process = Process([*self.command, *serve], self.home.parent)
        self.process.wait_for(lambda: answers(f"{self.url}/readyz"))

    def stop(self) -> None:
        if self.process:
            self.process.end()
            self.process = None

    def arrived(self) -> Arrived:
        """All decisions of the ledger, asked of the server."""
        arrived = Arrived()
        request = urllib.request.Request(
            f"{self.url}/v1/ledgers/main/records", headers={"accept": "application/x-ndjson"}
        )
        with urllib.request.urlopen(request, timeout=60) as lines:
            for line in lines:
                if record := record_in(line):
                    arrived.add(record)
        return arrived


def records(kept: Kept) -> Iterator[Record]:
    if not kept.path.split("?")[0].endswith("/records"):
        return
    for line in kept.body.splitlines():
        if record := record_in(line):
            yield record


def record_in(line: bytes) -> Record | None:
    if not (call := call_in(line)):
        return None
    told = json.loads(line)
    attached = sum(attachment["size"] for attachment in told.get("attachments", []))
    return Record(call, told["id"], len(line) + attached)
