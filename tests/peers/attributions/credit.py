"""The model of the German-credit example: 54 columns of 17 fields, its 200 recorded decisions, against shap and against the values that
XGBoost reported when they were made."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import shap
import xgboost

from cases import Array, Case, Values

ROOT = Path(__file__).parents[3]
DATA = ROOT / "crates/model/tests/data/german-credit"
BACKGROUND = 100


def cases() -> list[Case]:
    with (DATA / "test_features.csv").open() as file:
        table = list(csv.reader(file))
    names, rows = table[0], np.array(table[1:], dtype=np.float32)
    path = DATA / "model.json"
    booster = xgboost.Booster(model_file=path)
    fields = list(dict.fromkeys(name.split("=")[0] for name in names))
    players = [fields.index(name.split("=")[0]) for name in names]
    background = rows[:BACKGROUND]

    by_field = True

    def alone(ask: Callable[[], Values]) -> Values:
        """Every column by itself."""
        nonlocal by_field
        by_field = False
        try:
            return ask()
        finally:
            by_field = True

    def grouped(values: Array) -> Array:
        """One-hot columns added up to their fields: what shap and XGBoost give a field."""
        if not by_field:
            return np.asarray(values)[:, None, :]
        added = np.zeros((len(values), 1, len(fields)))
        for column, player in enumerate(players):
            added[:, 0, player] += values[:, column]
        return added

    def interventional() -> Values:
        explainer = shap.TreeExplainer(
            booster, data=background, feature_perturbation="interventional", model_output="raw"
        )
        values = np.asarray(explainer.shap_values(rows))
        base = np.full((len(rows), 1), float(np.ravel(explainer.expected_value)[0]))
        return grouped(values), base

    def reported() -> Values:
        contributions = booster.predict(xgboost.DMatrix(rows, feature_names=names), pred_contribs=True)
        return grouped(contributions[:, :-1]), contributions[:, -1:]

    def margins(given: Array) -> Array:
        matrix = xgboost.DMatrix(np.asarray(given, dtype=np.float32), feature_names=names)
        return booster.predict(matrix, output_margin=True)[:, None]

    def case(name: str, shap_says: object, players: list[int] | None) -> Case:
        return Case(
            name=name,
            path=path,
            rows=rows,
            background=background,
            margins=margins,
            shap=shap_says,
            contributions=reported,
            players=players,
            by_formula=False,
        )

    by_column = case("German credit, by column", lambda: alone(interventional), None)
    by_column.contributions = lambda: alone(reported)
    return [case("German credit, by field", "it adds up the columns of a field, which is another question", players), by_column]
