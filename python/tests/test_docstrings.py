"""What docstrings of the package show is run: each `>>>`, with a server at `server` and a `book` connected to it."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from conftest import Server

import causebook

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> Iterator[ModuleType]:
    """The package and every module in it that can be imported here."""
    yield causebook
    for found in pkgutil.walk_packages(causebook.__path__, "causebook."):
        if found.name.endswith("._native"):
            continue
        try:
            yield importlib.import_module(found.name)
        except ModuleNotFoundError as missing:
            if (missing.name or "causebook").startswith("causebook"):
                raise
            # What it is made for is not installed.


EXAMPLES = [
    example
    for module in modules()
    for example in doctest.DocTestFinder(exclude_empty=True).find(module)
    if example.examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_what_a_docstring_shows_is_so(
    example: doctest.DocTest, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    told: list[str] = []
    with causebook.connect(server.url, source="examples", strict=True) as book:
        example.globs.update(causebook=causebook, server=server.url, book=book)
        result = doctest.DocTestRunner(optionflags=OPTIONS).run(example, out=told.append)
    assert result.failed == 0, "".join(told)
    assert result.attempted > 0


def test_every_public_name_says_what_it_is() -> None:
    silent = [
        name
        for name, value in vars(causebook).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and not inspect.getdoc(value)
    ]
    assert silent == []


@pytest.mark.parametrize("cls", [causebook.Book, causebook.Decision, causebook.Verification, causebook.Evidence])
def test_every_public_method_says_what_it_is(cls: type) -> None:
    silent = [
        name
        for name, value in inspect.getmembers(cls)
        if not name.startswith("_") and callable(value) and not inspect.getdoc(value)
    ]
    assert silent == []
