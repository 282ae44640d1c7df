"""What the pages in `docs/python` and the README say is run, against a real server: every block of Python, in order."""

from __future__ import annotations

import doctest
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving import Server

import causebook
from causebook._load import native

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "python").glob("*.md"))]
ADDRESS = "http://127.0.0.1:7373"
"""The server of the pages. A test has its own."""
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def books(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[causebook.Book]:
    """Books that a page opens. They are strict, so that nothing goes wrong unseen."""
    opened: list[causebook.Book] = []
    connect: Callable[..., causebook.Book] = causebook.connect

    def connected(target: str, **settings: Any) -> causebook.Book:
        opened.append(connect(server.url if target == ADDRESS else target, **{"strict": True, **settings}))
        return opened[-1]

    monkeypatch.setattr(causebook, "connect", connected)
    return opened


def a_decision() -> None:
    """The decision that the page about reading speaks of."""
    book = causebook.connect(ADDRESS)
    book.record(
        id="D-1",
        model="credit@v1.2",
        input={"age": 30},
        output={"p": 0.25},
        decision="deny",
        score=0.25,
        parameters={"threshold": 0.3},
        attachments={"form.txt": b"thirty"},
    )
    book.flush()


def session(block: str, names: dict[str, Any], page: Path, line: int) -> None:
    """Runs a block that shows what is typed and what is answered."""
    runner = doctest.DocTestRunner()
    test = doctest.DocTestParser().get_doctest(block, names, page.name, str(page), line)
    assert runner.run(test, clear_globs=False).failed == 0
    names.update(test.globs)


BEFORE = {"docs/python/reading.md": a_decision}
"""What is in the ledger before a page begins."""
ELSEWHERE = ("docs/python/capture.md",)
"""Pages that a test of their own runs: `test_capture_page`."""
IN_PROCESS = ("README.md", "docs/python/embedded.md", "docs/python/tutorial.md")
"""Pages that need the ledger in the process."""


def name_of(page: Path) -> str:
    """The path of a page, as people call it."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if name_of(page) not in ELSEWHERE], ids=name_of)
def test_what_a_page_says_runs_and_is_recorded(
    page: Path, books: list[causebook.Book], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = name_of(page)
    if name in IN_PROCESS and not native.EMBEDDED:
        pytest.skip(f"{name} was not run: causebook-embedded is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if name in BEFORE:
        BEFORE[name]()
    text = page.read_text("utf-8")
    blocks = list(BLOCK.finditer(text))
    assert blocks, "a page about Python has Python on it"
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        # Lines as they are on the page, so that a traceback names them.
        line = text.count("\n", 0, block.start(1))
        if block[1].startswith(">>>"):
            session(block[1], names, page, line)
        else:
            exec(compile("\n" * line + block[1], str(page), "exec"), names)
    counts = [book.close(30) for book in books]
    assert [(count.failed, count.refused, count.lost, count.pending) for count in counts] == [(0, 0, 0, 0)] * len(
        counts
    )
    assert not books or any(count.delivered for count in counts)


LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_points_to_is_there(page: Path) -> None:
    for file, heading in LINK.findall(page.read_text("utf-8")):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{file} is not there"
        assert not heading or heading in anchors(target), f"{target.name} has no heading #{heading}"


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
