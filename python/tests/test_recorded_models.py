"""What models recorded by themselves, as a ledger has it."""

from __future__ import annotations

from typing import Any

import lightgbm
import pytest
import shap
import xgboost
from serving import Server
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import causebook


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    bunch: Any = load_breast_cancer(as_frame=True)
    return bunch.data.iloc[:, :4], bunch.target


def test_a_prediction_comes_back_as_it_was_given(server: Server, data: tuple[Any, Any]) -> None:
    model = LogisticRegression(max_iter=5_000).fit(*data)
    with causebook.connect(server.url, strict=True) as book:
        watched = book.watch(model, "tumour", "v1", decision={0: "malignant", 1: "benign"}, proba_threshold=0.5)
        answer = watched.predict_proba(data[0].iloc[:2])
        first, second = causebook.recorded_by(watched)
        outcome = book.outcome(first, {"histology": "benign"})
        decision = book.get(second)
        assert decision.input == data[0].iloc[1].to_dict()
        assert decision.output == {"predict_proba": {"0": answer[1, 0], "1": answer[1, 1]}}
        assert decision.score == answer[1, 1]
        assert decision.decision == ("benign" if answer[1, 1] >= 0.5 else "malignant")
        assert book.get(outcome).refers_to == first
        (registered,) = book.list("kind:model")
        assert registered.model["digest"] == decision.model["digest"]
        assert [record.id for record in book.list(f"model.digest:{decision.model['digest']} kind:decision")] == [
            second,
            first,
        ]


def test_float32_comes_back_as_float32(server: Server, data: tuple[Any, Any]) -> None:
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(*data), 3)
    with causebook.connect(server.url, strict=True) as book:
        watched = book.watch(booster, "tumour")
        watched.predict(xgboost.DMatrix(data[0].iloc[:1]))
        (id,) = causebook.recorded_by(watched)
        returned = book.get(id).input
    row = data[0].iloc[0].astype("float32")
    assert returned == row.to_dict()
    assert {value.dtype.name for value in returned.values()} == {"float32"}


def test_many_rows_are_many_decisions(server: Server, data: tuple[Any, Any]) -> None:
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(*data)
    with causebook.connect(server.url, strict=True) as book:
        book.watch(model, "tumour").predict_proba(data[0])
        counts = book.flush()
        assert counts.pending == 0
        answer = book.sql("select count(*) as n, min(score) as low, max(score) as high from decisions")
        (row,) = list(answer)
    assert row["n"] == len(data[0])
    assert 0 < row["low"] < row["high"] < 1


def test_a_failed_prediction_can_be_found(server: Server, data: tuple[Any, Any]) -> None:
    model = LogisticRegression(max_iter=5_000).fit(*data)
    with causebook.connect(server.url, strict=True) as book:
        watched = book.watch(model, "tumour")
        with pytest.raises(ValueError, match="feature names"):
            watched.predict(data[0].iloc[:1, :2])
        book.flush()
        (decision,) = book.list("context.error.type:ValueError")
        assert decision.output is None


def test_an_explanation_of_shap_is_read_as_one(server: Server, data: tuple[Any, Any]) -> None:
    model = xgboost.XGBClassifier(n_estimators=3).fit(*data)
    values = shap.TreeExplainer(model)(data[0].iloc[:1])
    with causebook.connect(server.url, strict=True) as book:
        id = book.record(model="tumour", input=data[0].iloc[0].to_dict(), output=1, explanation=values)
        attributions = book.why(id).attributions
        assert attributions.known == "recorded"
        assert attributions.value["method_version"] == f"shap {shap.__version__}"
        assert set(attributions.value["attributions"]) == set(data[0].columns)
