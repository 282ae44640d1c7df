"""A real server for the tests: the binary `causebook`, named by `CAUSEBOOK_BINARY`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path


class Server:
    """A server that can be stopped and started again at the same address."""

    def __init__(self, binary: str, home: Path) -> None:
        self.binary = binary
        self.home = home
        subprocess.run([binary, "init", "--home", str(home)], check=True, capture_output=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        log = (self.home / "server.log").open("ab")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--home", str(self.home), "--listen", f"127.0.0.1:{self.port}"],
            stdout=log,
            stderr=log,
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError((self.home / "server.log").read_text())

    def stop(self) -> None:
        """Stops it as an operator would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None

    def records(self, query: str = "") -> list[dict[str, object]]:
        """Every record that it has, the oldest first."""
        request = urllib.request.Request(
            f"{self.url}/v1/ledgers/main/records?order=oldest{query}", headers={"accept": "application/x-ndjson"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return [json.loads(line) for line in answer]

    def get(self, path: str) -> dict[str, object]:
        """An answer of the API."""
        with urllib.request.urlopen(f"{self.url}/v1/ledgers/main/{path}", timeout=60) as answer:
            return json.load(answer)


def binary() -> str:
    """The binary that is tested."""
    found = os.environ.get("CAUSEBOOK_BINARY") or shutil.which("causebook")
    if not found:
        raise RuntimeError("set CAUSEBOOK_BINARY to the binary `causebook` that the tests may start")
    return found
