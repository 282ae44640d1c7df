#!/usr/bin/env python3
"""Makes what the tests of this folder are held against.

    python crates/model/tests/data/make.py

It needs what tests/peers/models/requirements.txt names. Files that are there already are written again, and the same.
"""

import csv
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "tests" / "peers" / "models"))

import lightgbm as lgb  # noqa: E402
import lightgbm_models  # noqa: E402
import numpy as np  # noqa: E402
import xgboost_models  # noqa: E402
from case import Case  # noqa: E402
from data import table  # noqa: E402

SUFFIXES = {"json": ".json", "ubj": ".ubj", "text": ".txt"}
#: Every so many rows of a case are kept.
STEP = 5


def main() -> None:
    german_credit()
    for case in small():
        keep(case)


def german_credit() -> None:
    """What LightGBM says of the 200 rows, in as many digits as a double has."""
    folder = HERE / "german-credit"
    with (folder / "test_features.csv").open() as file:
        rows = np.array([[float(value) for value in row] for row in list(csv.reader(file))[1:]])
    booster = lgb.Booster(model_file=folder / "lightgbm.txt", params={"num_threads": 1})
    margins, values = booster.predict(rows, raw_score=True), booster.predict(rows)
    lines = [f"{float(margin)!r},{float(value)!r}" for margin, value in zip(margins, values, strict=True)]
    (folder / "lightgbm_predictions.csv").write_text("\n".join(["margin,probability_bad", *lines]) + "\n")


def small() -> list[Case]:
    x, y = table(21, missing=0.1, categories=True)
    full, answer = table(22)
    scaled = full / np.abs(full).max(axis=0)
    binary = (y > np.median(y)).astype(int)
    classes = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    loose = {"min_data_per_group": 5, "cat_smooth": 1.0, "num_leaves": 5}
    multiclass = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "max_cat_to_onehot": 5}
    dart = {"booster": "dart", "rate_drop": 0.5, "objective": "count:poisson", "max_depth": 2}
    linear = {"booster": "gblinear", "updater": "coord_descent", "objective": "reg:squarederror"}
    pruned = {"tree_method": "exact", "gamma": 3.0, "max_depth": 4, "objective": "binary:logistic"}
    rf = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "objective": "binary"}
    stump = {"objective": "binary:logistic", "max_depth": 1, "max_cat_to_onehot": 1}
    return [
        xgboost_models.trained("xgboost-stump", stump, x[:, 1:2], binary, rounds=1, kinds=["c"]),
        lightgbm_models.trained("lightgbm-stump", {**loose, "num_leaves": 2, "objective": "binary"}, x[:, 1:2], binary, rounds=1, kinds=[0]),
        xgboost_models.trained("xgboost-categories", multiclass, x, classes, rounds=2, categories=True),
        xgboost_models.trained("xgboost-dart", dart, full, np.floor(np.exp(answer / 4)), rounds=5),
        xgboost_models.trained("xgboost-linear", linear, scaled, answer, rounds=3),
        xgboost_models.trained("xgboost-pruned", pruned, full, (answer > np.median(answer)).astype(int), rounds=3),
        lightgbm_models.trained("lightgbm-categories", {**loose, "objective": "multiclass", "num_class": 3}, x, classes, rounds=2, categories=True),
        lightgbm_models.trained("lightgbm-zero-as-missing", {**loose, "objective": "regression", "zero_as_missing": True}, x, y, rounds=3),
        lightgbm_models.trained("lightgbm-rf", {**loose, **rf}, x, binary, rounds=4),
    ]


def keep(case: Case) -> None:
    folder = HERE / "small"
    folder.mkdir(exist_ok=True)
    for kind, content in case.files.items():
        if kind == "text":
            # The parameters that it was trained with do not bear on what it computes.
            head, _, rest = content.partition(b"\nparameters:")
            content = head + b"\n" + rest.partition(b"end of parameters\n")[2]
        (folder / (case.name + SUFFIXES[kind])).write_bytes(content)
    said = {"rows": case.rows[::STEP], "margins": case.margins[::STEP], "values": case.values[::STEP]}
    lines = [f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]" for name, rows in said.items()]
    (folder / (case.name + ".said.json")).write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
