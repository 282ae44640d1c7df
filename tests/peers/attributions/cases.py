"""The models that attributions are compared on: small ones, so that Shapley's formula can be computed over all coalitions from the
library's own predictions, with everything that changes how trees are walked: missing values, categories, several outputs,
scaled trees, vectors in leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import shap
import xgboost

COLUMNS = 7
ROWS = 12
BACKGROUND = 40
CATEGORIES = 6
Array = np.ndarray
# Answers for every row, output and player, and the base of every output.
Values = tuple[Array, Array]


@dataclass
class Case:
    """A model as its library has it, and as it is on disk."""

    name: str
    path: Path
    rows: Array
    background: Array
    # Rows to raw predictions, one column per output: what attributions add up to.
    margins: Callable[[Array], Array]
    # What the shap library says, against the same background; or why it says nothing.
    shap: Callable[[], Values] | str
    # What the model's own library reports by covers; or why it does not.
    contributions: Callable[[], Values] | str
    # The player of every column, where columns are grouped.
    players: list[int] | None = None
    # Singles: what the library rounds to on the way.
    single: bool = True
    # Of what the margins are, if another than that of singles or doubles.
    tolerance: float | None = None
    estimated: bool = False
    # The product refuses it by name.
    may_be_refused: bool = False
    # Standard errors of estimates, once asked for.
    errors: Any = None
    # Shapley's formula takes 2 to the power of the players: not for many.
    by_formula: bool = True
    notes: list[str] = field(default_factory=list)


def data(seed: int, missing: bool = False, categories: int = 0) -> tuple[Array, Array, Array]:
    """Columns, a score of them that is anything but additive, and noise."""
    random = np.random.default_rng(seed)
    columns = random.normal(size=(1500, COLUMNS)).round(2)
    for column in range(categories):
        columns[:, column] = random.integers(0, CATEGORIES, size=len(columns))
    score = columns[:, 0] * columns[:, 1] + np.sin(2 * columns[:, 2]) + (columns[:, 3] > 0.3) * columns[:, 4]
    score += np.where(columns[:, 0] % 2 == 1, columns[:, 5], -columns[:, 6])
    if missing:
        columns[random.random(columns.shape) < 0.15] = np.nan
    return columns, score, random.normal(size=len(columns))


def target(kind: str, score: Array, noise: Array) -> Array:
    if kind == "binary":
        return (score + noise > 0).astype(int)
    if kind == "classes":
        return np.digitize(score + noise, [-1, 1])
    if kind == "counts":
        return np.random.default_rng(1).poisson(np.exp(score.clip(-3, 2) / 2))
    return score + noise


def matrix(found: Array, outputs: int) -> Array:
    """Rows, outputs, players, of what libraries give in whatever order: one output is not told."""
    return found[:, None, :] if outputs == 1 else found


def xgboost_cases(folder: Path) -> list[Case]:
    trees = {"max_depth": 4, "eta": 0.3, "nthread": 1, "seed": 5}
    dart = {"booster": "dart", "rate_drop": 0.3, "skip_drop": 0.2}
    forest = {"num_parallel_tree": 4, "subsample": 0.6, "colsample_bynode": 0.6}
    classes = {"objective": "multi:softprob", "num_class": 3}
    # Name, settings, kind of target, missing values, columns that are categories.
    kinds: list[tuple[str, dict[str, Any], str, bool, int]] = [
        ("binary", {"objective": "binary:logistic"}, "binary", False, 0),
        ("binary, missing", {"objective": "binary:logistic"}, "binary", True, 0),
        ("regression", {"objective": "reg:squarederror"}, "number", True, 0),
        ("regression, depth 10", {"objective": "reg:squarederror", "max_depth": 10}, "number", False, 0),
        ("3 classes", classes, "classes", True, 0),
        ("Poisson", {"objective": "count:poisson"}, "counts", False, 0),
        ("DART", {"objective": "binary:logistic", **dart}, "binary", True, 0),
        ("DART, 3 classes", {**classes, **dart}, "classes", False, 0),
        ("forest", {"objective": "reg:squarederror", **forest}, "number", True, 0),
        ("categories one-hot", {"objective": "binary:logistic", "max_cat_to_onehot": 99}, "binary", False, 3),
        ("categories in sets", {"objective": "binary:logistic", "max_cat_to_onehot": 1}, "binary", True, 3),
        ("vectors in leaves", {**classes, "multi_strategy": "multi_output_tree"}, "classes", True, 0),
        ("linear", {"objective": "binary:logistic", "booster": "gblinear"}, "binary", False, 0),
    ]
    return [xgboost_case(folder, number, *kind, trees) for number, kind in enumerate(kinds)]


def xgboost_case(
    folder: Path,
    number: int,
    name: str,
    settings: dict[str, Any],
    kind: str,
    missing: bool,
    categories: int,
    common: dict[str, Any],
) -> Case:
    columns, score, noise = data(100 + number, missing, categories)
    types = ["c"] * categories + ["q"] * (COLUMNS - categories) if categories else None
    options: dict[str, Any] = {"feature_types": types, "enable_categorical": bool(categories)}
    train = xgboost.DMatrix(columns, target(kind, score, noise), **options)
    linear = settings.get("booster") == "gblinear"
    parameters = {**({"nthread": 1, "seed": 5} if linear else common), **settings}
    booster = xgboost.train(parameters, train, 3 if "forest" in name else 25)
    path = folder / f"xgboost-{number}.json"
    booster.save_model(path)
    outputs = 3 if kind == "classes" else 1
    rows, background = columns[:ROWS], columns[-BACKGROUND:]

    def margins(rows: Array) -> Array:
        found = booster.predict(xgboost.DMatrix(rows, **options), output_margin=True)
        return found.astype(np.float64).reshape(len(rows), outputs)

    def contributions() -> Values:
        found = booster.predict(xgboost.DMatrix(rows, **options), pred_contribs=True).astype(np.float64)
        found = matrix(found, outputs)
        return found[:, :, :-1], found[:, :, -1]

    by_shap: Callable[[], Values] | str = tree_explainer(booster, rows, background, outputs)
    by_library: Callable[[], Values] | str = contributions
    if linear:
        by_shap = lambda: linear_explainer(booster, rows, background)  # noqa: E731
        by_library = "a linear model has no covers"
    refused = settings.get("multi_strategy") == "multi_output_tree"
    return Case(
        f"XGBoost, {name}", path, rows, background, margins, by_shap, by_library, may_be_refused=refused
    )


def tree_explainer(model: Any, rows: Array, background: Array, outputs: int) -> Callable[[], Values]:
    def explain() -> Values:
        explainer = shap.TreeExplainer(
            model, data=background, feature_perturbation="interventional", model_output="raw"
        )
        found = np.asarray(explainer.shap_values(rows, check_additivity=False), dtype=np.float64)
        found = found[:, None, :] if found.ndim == 2 else found.transpose(0, 2, 1)
        base = np.atleast_1d(np.asarray(explainer.expected_value, dtype=np.float64))
        if found.shape[1] != outputs:
            raise NotImplementedError(f"{found.shape[1]} outputs of {outputs}")
        return found, np.broadcast_to(base, (len(rows), outputs))

    return explain


def linear_explainer(booster: xgboost.Booster, rows: Array, background: Array) -> Values:
    dump = booster.get_dump(dump_format="json")
    import json

    weights = json.loads(dump[0])
    parts = np.array(weights["weight"], dtype=np.float64).reshape(COLUMNS), float(np.ravel(weights["bias"])[0])
    explainer = shap.LinearExplainer(parts, background)
    found = np.asarray(explainer.shap_values(rows), dtype=np.float64)
    score = float(json.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"].strip("[]"))
    base = float(np.ravel(explainer.expected_value)[0]) + np.log(score / (1 - score))
    return found[:, None, :], np.full((len(rows), 1), base)


def lightgbm_cases(folder: Path) -> list[Case]:
    dart = {"boosting": "dart", "drop_rate": 0.3}
    forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "feature_fraction": 0.7}
    classes = {"objective": "multiclass", "num_class": 3}
    kinds: list[tuple[str, dict[str, Any], str, bool, int]] = [
        ("binary", {"objective": "binary"}, "binary", False, 0),
        ("binary, missing", {"objective": "binary"}, "binary", True, 0),
        ("zero is missing", {"objective": "binary", "zero_as_missing": True}, "binary", True, 0),
        ("regression", {"objective": "regression"}, "number", True, 0),
        ("3 classes", classes, "classes", True, 0),
        ("one against the rest", {**classes, "objective": "multiclassova"}, "classes", False, 0),
        ("Poisson", {"objective": "poisson"}, "counts", False, 0),
        ("DART", {"objective": "binary", **dart}, "binary", True, 0),
        ("forest", {"objective": "regression", **forest}, "number", False, 0),
        ("categories", {"objective": "binary", "cat_smooth": 1, "min_data_per_group": 5}, "binary", True, 3),
    ]
    return [lightgbm_case(folder, number, *kind) for number, kind in enumerate(kinds)]


def lightgbm_case(
    folder: Path, number: int, name: str, settings: dict[str, Any], kind: str, missing: bool, categories: int
) -> Case:
    columns, score, noise = data(200 + number, missing, categories)
    if settings.get("zero_as_missing"):
        columns[:, 2] = np.where(columns[:, 2] < 0, 0, columns[:, 2])
    train = lightgbm.Dataset(
        columns, target(kind, score, noise), categorical_feature=list(range(categories)) or "auto"
    )
    parameters = {"num_leaves": 12, "num_threads": 1, "seed": 5, "deterministic": True, "verbose": -1, **settings}
    booster = lightgbm.train(parameters, train, 25)
    path = folder / f"lightgbm-{number}.txt"
    booster.save_model(path)
    outputs = 3 if kind == "classes" else 1
    rows, background = columns[:ROWS], columns[-BACKGROUND:]

    def margins(rows: Array) -> Array:
        return np.asarray(booster.predict(rows, raw_score=True)).reshape(len(rows), outputs)

    def contributions() -> Values:
        found = np.asarray(booster.predict(rows, pred_contrib=True)).reshape(len(rows), outputs, COLUMNS + 1)
        return found[:, :, :-1], found[:, :, -1]

    by_shap: Callable[[], Values] | str = tree_explainer(booster, rows, background, outputs)
    if settings.get("zero_as_missing"):
        by_shap = "takes no account of zeros that are missing"
    return Case(
        f"LightGBM, {name}", path, rows, background, margins, by_shap, contributions, single=False
    )


def all_cases(folder: Path) -> list[Case]:
    """Every model but the example's."""
    return xgboost_cases(folder) + lightgbm_cases(folder)
