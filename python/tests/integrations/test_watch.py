"""`book.watch`: models record their predictions, and stay what they are."""

from __future__ import annotations

import copy
import hashlib
import io
import pickle
from typing import Any

import joblib
import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xgboost
from fake import FakeBook
from sklearn.base import clone, is_classifier
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import FixedThresholdClassifier, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from causebook._models import state_digest
from causebook._watch import COLUMNAR_FROM, recorded_by, unwatched, watch

Data = tuple[Any, Any]


@pytest.fixture
def pipeline(data: Data) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(*data)


def test_a_prediction_is_a_decision_with_its_input_by_name(book: FakeBook, data: Data, pipeline: Any) -> None:
    watched = watch(book, pipeline, "tumour", "2")
    answer = watched.predict(data[0].iloc[:1])
    assert answer.tolist() == [0]
    (decision,) = book.decisions
    assert decision["input"] == data[0].iloc[0].to_dict()
    assert decision["output"] == {"predict": 0}
    assert decision["decision"] == "0"
    assert decision["model"]["name"] == "tumour"
    assert decision["model"]["version"] == "2"
    assert decision["model"]["framework"].startswith("scikit-learn 1.")
    assert recorded_by(watched) == ["id-2"]


def test_answers_are_the_objects_that_the_model_gave(book: FakeBook, data: Data, pipeline: Any) -> None:
    watched = watch(book, pipeline)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(watched, method)(data[0]), getattr(pipeline, method)(data[0]))


def test_probabilities_have_a_score_and_a_threshold_makes_them_decisions(
    book: FakeBook, data: Data, pipeline: Any
) -> None:
    watched = watch(book, pipeline, decision={0: "malignant", 1: "benign"}, proba_threshold=0.05)
    probability = watched.predict_proba(data[0].iloc[:2])[:, 1].tolist()
    assert [decision["score"] for decision in book.decisions] == probability
    assert [decision["decision"] for decision in book.decisions] == ["benign", "malignant"]
    assert {str(decision["parameters"]) for decision in book.decisions} == {"{'threshold': 0.05}"}
    assert book.decisions[0]["output"] == {"predict_proba": {"0": 1 - probability[0], "1": probability[0]}}


def test_probabilities_without_a_threshold_are_no_decision(book: FakeBook, data: Data, pipeline: Any) -> None:
    watch(book, pipeline).predict_proba(data[0].iloc[:1])
    assert "decision" not in book.decisions[0]
    assert "parameters" not in book.decisions[0]


def test_the_first_use_of_a_model_records_the_model_once(book: FakeBook, data: Data, pipeline: Any) -> None:
    watched = watch(book, pipeline, "tumour")
    assert book.records == []
    watched.predict(data[0].iloc[:1])
    watched.predict_proba(data[0].iloc[:1])
    watch(book, pipeline, "tumour").predict(data[0].iloc[:1])
    (model,) = book.of_kind("model")
    assert model["model"]["digest"] == book.decisions[0]["model"]["digest"] == state_digest(pipeline)
    assert model["model"]["digest_of"] == "pickled-state"
    assert model["model"]["classes"] == [0, 1]
    assert model["model"]["features"][0] == {"name": "mean radius", "dtype": "float64"}
    assert model["model"]["environment"]["sklearn"].startswith("1.")
    assert model["parameters"]["logisticregression__C"] == 1.0


def test_many_rows_are_recorded_by_columns(book: FakeBook, data: Data, pipeline: Any) -> None:
    watched = watch(book, pipeline, decision={0: "malignant"}, proba_threshold=0.5)
    watched.predict_proba(data[0])
    (batch,) = book.batches
    assert batch["inputs"] is data[0]
    assert list(batch["outputs"]["predict_proba"]) == ["0", "1"]
    assert set(batch["decision"]) == {"malignant", "1"}
    assert (batch["decision"] == "1").tolist() == (batch["score"] >= 0.5).tolist()
    assert len(recorded_by(watched)) == len(data[0])
    assert book.decisions == []


