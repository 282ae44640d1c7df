"""Ledgers to test with: a server of the binary, and folders."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from causebook._load import native

EMBEDDED: bool = native.EMBEDDED
needs_embedded = pytest.mark.skipif(not EMBEDDED, reason="the package causebook-embedded is not installed")


def binary() -> str:
    """The command `causebook`: named by CAUSEBOOK_BIN, on the path, or as built here."""
    built = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).parents[2] / "target")) / "release" / "causebook"
    found = os.environ.get("CAUSEBOOK_BIN") or shutil.which("causebook") or (str(built) if built.exists() else None)
    if found is None:
        pytest.fail("these tests need the command `causebook`: build it, or name it in CAUSEBOOK_BIN")
    return found


@contextmanager
def serving(home: Path, *options: str) -> Iterator[str]:
    """A server of this home, which is made if it is not there; gives its address."""
    if not (home / "ledgers" / "main").exists():
        subprocess.run([binary(), "--home", str(home), "init"], check=True, capture_output=True)
    with subprocess.Popen(
        [binary(), "--home", str(home), "serve", "--listen", "127.0.0.1:0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                found = re.search(r"listening at (http://\S+)", line)
                if found:
                    yield found[1]
                    break
            else:
                pytest.fail("the server did not start")
        finally:
            process.terminate()
            process.wait(20)


def post(url: str, path: str, body: bytes, media_type: str = "application/json") -> Any:
    """Sends something to the ledger `main` of a server."""
    request = urllib.request.Request(f"{url}/v1/ledgers/main/{path}", body, {"content-type": media_type})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def record(url: str, **members: object) -> dict[str, Any]:
    """Records something on a server, and waits until evidence of it can be had."""
    post(url, "records?wait=proof", json.dumps(members).encode())
    return members
