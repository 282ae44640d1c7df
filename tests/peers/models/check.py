#!/usr/bin/env python3
"""Trains a grid of models with the libraries themselves and compares what the product predicts of them.

    python check.py PREDICT [FOLDER]

PREDICT is the program of `crates/model/examples/predict.rs`; the models are left in FOLDER, if one is named. Each model is
predicted to the last bit, or within a tolerance that its case gives a reason for, or refused where that is expected; anything
else ends the check with an error. A module of the list makes the models of a library: `cases()` yields them.
"""

import importlib
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import warnings
from collections import Counter

from case import Case

#: Modules, and the least number of models that each must make, so that none falls out unnoticed.
LIBRARIES = {"xgboost_models": 45, "lightgbm_models": 40, "onnx_models": 80}


def main() -> int:
    warnings.simplefilter("ignore")
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else made)
        folder.mkdir(parents=True, exist_ok=True)
        return check(program, folder)


def check(program: pathlib.Path, folder: pathlib.Path) -> int:
    print(f"{'library':<9} {'model':<36} {'files':<9} {'rows':>5} {'largest difference':>19}  verdict")
    counts: Counter[str] = Counter()
    rows = wrong = 0
    for module, least in LIBRARIES.items():
        made = 0
        for case in importlib.import_module(module).cases():
            made += 1
            difference, verdict = compare(program, folder, case)
            print(f"{case.library:<9} {case.name:<36} {'+'.join(case.files):<9} {len(case.rows):>5} {difference:>19}  {verdict}", flush=True)
            counts[verdict.split(":")[0]] += 1
            rows += len(case.rows) * len(case.files)
            wrong += verdict.startswith("WRONG")
        if made < least:
            print(f"{module}: {made} models, there must be {least}")
            wrong += 1
    summary = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    print(f"\n{sum(counts.values())} models, {rows} rows of files: {summary}")
    return 1 if wrong else 0


def compare(program: pathlib.Path, folder: pathlib.Path, case: Case) -> tuple[str, str]:
    """The largest difference of all files of a model, and the verdict."""
    largest = 0.0
    refusals = []
    for kind, content in case.files.items():
        path = folder / (re.sub(r"\W+", "-", f"{case.library} {case.name}") + "." + kind)
        path.write_bytes(content)
        lines = "\n".join(json.dumps(row) for row in case.rows) + "\n"
        ran = subprocess.run([program, path], input=lines, capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            return "", f"WRONG: the program failed: {ran.stderr.strip()}"
        about, *answers = [json.loads(line) for line in ran.stdout.splitlines()]
        if "refused" in about:
            refusals.append(about["refused"])
            continue
        if case.refused:
            return "", f"WRONG: computed, though it was to be refused ({case.refused})"
        fault, difference = differences(case, answers)
        largest = max(largest, difference)
        if fault:
            return f"{largest:.3g}", f"WRONG: {kind}: {fault}"
    if refusals:
        expected = case.refused and all(case.refused in refusal for refusal in refusals) and len(refusals) == len(case.files)
        return "", f"refused: {refusals[0]}" if expected else f"WRONG: refused: {refusals[0]}"
    if largest == 0.0:
        return "0", "equal to the last bit"
    return f"{largest:.3g}", f"within {case.tolerance:g}: {case.reason}"


def differences(case: Case, answers: list[dict]) -> tuple[str, float]:
    """What is wrong, if something is, and the largest difference."""
    largest = 0.0
    if len(answers) != len(case.rows):
        return f"{len(answers)} answers to {len(case.rows)} rows", 0.0
    for at, answer in enumerate(answers):
        if "error" in answer:
            return f"row {at}: {answer['error']}", 0.0
        if answer["single"] != case.single:
            return f"row {at}: singles are taken for doubles, or doubles for singles", 0.0
        for name, expected in (("values", case.values), ("margins", case.margins)):
            if expected is None:
                continue
            given = [float(number) for number in answer[name]]
            if len(given) != len(expected[at]):
                return f"row {at}: {len(given)} {name}, the library gives {len(expected[at])}", 0.0
            for ours, theirs in zip(given, expected[at], strict=True):
                if struct.pack("d", ours) == struct.pack("d", theirs) or ours == theirs == 0.0:
                    continue
                difference = abs(ours - theirs)
                largest = max(largest, difference)
                # A difference that is no number is never small enough.
                if not difference <= case.tolerance:
                    return f"row {at}: {name}: {ours!r}, the library gives {theirs!r}", largest
        if case.labels and answer["label"] != case.labels[at]:
            return f"row {at}: the class {answer['label']!r}, the library names {case.labels[at]!r}", largest
    return "", largest


if __name__ == "__main__":
    sys.exit(main())