@pytest.mark.parametrize("rows", [1, COLUMNAR_FROM - 1, COLUMNAR_FROM])
def test_arrays_have_the_names_that_the_model_was_fitted_with(book: FakeBook, data: Data, rows: int) -> None:
    model = LogisticRegression(max_iter=5_000).fit(*data)
    array = data[0].to_numpy()[:rows]
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        watch(book, model).predict(array)
    if rows < COLUMNAR_FROM:
        assert [list(decision["input"].values()) for decision in book.decisions] == array.tolist()
        assert list(book.decisions[0]["input"]) == list(data[0].columns)
    else:
        assert list(book.batches[0]["inputs"]) == list(data[0].columns)
        np.testing.assert_array_equal(book.batches[0]["inputs"]["mean area"], array[:, 3])


def test_polars_frames_and_lists_are_read_by_rows(book: FakeBook, data: Data) -> None:
    model = LogisticRegression(max_iter=5_000).fit(data[0].to_numpy(), data[1])
    watched = watch(book, model, features=list(data[0].columns))
    row = data[0].iloc[:1]
    watched.predict(pl.from_pandas(row))
    watched.predict(row.to_numpy().tolist())
    watched.predict(X=row.to_numpy())
    assert [decision["input"] for decision in book.decisions] == [row.iloc[0].to_dict()] * 3


def test_a_feature_keeps_its_type_where_json_has_another(book: FakeBook, data: Data) -> None:
    model = RandomForestClassifier(n_estimators=3).fit(data[0].astype("float32"), data[1])
    watch(book, model).predict(data[0].iloc[:1].astype("float32"))
    assert {type(value) for value in book.decisions[0]["input"].values()} == {np.float32}


def test_columns_can_be_left_out(book: FakeBook, data: Data, pipeline: Any) -> None:
    watched = watch(book, pipeline, exclude=["mean area"])
    watched.predict(data[0].iloc[:1])
    watched.predict(data[0])
    assert list(book.decisions[0]["input"]) == ["mean radius", "mean texture", "mean perimeter"]
    assert list(book.batches[0]["inputs"].columns) == ["mean radius", "mean texture", "mean perimeter"]


def test_texts_are_inputs_themselves(book: FakeBook) -> None:
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["good day", "bad day"], ["+", "-"])
    watch(book, model).predict(["a good one", "a bad one"])
    watch(book, model).predict(pd.Series(["a good one"]))
    assert [decision["input"] for decision in book.decisions] == ["a good one", "a bad one", "a good one"]
    assert [decision["decision"] for decision in book.decisions] == ["+", "-", "+"]


def test_of_a_sparse_row_only_what_is_there_is_recorded(book: FakeBook) -> None:
    vectors = TfidfVectorizer()
    words = vectors.fit_transform(["good day", "bad day"])
    model = LogisticRegression().fit(words, ["+", "-"])
    watch(book, model, features=vectors.get_feature_names_out().tolist()).predict(words)
    assert [sorted(decision["input"]) for decision in book.decisions] == [["day", "good"], ["bad", "day"]]


def test_numbers_of_regressors_are_scores(book: FakeBook, data: Data) -> None:
    model = LinearRegression().fit(*data)
    watched = watch(book, model)
    answer = watched.predict(data[0].iloc[:1])
    assert book.decisions[0]["score"] == answer[0]
    assert "decision" not in book.decisions[0]


@pytest.mark.parametrize("rows", [2, COLUMNAR_FROM])
def test_what_is_no_number_is_no_score_and_stays_in_the_output(book: FakeBook, rows: int) -> None:
    class Model:
        classes_ = ("no", "yes")

        def predict_proba(self, X: Any) -> Any:
            return np.array([[np.nan, np.nan], *[[0.25, 0.75]] * (rows - 1)])

    watch(book, Model()).predict_proba(np.zeros((rows, 1)))
    if rows < COLUMNAR_FROM:
        assert ["score" in decision for decision in book.decisions] == [False, True]
        assert np.isnan(book.decisions[0]["output"]["predict_proba"]["yes"])
    else:
        assert book.batches[0]["score"].tolist() == [None, *[0.75] * (rows - 1)]


def test_anomalies_and_distances_are_recorded_too(book: FakeBook, data: Data) -> None:
    watch(book, IsolationForest(n_estimators=5, random_state=0).fit(data[0])).predict(data[0].iloc[:1])
    watch(book, SVC().fit(*data)).decision_function(data[0].iloc[:1])
    assert book.decisions[0]["decision"] in ("1", "-1")
    assert set(book.decisions[1]["output"]) == {"decision_function"}
    assert isinstance(book.decisions[1]["score"], float)


