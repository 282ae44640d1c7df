"""Compares attributions with what others say of the same models.

Three others, for every model that has them: the shap library against the same background (interventional, raw output); Shapley's
formula over all coalitions of columns, worked out here from the library's own predictions; and, for path-dependent values, what the
model's own library reports (`pred_contribs`, `pred_contrib`). Prints the largest difference for each, and ends with 1
if one is above its tolerance or a model that should be answered for is not.

    python compare.py --program target/release/examples/attribute [--only NAME]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import cases
import credit
from cases import Array, Case

# Differences, relative to 1 and the size of the margin. Libraries that add in singles differ by roundings of singles (6e-8 each),
# of which a mean over coalitions sees some, and a sum of many trees more.
SINGLE = 2e-6
DOUBLE = 1e-10
# shap keeps singles on the way, whatever the model has.
SHAP = 2e-6


@dataclass
class Line:
    """What one model came to."""

    name: str
    by_shap: str = "-"
    by_formula: str = "-"
    by_library: str = "-"
    failed: bool = False
    note: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="the example `attribute` of causebook-model")
    parser.add_argument("--only", default="", help="models whose name contains this")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as folder:
        made = cases.all_cases(Path(folder))
        made += credit.cases()
        lines = [
            compare(case, options.program, Path(folder)) for case in made if options.only in case.name
        ]
    names = ["shap", "xgboost", "lightgbm", "scikit-learn", "skl2onnx", "onnxmltools", "onnxruntime"]
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names), end="\n\n")
    print(table(lines))
    failed = [line.name for line in lines if line.failed]
    if failed:
        print(f"\nFAILED: {', '.join(failed)}")
    return 1 if failed or not lines else 0


def compare(case: Case, program: Path, folder: Path) -> Line:
    line = Line(case.name)
    ours = run(case, program, folder)
    if isinstance(ours, str):
        line.note = ours
        line.failed = not case.may_be_refused
        return line
    tolerance = case.tolerance or (SINGLE if case.single else DOUBLE)
    margins = case.margins(case.rows)
    scale = 1 + np.abs(margins).max()

    def told(other: Any, mine: tuple[Array, Array]) -> str:
        (values, base), (our_values, our_base) = other, mine
        difference = max(np.abs(values - our_values).max(), np.abs(base - our_base).max())
        good = difference <= tolerance * scale
        line.failed |= not good
        return f"{difference:.1e}{'' if good else ' !'}"

    if case.estimated:
        line.by_formula = estimated(case, ours)
        line.failed |= line.by_formula.endswith("!")
        return line
    if case.by_formula:
        line.by_formula = told(formula(case), ours)
    line.by_shap = outside(case.shap, line, "shap", lambda other: beside(other, ours, scale, line, case))
    covers = run(case, program, folder, "--covers")
    if isinstance(covers, str):
        line.by_library = "none"
        line.failed |= callable(case.contributions)
        line.note += f" {covers}" if callable(case.contributions) else ""
    else:
        line.by_library = outside(case.contributions, line, "library", lambda other: told(other, covers))
    return line


def beside(other: tuple[Array, Array], mine: tuple[Array, Array], scale: float, line: Line, case: Case) -> str:
    """What shap says of the same question. Where Shapley's formula, worked out from the library's own predictions, has been met
    already, a difference is shap's, and is shown; where it was not worked out, shap decides."""
    (values, base), (our_values, our_base) = other, mine
    difference = max(np.abs(values - our_values).max(), np.abs(base - our_base).max())
    if difference <= SHAP * scale:
        return f"{difference:.1e}"
    line.failed |= not case.by_formula
    line.note += " shap differs from the formula;" if case.by_formula else ""
    return f"{difference:.1e} !"


def outside(other: Any, line: Line, who: str, told: Any) -> str:
    """What somebody else's program says, who may not say anything about this model."""
    if isinstance(other, str):
        line.note += f" {who}: {other};"
        return "-"
    try:
        found = other()
    except Exception as error:  # noqa: BLE001  Whatever it is, it is theirs, and is shown.
        line.note += f" {who}: {str(error).splitlines()[0][:90]};"
        return "-"
    return told(found)


def run(case: Case, program: Path, folder: Path, *options: str) -> tuple[Array, Array] | str:
    """Values and bases by rows and outputs, or why there are none."""
    background = folder / "background.jsonl"
    background.write_text(lines_of(case.background))
    arguments = [str(program), str(case.path), str(background), *options]
    if case.players:
        arguments += ["--players", ",".join(map(str, case.players))]
    ended = subprocess.run(arguments, input=lines_of(case.rows), capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        return f"refused: {ended.stderr.strip()}"
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    refused = [answer["refused"] for answer in sum(answers, []) if "refused" in answer]
    if refused:
        return f"refused: {refused[0]}"
    case.errors = np.array([[answer["errors"] for answer in row] for row in answers], dtype=object)
    values = np.array([[answer["values"] for answer in row] for row in answers])
    return values, np.array([[answer["base"] for answer in row] for row in answers])


def lines_of(rows: Array) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, str):
            return value
        return None if math.isnan(value) else float(value)

    return "".join(json.dumps([plain(value) for value in row]) + "\n" for row in rows)


def formula(case: Case) -> tuple[Array, Array]:
    """Shapley values by their definition, from the library's own predictions of every mixture of rows."""
    owners = np.array(case.players or range(case.rows.shape[1]))
    players = int(owners.max()) + 1
    coalitions = (np.arange(1 << players)[:, None] >> np.arange(players)) & 1 == 1
    sizes = coalitions.sum(1)
    of_size = [
        math.factorial(size) * math.factorial(players - size - 1) / math.factorial(players)
        for size in range(players)
    ]
    values, bases = [], []
    for row in case.rows:
        mixed = np.where(coalitions[:, owners][:, None, :], row, case.background)
        worths = case.margins(mixed.reshape(-1, len(row)))
        worths = worths.reshape(len(coalitions), len(case.background), -1).mean(1)
        by_player = []
        for player in range(players):
            without = np.flatnonzero(~coalitions[:, player])
            weights = np.array(of_size)[sizes[without]]
            by_player.append(weights @ (worths[without | 1 << player] - worths[without]))
        values.append(np.array(by_player).T)
        bases.append(worths[0])
    return np.array(values), np.array(bases)


def estimated(case: Case, ours: tuple[Array, Array]) -> str:
    """Estimates are held against their own errors: five of them is what one in a million would be beyond."""
    away = np.abs(formula(case)[0] - ours[0])
    errors = case.errors.tolist()
    most = (away / (np.array(errors) + 1e-9)).max()
    return f"{away.max():.1e}, {most:.1f} errors{'' if most <= 5 else ' !'}"


def table(lines: list[Line]) -> str:
    rows = [["model", "shap", "formula", "library's own", ""]]
    rows += [[line.name, line.by_shap, line.by_formula, line.by_library, line.note.strip(" ;")] for line in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    told = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[4]]) for row in rows]
    return "\n".join(line.rstrip() for line in told)


if __name__ == "__main__":
    sys.exit(main())
