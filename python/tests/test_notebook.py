"""The notebook runs from top to bottom, and what its cells end with can be shown."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from ledgers import needs_embedded

NOTEBOOK = Path(__file__).parents[2] / "examples" / "german-credit.ipynb"
HTML = {"decision", "book.history(decision.id)", "book.why(decision.id)", "verdict", "evidence", "checked"}
"""What shows itself as HTML."""


def run(source: str, names: dict[str, Any], number: int) -> tuple[str, Any]:
    """Runs a cell; gives the expression that it ends with, and the value of that."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    name = f"{NOTEBOOK.name}, cell {number}"
    exec(compile(ast.Module(body, []), name, "exec"), names)
    if not isinstance(last, ast.Expr):
        return "", None
    return ast.unparse(last.value), eval(compile(ast.Expression(last.value), name, "eval"), names)


@needs_embedded
def test_the_notebook_runs_and_shows_what_it_speaks_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("sklearn", "pandas"):
        pytest.importorskip(library, reason=f"the notebook was not run: {library} is not installed")
    monkeypatch.chdir(NOTEBOOK.parent)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    names: dict[str, Any] = {"__name__": "__main__"}
    shown: dict[str, Any] = {}
    cells = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells):
        expression, value = run("".join(cell["source"]), names, number)
        shown[expression] = value
    assert set(shown) >= HTML
    for expression in HTML:
        html = shown[expression]._repr_html_()
        assert "<script" not in html
    assert shown["counts.recorded"] == 205
    assert shown["verdict"].holds
    assert shown["checked"].holds


def test_the_notebook_names_no_machine() -> None:
    text = NOTEBOOK.read_text("utf-8")
    assert len(text) < 100_000
    assert not [word for word in ("/tmp/", "/home/", "/root/", "/Users/") if word in text]