def test_the_threshold_of_the_model_itself_is_recorded(book: FakeBook, data: Data) -> None:
    model = FixedThresholdClassifier(LogisticRegression(max_iter=5_000), threshold=0.3).fit(*data)
    watch(book, model).predict(data[0].iloc[:1])
    assert book.decisions[0]["parameters"] == {"threshold": 0.3}


def test_functions_of_the_caller_say_decision_and_score(book: FakeBook, data: Data, pipeline: Any) -> None:
    watched = watch(
        book, pipeline, decision=lambda answers: ["seen"] * len(answers), score=lambda answers: answers * 2.0
    )
    watched.predict(data[0].iloc[:1])
    assert (book.decisions[0]["decision"], book.decisions[0]["score"]) == ("seen", 0.0)


def test_a_call_can_be_one_decision(book: FakeBook, data: Data, pipeline: Any) -> None:
    watch(book, pipeline, batch="one").predict(data[0])
    (decision,) = book.decisions
    assert decision["input"] is data[0]
    assert decision["output"]["predict"].shape == (len(data[0]),)


def test_a_sample_says_that_it_is_one(book: FakeBook, data: Data, pipeline: Any) -> None:
    watched = watch(book, pipeline, sample=0.0)
    watched.predict(data[0].iloc[:1])
    assert book.decisions == []
    watched = watch(book, pipeline, sample=1.0)
    watched.predict(data[0].iloc[:1])
    assert book.decisions[0]["context"] == {"sample": 1.0}


def test_an_error_of_the_model_is_recorded_and_raised(book: FakeBook, data: Data, pipeline: Any) -> None:
    watched = watch(book, pipeline, sample=0.0)
    with pytest.raises(ValueError, match="feature names"):
        watched.predict(data[0].iloc[:1, :2])
    (decision,) = book.decisions
    assert decision["output"] is None
    assert decision["context"]["error"]["type"] == "ValueError"
    assert decision["parameters"]["method"] == "predict"
    assert list(decision["input"]) == ["mean radius", "mean texture"]


def test_a_model_that_was_never_fitted_fails_on_record(book: FakeBook, data: Data) -> None:
    with pytest.raises(NotFittedError):
        watch(book, LogisticRegression()).predict(data[0])
    assert book.decisions[0]["model"]["name"] == "LogisticRegression"
    assert book.of_kind("model") == []


def test_a_failure_to_record_does_not_reach_the_caller(data: Data, pipeline: Any) -> None:
    class Broken(FakeBook):
        def record(self, **members: Any) -> str:
            raise OSError("no space")

    book = Broken()
    assert watch(book, pipeline).predict(data[0].iloc[:1]).tolist() == [0]
    assert "no space" in str(book.failures[0])


# The stand-in


def test_the_stand_in_is_the_model_to_whoever_uses_it(book: FakeBook, data: Data, pipeline: Any) -> None:
    watched = watch(book, pipeline)
    assert isinstance(watched, type(pipeline))
    assert is_classifier(watched)
    check_is_fitted(watched)
    assert watched.get_params().keys() == pipeline.get_params().keys()
    assert repr(watched) == repr(pipeline)
    assert len(watched) == 2
    assert watched[0] is pipeline[0]
    assert watched.classes_.tolist() == [0, 1]
    assert watched.__wrapped__ is unwatched(watched) is pipeline
    assert not hasattr(watch(book, LinearRegression()), "predict_proba")
    assert not hasattr(watched, "nothing")
    assert bool(watch(book, LinearRegression()))
    assert watched.score(*data) == pipeline.score(*data)
    assert book.records == []


def test_the_model_is_not_changed(book: FakeBook, data: Data, pipeline: Any) -> None:
    before = state_digest(pipeline)
    watch(book, pipeline).predict(data[0])
    assert state_digest(pipeline) == before
    pipeline.predict(data[0])
    assert len(book.batches) == 1


