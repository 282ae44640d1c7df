"""A line of JSON a call, by the standard library's `logging`: what people write who have no system.

There is no sink but the file. Its handler flushes each line, so lines survive the process; with `sync` each is on
stable storage too.
"""

from __future__ import annotations

import datetime
import functools
import inspect
import json
import logging
import os
from pathlib import Path
from typing import Any

from workload import call_in

from .base import Arrived, Decide, Record, System


class TextFile(System):
    over_network = False

    def __init__(self, name: str, title: str, sync: bool) -> None:
        self.name = name
        self.title = title
        self.sync = sync

    def sink(self, folder: Path, port: int, python: str) -> File:
        return File(folder / "decisions.log")

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return {"BENCH_FILE": str(folder / "decisions.log")}

    def open(self) -> Lines:
        handler = (Synced if self.sync else logging.FileHandler)(os.environ["BENCH_FILE"])
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger = logging.getLogger("decisions")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(handler)
        return Lines(logger)


class Synced(logging.FileHandler):
    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if self.stream:
            os.fsync(self.stream.fileno())


class Lines:
    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger

    def decorate(self, function: Decide) -> Decide:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def logged(*arguments: Any, **named: Any) -> Any:
            answer = function(*arguments, **named)
            self.record(signature.bind(*arguments, **named).arguments, answer)
            return answer

        return logged

    def record(self, given: dict[str, Any], answer: dict[str, Any]) -> None:
        now = datetime.datetime.now(datetime.UTC).isoformat()
        line = {"time": now, "model": "credit-risk@v1.2", "input": given, "output": answer}
        self.logger.info(json.dumps(line, default=lambda frame: frame.to_dict("list")))

    def flush(self) -> None:
        pass


class File:
    def __init__(self, file: Path) -> None:
        self.file = file

    def start(self) -> None:
        pass

    stop = start

    def arrived(self) -> Arrived:
        arrived = Arrived()
        lines = self.file.read_bytes().splitlines() if self.file.exists() else []
        for number, line in enumerate(lines):
            if (call := call_in(line)) and line.endswith(b"}"):
                arrived.add(Record(call, str(number), len(line)))
        return arrived
