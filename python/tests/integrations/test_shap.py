"""Attributions of SHAP and of boosters become explanations that add up."""

from __future__ import annotations

import math
from typing import Any

import lightgbm
import numpy as np
import pytest
import shap
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression

from causebook._errors import RecordError
from causebook._shap import explanation

Data = tuple[Any, Any]


@pytest.fixture(scope="module")
def booster(data: Data) -> Any:
    return xgboost.XGBClassifier(n_estimators=5, max_depth=3).fit(*data)


@pytest.fixture(scope="module")
def three_classes(data: Data) -> tuple[Any, Any]:
    labels = np.digitize(data[0]["mean area"], [500, 1_000])
    return RandomForestClassifier(n_estimators=5, random_state=0).fit(data[0], labels), labels


def adds_up(made: dict[str, Any], to: float, tolerance: float = 1e-5) -> bool:
    return math.isclose(made["base_value"] + sum(made["attributions"].values()), to, abs_tol=tolerance)


def test_a_row_of_an_explanation_names_features_and_adds_up(data: Data, booster: Any) -> None:
    values = shap.TreeExplainer(booster)(data[0].iloc[:3])
    margin = booster.predict(data[0].iloc[:3], output_margin=True)
    for row in range(3):
        of_many = explanation(values, row=row, scale="log-odds", baseline="paths", output_value=float(margin[row]))
        of_one = explanation(values[row], scale="log-odds", baseline="paths", output_value=float(margin[row]))
        assert of_many == of_one
        assert of_many["method"] == "shap"
        assert of_many["method_version"] == f"shap {shap.__version__}"
        assert of_many["scale"] == "log-odds"
        assert of_many["baseline"] == "paths"
        assert list(of_many["attributions"]) == list(data[0].columns)
        assert adds_up(of_many, float(margin[row]))
        assert abs(of_many["residual"]) < 1e-5
        assert of_many["sum"] == pytest.approx(of_many["output_value"], abs=1e-5)


def test_many_rows_need_a_row(data: Data, booster: Any) -> None:
    values = shap.TreeExplainer(booster)(data[0].iloc[:3])
    with pytest.raises(RecordError, match="3 rows"):
        explanation(values)
    with pytest.raises(RecordError, match="no row 3"):
        explanation(values, row=3)
    assert explanation(values[:1]) == explanation(values, row=0)


def test_of_several_classes_one_or_all_are_explained(data: Data, three_classes: tuple[Any, Any]) -> None:
    model, _ = three_classes
    explainer = shap.TreeExplainer(model)
    values = explainer(data[0].iloc[:2])
    probabilities = model.predict_proba(data[0].iloc[:2])
    everything = explanation(values, row=1)
    assert list(everything["outputs"]) == ["0", "1", "2"]
    for place in range(3):
        one = explanation(values, row=1, output=place)
        assert one["output"] == str(place)
        assert one["attributions"] == everything["outputs"][str(place)]["attributions"]
        assert adds_up(one, probabilities[1, place])
        assert explanation(values[1], output=place) == one
        assert explanation(values[1][:, place])["attributions"] == one["attributions"]
    with pytest.raises(RecordError, match="no output 'none'"):
        explanation(values, row=0, output="none")


def test_interactions_add_up_to_attributions(data: Data, booster: Any) -> None:
    explainer = shap.TreeExplainer(booster)
    matrix = explainer.shap_interaction_values(data[0].iloc[:2])
    values = shap.Explanation(
        matrix,
        base_values=float(explainer.expected_value),
        data=data[0].iloc[:2].to_numpy(),
        feature_names=list(data[0].columns),
    )
    made = explanation(values, row=1)
    margin = booster.predict(data[0].iloc[:2], output_margin=True)
    assert adds_up(made, float(margin[1]))
    pairs = {tuple(pair["features"]): pair["value"] for pair in made["interactions"]}
    assert math.fsum([made["base_value"], *pairs.values()]) == pytest.approx(float(margin[1]), abs=1e-5)


def test_contributions_of_xgboost_have_their_base_value_last(data: Data, booster: Any) -> None:
    matrix = xgboost.DMatrix(data[0].iloc[:2])
    native = booster.get_booster()
    margin = native.predict(matrix, output_margin=True)
    names = native.feature_names
    made = explanation(native.predict(matrix, pred_contribs=True), row=1, names=names, method="pred_contribs")
    assert made["method"] == "pred_contribs"
    assert "method_version" not in made
    assert adds_up(made, float(margin[1]))
    assert explanation(native.predict(matrix, pred_contribs=True)[1], names=names, method="pred_contribs") == made
    interactions = explanation(native.predict(matrix, pred_interactions=True), row=1, names=names)
    assert adds_up(interactions, float(margin[1]))


def test_contributions_of_several_classes_are_told_apart(data: Data, three_classes: tuple[Any, Any]) -> None:
    _, labels = three_classes
    names = list(data[0].columns)
    of_xgboost = xgboost.XGBClassifier(n_estimators=3).fit(data[0], labels).get_booster()
    matrix = xgboost.DMatrix(data[0].iloc[:2])
    made = explanation(of_xgboost.predict(matrix, pred_contribs=True), row=1, names=names, output=2)
    assert adds_up(made, float(of_xgboost.predict(matrix, output_margin=True)[1, 2]))
    of_lightgbm = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(data[0], labels)
    made = explanation(of_lightgbm.predict(data[0].iloc[:2], pred_contrib=True), row=1, names=names, output=2)
    assert adds_up(made, float(of_lightgbm.predict(data[0].iloc[:2], raw_score=True)[1, 2]))


def test_a_linear_model_is_explained_against_its_background(data: Data) -> None:
    model = LinearRegression().fit(*data)
    explainer = shap.LinearExplainer(model, data[0])
    made = explanation(explainer(data[0].iloc[:1]), output_value=float(model.predict(data[0].iloc[:1])[0]))
    assert abs(made["residual"]) < 1e-9


def test_a_small_square_is_not_taken_for_interactions(data: Data) -> None:
    features = list(data[0].columns[:2])
    values = shap.Explanation(
        np.array([[[0.1, -0.1], [0.2, -0.2]]]),
        base_values=np.array([[0.5, 0.5]]),
        data=np.zeros((1, 2)),
        feature_names=features,
        output_names=["no", "yes"],
    )
    assert explanation(values, output="yes")["attributions"] == {features[0]: -0.1, features[1]: -0.2}


def test_plain_numbers_are_explanations_too() -> None:
    assert explanation({"age": 0.5}, base_value=1) == {"base_value": 1.0, "attributions": {"age": 0.5}, "sum": 1.5}
    assert explanation([0.5, 0.25], names=["a", "b"])["attributions"] == {"a": 0.5, "b": 0.25}
    assert explanation(np.array([[1.0, 2.0]]), names=["a", "b"], base_value=0.0)["sum"] == 3.0
    whole = {"method": "mine", "attributions": {"age": 1}}
    assert explanation(whole) == whole


@pytest.mark.parametrize("value", ["text", 3, None, {"age": float("nan")}, {"age": "much"}])
def test_what_is_no_explanation_is_refused(value: Any) -> None:
    with pytest.raises((RecordError, ValueError)):
        explanation(value)


def test_names_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RecordError, match="names="):
        explanation(np.zeros((1, 5)), names=["a", "b", "c"])


def test_reasons_alone_are_an_explanation() -> None:
    assert explanation({"reasons": ["income"]}) == {"reasons": ["income"]}