def test_copies_clones_and_pickles_are_of_the_model_alone(book: FakeBook, pipeline: Any) -> None:
    watched = watch(book, pipeline)
    for made in (clone(watched), copy.copy(watched), copy.deepcopy(watched), pickle.loads(pickle.dumps(watched))):
        assert type(made) is type(pipeline)
        assert unwatched(made) is made
    assert b"causebook" not in pickle.dumps(watched)
    file = io.BytesIO()
    joblib.dump(watched, file)
    file.seek(0)
    assert type(joblib.load(file)) is type(pipeline)


def test_cross_validation_of_a_watched_model_records_nothing(book: FakeBook, data: Data, pipeline: Any) -> None:
    assert len(cross_val_score(watch(book, pipeline), *data, cv=3)) == 3
    assert book.records == []


def test_a_watched_model_is_not_wrapped_twice(book: FakeBook, data: Data, pipeline: Any) -> None:
    twice = watch(book, watch(FakeBook(), pipeline))
    twice.predict(data[0].iloc[:1])
    assert twice.__wrapped__ is pipeline
    assert len(book.decisions) == 1


def test_fitting_again_makes_it_another_model(book: FakeBook, data: Data) -> None:
    watched = watch(book, SGDClassifier(random_state=0))
    assert watched.fit(*data) is watched
    watched.predict(data[0].iloc[:1])
    watched.partial_fit(*data)
    watched.predict(data[0].iloc[:1])
    unwatched(watched).fit(data[0] * 2, data[1])
    watched.predict(data[0].iloc[:1])
    digests = [decision["model"]["digest"] for decision in book.decisions]
    assert len(set(digests)) == 3
    assert [model["model"]["digest"] for model in book.of_kind("model")] == digests


def test_attributes_are_set_on_the_model(book: FakeBook, pipeline: Any) -> None:
    watched = watch(book, pipeline)
    watched.note = 1
    assert pipeline.note == 1
    assert watched.set_params(verbose=True) is watched
    del watched.note
    assert not hasattr(pipeline, "note")


# Identity


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(max_iter=5_000),
        RandomForestClassifier(n_estimators=5, random_state=0),
        make_pipeline(StandardScaler(), SVC()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_digest_of_state_is_the_same_when_the_model_was_loaded(data: Data, model: Any) -> None:
    model.fit(*data)
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    assert state_digest(model) == state_digest(pickle.loads(pickle.dumps(model))) == state_digest(joblib.load(file))


def test_a_digest_of_state_is_another_for_another_state(data: Data) -> None:
    one = LogisticRegression(max_iter=5_000).fit(*data)
    other = LogisticRegression(max_iter=5_000).fit(data[0] * 1.01, data[1])
    assert state_digest(one) != state_digest(other)
    assert state_digest({"a", "b", "c"}) == state_digest({"c", "b", "a"})
    assert state_digest(np.zeros((2, 3))) != state_digest(np.zeros((3, 2)))
    assert state_digest(np.asfortranarray(np.ones((2, 3)))) == state_digest(np.ones((2, 3)))


def test_the_file_that_a_model_was_loaded_from_can_be_its_artefact(
    book: FakeBook, data: Data, pipeline: Any, tmp_path: Any
) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump(pipeline, path)
    watch(book, joblib.load(path), artefact=path).predict(data[0].iloc[:1])
    (model,) = book.of_kind("model")
    assert model["model"]["digest"] == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert model["model"]["digest_of"] == "file"


# XGBoost and LightGBM


def test_a_booster_of_xgboost_records_probabilities(book: FakeBook, data: Data, tmp_path: Any) -> None:
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(*data), 3)
    watched = watch(book, booster, "tumour", proba_threshold=0.5, decision={1: "benign", 0: "malignant"})
    answer = watched.predict(xgboost.DMatrix(data[0].iloc[:1]))
    watched.inplace_predict(data[0].iloc[:1])
    watched.predict(xgboost.DMatrix(data[0].iloc[:1]), pred_contribs=True)
    first, second = book.decisions
    assert first["score"] == second["score"] == float(answer[0])
    assert first["decision"] == ("benign" if answer[0] >= 0.5 else "malignant")
    assert {name: float(value) for name, value in first["input"].items()} == pytest.approx(data[0].iloc[0].to_dict())
    assert second["output"] == {"inplace_predict": float(answer[0])}
    booster.save_model(tmp_path / "model.ubj")
    saved = hashlib.sha256((tmp_path / "model.ubj").read_bytes()).hexdigest()
    (model,) = book.of_kind("model")
    assert model["model"]["digest"] == f"sha256:{saved}"
    assert model["model"]["framework"] == f"xgboost {xgboost.__version__}"
    assert model["parameters"]["objective"] == "binary:logistic"
    assert model["parameters"]["tree_train_param"]["max_depth"] == "6"


