"""Models of XGBoost: objectives, boosters, missing values, categories, growth; each as JSON and as UBJ."""

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import xgboost as xgb
from case import Case, lists_of, rows_of
from data import CATEGORIES, ROWS, asked, table

LIBRARY = "XGBoost"
SMALL = {"max_depth": 3, "eta": 0.3, "nthread": 1, "seed": 1}
ROUNDS = 12


def cases() -> Iterator[Case]:
    yield from objectives()
    yield from boosters()
    yield from missing_and_categories()
    yield from growth()
    yield from several_targets()
    yield from odd_ones()


def objectives() -> Iterator[Case]:
    x, y = table(1)
    positive = np.exp(y / 4).astype(np.float32)
    unit = 1 / (1 + np.exp(-(y - y.mean())))
    binary = (y > np.median(y)).astype(int)
    classes = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    for name, label in {
        "reg:squarederror": y,
        "reg:squaredlogerror": positive,
        "reg:logistic": unit,
        "reg:pseudohubererror": y,
        "reg:absoluteerror": y,
        "binary:logistic": binary,
        "binary:logitraw": binary,
        "binary:hinge": binary,
        "count:poisson": np.floor(positive),
        "reg:gamma": positive,
        "reg:tweedie": np.floor(positive),
        "survival:cox": np.where(binary == 1, positive, -positive),
    }.items():
        yield trained(name, {"objective": name}, x, label)
    yield trained("reg:quantileerror", {"objective": "reg:quantileerror", "quantile_alpha": 0.8}, x, y)
    yield trained("three quantiles", {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, x, y)
    for name in ("multi:softmax", "multi:softprob"):
        yield trained(name, {"objective": name, "num_class": 3}, x, classes)
    bounds = {"label_lower_bound": positive, "label_upper_bound": np.where(binary == 1, positive, np.inf)}
    yield trained("survival:aft", {"objective": "survival:aft"}, x, None, bounds)
    for name in ("rank:pairwise", "rank:ndcg", "rank:map"):
        relevance = binary if name == "rank:map" else classes
        yield trained(name, {"objective": name}, x, relevance, {"group": [40] * (ROWS // 40)})


def boosters() -> Iterator[Case]:
    x, y = table(2, missing=0.1)
    binary = (y > np.nanmedian(y)).astype(int)
    classes = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    dart = {"booster": "dart", "rate_drop": 0.4, "skip_drop": 0.2}
    yield trained("dart", {**dart, "objective": "reg:squarederror"}, x, y)
    yield trained("dart, binary", {**dart, "objective": "binary:logistic", "normalize_type": "forest"}, x, binary)
    yield trained("dart, multiclass", {**dart, "objective": "multi:softprob", "num_class": 3}, x, classes)
    linear = {"booster": "gblinear", "updater": "coord_descent"}
    full, answer = table(3)
    half = (answer > np.median(answer)).astype(int)
    third = np.digitize(answer, np.quantile(answer, [0.3, 0.7]))
    scaled = full / np.abs(full).max(axis=0)
    yield trained("gblinear", {**linear, "objective": "reg:squarederror"}, scaled, answer)
    yield trained("gblinear, binary", {**linear, "objective": "binary:logistic", "base_score": 0.3}, scaled, half)
    yield trained("gblinear, multiclass", {**linear, "objective": "multi:softprob", "num_class": 3}, scaled, third)
    holes = np.where(np.random.default_rng(5).random(scaled.shape) < 0.2, np.nan, scaled)
    yield trained("gblinear, missing values", {**linear, "objective": "reg:squarederror"}, holes, answer)
    forest = {"num_parallel_tree": 8, "subsample": 0.6, "colsample_bynode": 0.6}
    yield trained("random forest", {**forest, "eta": 1, "objective": "binary:logistic"}, x, binary, rounds=1)
    yield trained("boosted forests, multiclass", {**forest, "objective": "multi:softmax", "num_class": 3}, x, classes, rounds=4)


def missing_and_categories() -> Iterator[Case]:
    for share in (0.02, 0.3, 0.8):
        x, y = table(4, missing=share)
        yield trained(f"{share:.0%} missing", {"objective": "reg:squarederror"}, x, y)
    x, y = table(5, categories=True)
    holes, answer = table(6, categories=True, missing=0.15)
    binary = (y > np.median(y)).astype(int)
    classes = np.digitize(answer, np.quantile(answer, [0.3, 0.7]))
    one_hot = {"max_cat_to_onehot": 100}
    parts = {"max_cat_to_onehot": 1}
    yield trained("categories, one against the rest", {**one_hot, "objective": "binary:logistic"}, x, binary, categories=True)
    yield trained("categories, in two parts", {**parts, "objective": "binary:logistic"}, x, binary, categories=True)
    yield trained("categories and missing", {**parts, "objective": "reg:squarederror"}, holes, answer, categories=True)
    several = {**parts, "objective": "multi:softprob", "num_class": 3, "max_depth": 5}
    yield trained("categories, missing, multiclass", several, holes, classes, categories=True)
    yield trained("categories, dart", {**parts, "booster": "dart", "rate_drop": 0.3, "objective": "reg:squarederror"}, holes, answer, categories=True)
    yield trained("categories, approx", {**parts, "tree_method": "approx", "objective": "binary:logistic"}, x, binary, categories=True)
    yield trained("categories of a data frame", {**parts, "objective": "binary:logistic"}, x, binary, categories=True, frame=True)


def growth() -> Iterator[Case]:
    x, y = table(7, missing=0.05)
    binary = (y > np.nanmedian(y)).astype(int)
    for depth in (1, 2, 6, 10):
        yield trained(f"depth {depth}", {"objective": "binary:logistic", "max_depth": depth}, x, binary)
    leafwise = {"grow_policy": "lossguide", "max_depth": 0, "max_leaves": 40}
    yield trained("leaf by leaf", {**leafwise, "objective": "reg:squarederror"}, x, y)
    yield trained("exact", {"tree_method": "exact", "objective": "reg:squarederror"}, x, y)
    pruned = {"tree_method": "exact", "gamma": 3.0, "max_depth": 8}
    yield trained("exact, pruned", {**pruned, "objective": "reg:squarederror"}, x, y)
    yield trained("approx", {"tree_method": "approx", "objective": "reg:squarederror"}, x, y)
    yield trained("monotone", {"monotone_constraints": "(1,0,-1,0,0,0,0,0)", "objective": "reg:squarederror"}, x, y)
    yield trained("200 rounds", {"objective": "binary:logistic", "max_depth": 4, "eta": 0.1}, x, binary, rounds=200)


def several_targets() -> Iterator[Case]:
    x, y = table(8)
    two = np.column_stack([y, -y + x[:, 0]])
    labels = np.column_stack([y > np.median(y), x[:, 0] > 0]).astype(int)
    yield trained("two targets", {"objective": "reg:squarederror"}, x, two)
    yield trained("two labels", {"objective": "binary:logistic"}, x, labels)
    vector = {"multi_strategy": "multi_output_tree", "tree_method": "hist"}
    yield trained("trees of several outputs", {**vector, "objective": "reg:squarederror"}, x, two, refused="multi_output_tree")


def odd_ones() -> Iterator[Case]:
    x, y = table(9)
    binary = (y > np.median(y)).astype(int)
    for score in (1e-4, 0.03, 0.999):
        yield trained(f"base_score {score}", {"objective": "binary:logistic", "base_score": score}, x, binary)
    yield trained("base_score -17.25", {"objective": "reg:squarederror", "base_score": -17.25}, x, y)
    yield trained("weighted classes", {"objective": "binary:logistic", "scale_pos_weight": 7.0}, x, binary)
    yield trained("no trees", {"objective": "binary:logistic"}, x, binary, rounds=0, refused="no rounds")
    yield trained("nothing to split", {"objective": "reg:squarederror", "gamma": 1e9}, x, y)
    stopped = {"objective": "binary:logistic", "eta": 1.0, "max_depth": 8, "eval_metric": "logloss"}
    yield trained("stopped early", stopped, x, binary, rounds=40, stop=3)
    yield trained("a function of one's own", {"objective": "reg:squarederror"}, x, y, own=True)
    names = ["ä ö", "a=b", 'quo"te', "back\\slash", "", "tab\tbed", "\u2603", "plain"]
    yield trained("names of columns", {"objective": "reg:squarederror"}, x, y, names=names)
    yield trained("trained further", {"objective": "binary:logistic"}, x, binary, further=True)


def trained(
    name: str,
    parameters: dict,
    x: np.ndarray,
    y: np.ndarray | None,
    more: dict | None = None,
    *,
    rounds: int = ROUNDS,
    categories: bool = False,
    kinds: list[str] | None = None,
    frame: bool = False,
    stop: int | None = None,
    own: bool = False,
    names: list[str] | None = None,
    further: bool = False,
    refused: str = "",
) -> Case:
    if categories:
        kinds = ["c" if column in CATEGORIES else "q" for column in range(x.shape[1])]
    options = {"feature_types": kinds, "enable_categorical": kinds is not None, "feature_names": names}
    given = x
    if frame:
        given = pd.DataFrame(x, columns=[f"c{column}" for column in range(x.shape[1])])
        for column in CATEGORIES:
            given[f"c{column}"] = given[f"c{column}"].astype(int).astype("category")
        options = {"enable_categorical": True}
    data = xgb.DMatrix(given, y, **options)
    if more:
        data.set_info(**more)
    settings = {**SMALL, **parameters}
    if settings.get("booster") == "gblinear":
        settings = {key: value for key, value in settings.items() if key != "max_depth"}
    with xgb.config_context(verbosity=0):
        booster = xgb.train(
            settings,
            data,
            rounds,
            evals=[(data, "train")] if stop else None,
            early_stopping_rounds=stop,
            obj=halves if own else None,
            verbose_eval=False,
        )
        if stop:
            # The best iteration is not the last, whatever the training thought.
            booster.set_attr(best_iteration="4")
        if further:
            booster = xgb.train(settings, data, rounds, xgb_model=booster)
        return case(name, booster, x, options if not frame else {"feature_names": booster.feature_names, "feature_types": booster.feature_types}, refused)


def halves(predicted: np.ndarray, data: xgb.DMatrix) -> tuple[np.ndarray, np.ndarray]:
    return (predicted - data.get_label()) * 0.5, np.full(len(predicted), 0.5)


def case(name: str, booster: xgb.Booster, x: np.ndarray, options: dict, refused: str) -> Case:
    files = {kind: bytes(booster.save_raw(kind)) for kind in ("json", "ubj")}
    again = xgb.Booster({"nthread": 1})
    again.load_model(bytearray(files["json"]))
    linear = "gblinear" in files["json"][:200000].decode(errors="ignore")
    rows = asked(x, thresholds(files["json"]), single=True)
    if linear:
        rows = np.clip(rows, -1e6, 1e6)
    data = xgb.DMatrix(rows, **options)
    values = again.predict(data)
    margins = again.predict(data, output_margin=True)
    labels = None
    if json.loads(files["json"])["learner"]["objective"]["name"] == "multi:softmax":
        labels = [str(int(value)) for value in values]
    return Case(LIBRARY, name, files, rows_of(rows), lists_of(values), lists_of(margins), labels, refused=refused)


def thresholds(text: bytes) -> dict[int, list[float]]:
    booster = json.loads(text)["learner"]["gradient_booster"]
    model = booster.get("gbtree", booster)["model"]
    found: dict[int, list[float]] = {}
    for tree in model.get("trees", []):
        for left, column, condition in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=False):
            if left != -1:
                found.setdefault(column, []).append(condition)
    return found
