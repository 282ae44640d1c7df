"""What every test may ask for."""

from __future__ import annotations

import os
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


ABSENT_BY_CHOICE = ("torch",)
"""Not in the requirements: gigabytes, of which the tests need one class."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Names what was not run."""
    skipped = terminalreporter.stats.get("skipped", [])
    for report in skipped:
        terminalreporter.write_line(f"not run: {report.nodeid}: {report.longrepr[2]}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With `CAUSEBOOK_ALL_TESTS`, a test that is skipped is a test that failed: nobody reads what was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CAUSEBOOK_ALL_TESTS"):
        return
    reasons = [str(report.longrepr[2]) for report in reporter.stats.get("skipped", [])]
    if any(not reason.endswith(ABSENT_BY_CHOICE) for reason in reasons):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
