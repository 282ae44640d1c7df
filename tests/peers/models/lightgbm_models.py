"""Models of LightGBM: objectives, boosters, missing values, categories, growth; as text."""

from collections.abc import Iterator

import lightgbm as lgb
import numpy as np
from case import Case, lists_of, rows_of
from data import CATEGORIES, ROWS, asked, table

LIBRARY = "LightGBM"
SMALL = {"num_leaves": 12, "learning_rate": 0.2, "min_data_in_leaf": 5, "num_threads": 1, "seed": 1, "deterministic": True, "verbose": -1}
ROUNDS = 12


def cases() -> Iterator[Case]:
    yield from objectives()
    yield from boosters()
    yield from missing_and_categories()
    yield from growth()


def objectives() -> Iterator[Case]:
    x, y = table(11, single=False)
    positive = np.exp(y / 4)
    unit = 1 / (1 + np.exp(-(y - y.mean())))
    binary = (y > np.median(y)).astype(int)
    classes = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    for name, label in {
        "regression": y,
        "regression_l1": y,
        "huber": y,
        "fair": y,
        "poisson": np.floor(positive),
        "quantile": y,
        "mape": positive,
        "gamma": positive,
        "tweedie": np.floor(positive),
        "binary": binary,
        "cross_entropy": unit,
        "cross_entropy_lambda": unit,
    }.items():
        yield trained(name, {"objective": name}, x, label)
    for factor in (0.7, 2.5, 1e-5, 1.23456):
        yield trained(f"binary, sigmoid {factor}", {"objective": "binary", "sigmoid": factor}, x, binary, rounds=4)
    for name in ("multiclass", "multiclassova"):
        yield trained(name, {"objective": name, "num_class": 3}, x, classes)
    yield trained("multiclassova, sigmoid 0.3", {"objective": "multiclassova", "num_class": 3, "sigmoid": 0.3}, x, classes)
    for name in ("lambdarank", "rank_xendcg"):
        yield trained(name, {"objective": name}, x, classes, group=[40] * (ROWS // 40))
    for name in ("regression", "quantile"):
        yield trained(f"{name}, reg_sqrt", {"objective": name, "reg_sqrt": True}, x, y)
    yield trained("a function of one's own", {"objective": halves}, x, y)


def boosters() -> Iterator[Case]:
    x, y = table(12, missing=0.1, single=False)
    binary = (y > np.nanmedian(y)).astype(int)
    classes = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    kinds = {
        "dart": {"boosting": "dart", "drop_rate": 0.5},
        "rf": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
        "goss": {"data_sample_strategy": "goss"},
    }
    for kind, parameters in kinds.items():
        yield trained(kind, {**parameters, "objective": "regression"}, x, y)
        yield trained(f"{kind}, binary", {**parameters, "objective": "binary"}, x, binary)
        yield trained(f"{kind}, multiclass", {**parameters, "objective": "multiclass", "num_class": 3}, x, classes)
    linear = {"linear_tree": True, "objective": "regression"}
    yield trained("linear trees", linear, x, y, refused="linear")


def missing_and_categories() -> Iterator[Case]:
    for share in (0.02, 0.3, 0.8):
        x, y = table(13, missing=share, single=False)
        yield trained(f"{share:.0%} missing", {"objective": "regression"}, x, y)
    x, y = table(14, missing=0.2, single=False)
    yield trained("zero as missing", {"objective": "regression", "zero_as_missing": True}, x, y)
    yield trained("missing not used", {"objective": "regression", "use_missing": False}, x, y)
    x, y = table(15, categories=True, single=False)
    holes, answer = table(16, categories=True, missing=0.2, single=False)
    binary = (y > np.median(y)).astype(int)
    classes = np.digitize(answer, np.quantile(answer, [0.3, 0.7]))
    loose = {"min_data_per_group": 5, "cat_smooth": 1.0}
    yield trained("categories", {**loose, "objective": "binary"}, x, binary, categories=True)
    yield trained("categories, one against the rest", {**loose, "max_cat_to_onehot": 100, "objective": "binary"}, x, binary, categories=True)
    yield trained("categories and missing", {**loose, "objective": "regression"}, holes, answer, categories=True)
    yield trained("categories and zero as missing", {**loose, "zero_as_missing": True, "objective": "regression"}, holes, answer, categories=True)
    several = {**loose, "objective": "multiclass", "num_class": 3}
    yield trained("categories, missing, multiclass", several, holes, classes, categories=True)
    yield trained("categories, rf", {**loose, "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "objective": "binary"}, x, binary, categories=True)


def growth() -> Iterator[Case]:
    x, y = table(17, missing=0.05, single=False)
    binary = (y > np.nanmedian(y)).astype(int)
    for leaves in (2, 31, 127):
        yield trained(f"{leaves} leaves", {"objective": "binary", "num_leaves": leaves, "min_data_in_leaf": 2}, x, binary)
    yield trained("depth 2", {"objective": "regression", "max_depth": 2}, x, y)
    yield trained("extra trees", {"objective": "regression", "extra_trees": True}, x, y)
    yield trained("monotone", {"objective": "regression", "monotone_constraints": [1, 0, -1, 0, 0, 0, 0, 0]}, x, y)
    yield trained("smoothed", {"objective": "regression", "path_smooth": 5.0}, x, y)
    yield trained("few bins", {"objective": "regression", "max_bin": 7}, x, y)
    yield trained("not from the average", {"objective": "binary", "boost_from_average": False}, x, binary)
    yield trained("nothing to split", {"objective": "regression", "min_data_in_leaf": 10_000}, x, y)
    yield trained("200 rounds", {"objective": "binary", "learning_rate": 0.05}, x, binary, rounds=200)


def halves(predicted: np.ndarray, data: lgb.Dataset) -> tuple[np.ndarray, np.ndarray]:
    return (predicted - data.get_label()) * 0.5, np.full(len(predicted), 0.5)


def trained(
    name: str,
    parameters: dict,
    x: np.ndarray,
    y: np.ndarray,
    *,
    rounds: int = ROUNDS,
    categories: bool = False,
    kinds: list[int] | None = None,
    group: list[int] | None = None,
    refused: str = "",
) -> Case:
    chosen = kinds or (list(CATEGORIES) if categories else "auto")
    data = lgb.Dataset(x, y, group=group, categorical_feature=chosen, params={"verbose": -1})
    booster = lgb.train({**SMALL, **parameters}, data, rounds)
    text = booster.model_to_string()
    again = lgb.Booster(model_str=text, params={"num_threads": 1, "verbose": -1})
    rows = asked(x, thresholds(text), single=False)
    values = again.predict(rows)
    margins = again.predict(rows, raw_score=True)
    return Case(LIBRARY, name, {"text": text.encode()}, rows_of(rows), lists_of(values), lists_of(margins), refused=refused, single=False)


def thresholds(text: str) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for block in text.split("\nTree=")[1:]:
        lines = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "threshold" in lines:
            for column, value in zip(lines["split_feature"].split(), lines["threshold"].split(), strict=True):
                found.setdefault(int(column), []).append(float(value))
    return found
