"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Server, binary


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with an empty ledger."""
    started = Server(binary(), tmp_path / "home")
    started.start()
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def spool_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves anything in the spool of whoever runs it."""
    monkeypatch.setenv("CAUSEBOOK_SPOOL", str(tmp_path / "spool"))