def test_an_answer_keeps_its_type(book: FakeBook, data: Data) -> None:
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(*data), 3)
    watch(book, booster).predict(xgboost.DMatrix(data[0].iloc[:1]))
    assert type(book.decisions[0]["output"]["predict"]) is np.float32


def test_a_margin_is_a_score_and_no_decision(book: FakeBook, data: Data) -> None:
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(*data), 3)
    watched = watch(book, booster, proba_threshold=0.5)
    margin = watched.predict(xgboost.DMatrix(data[0].iloc[:1]), output_margin=True)
    (decision,) = book.decisions
    assert decision["score"] == float(margin[0])
    assert decision["parameters"] == {"output_margin": True}
    assert "decision" not in decision


def test_training_on_makes_a_booster_another_model(book: FakeBook, data: Data) -> None:
    matrix = xgboost.DMatrix(*data)
    booster = xgboost.train({"objective": "binary:logistic"}, matrix, 3)
    watched = watch(book, booster)
    watched.predict(xgboost.DMatrix(data[0].iloc[:1]))
    booster.update(matrix, 3)
    watched.predict(xgboost.DMatrix(data[0].iloc[:1]))
    assert len({decision["model"]["digest"] for decision in book.decisions}) == 2


def test_several_classes_have_a_probability_each(book: FakeBook, data: Data) -> None:
    labels = data[1] + (data[0]["mean area"] > 1_000) * 2
    labels = labels.map({value: place for place, value in enumerate(sorted(labels.unique()))})
    booster = xgboost.train(
        {"objective": "multi:softprob", "num_class": labels.nunique()}, xgboost.DMatrix(data[0], labels), 3
    )
    watch(book, booster, score=1).predict(xgboost.DMatrix(data[0].iloc[:1]))
    output = book.decisions[0]["output"]["predict"]
    assert list(output) == [str(place) for place in range(labels.nunique())]
    assert sum(output.values()) == pytest.approx(1.0)
    assert book.decisions[0]["score"] == output["1"]


def test_estimators_of_xgboost_and_lightgbm_have_the_digest_of_their_booster(book: FakeBook, data: Data) -> None:
    boosted = xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(*data)
    light = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(*data)
    watch(book, boosted).predict(data[0].iloc[:1])
    watch(book, light).predict_proba(data[0].iloc[:1])
    of_xgboost, of_lightgbm = book.of_kind("model")
    assert of_xgboost["model"]["digest"] == _sha256(boosted.get_booster().save_raw("ubj"))
    assert of_xgboost["parameters"]["max_depth"] == 2
    assert of_lightgbm["model"]["digest"] == _sha256(light.booster_.model_to_string().encode())
    assert of_lightgbm["model"]["framework"] == f"lightgbm {lightgbm.__version__}"
    assert of_lightgbm["model"]["classes"] == [0, 1]
    assert book.decisions[0]["decision"] in ("0", "1")
    assert 0 < book.decisions[1]["score"] < 1


def test_a_booster_of_lightgbm_records_probabilities(book: FakeBook, data: Data) -> None:
    booster = lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(*data), 3)
    loaded = lightgbm.Booster(model_str=booster.model_to_string())
    watched = watch(book, loaded, proba_threshold=0.9)
    watched.predict(data[0])
    watched.predict(data[0], pred_contrib=True)
    watched.predict(data[0].iloc[:1], raw_score=True)
    (batch,) = book.batches
    assert (batch["decision"] == "1").tolist() == (batch["score"] >= 0.9).tolist()
    assert batch["model"]["digest"] == _sha256(booster.model_to_string().encode())
    assert "decision" not in book.decisions[0]


def _sha256(data: bytes | bytearray) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
