"""Models of MLflow record what they answer, with their lineage."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import mlflow
import mlflow.pyfunc
import mlflow.sklearn
import pandas as pd
import pytest
from fake import FakeBook
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression, LogisticRegression

import causebook
import causebook.mlflow
from causebook._errors import SettingError
from causebook._models import state_digest

Data = tuple[Any, Any]


@pytest.fixture(autouse=True, scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_registry_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("tests", artifact_location=folder.as_uri())
    mlflow.set_experiment("tests")


@pytest.fixture(scope="module")
def logged(data: Data, tracking: Any) -> Any:
    """A registered classifier: what MLflow says of it, and the classifier."""
    model = LogisticRegression(max_iter=5_000).fit(*data)
    signature = infer_signature(data[0], model.predict(data[0]))
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(
            model,
            name="tumour",
            signature=signature,
            registered_model_name="tumours",
            serialization_format="cloudpickle",
        )
    return run, info, model


def test_a_registered_model_records_decisions_with_its_lineage(book: FakeBook, data: Data, logged: Any) -> None:
    run, info, model = logged
    watched = causebook.mlflow.watch("models:/tumours/1", book)
    answer = watched.predict(data[0].iloc[:1])
    (registered,) = book.of_kind("model")
    (decision,) = book.decisions
    assert decision["model"]["name"] == "tumours"
    assert decision["model"]["version"] == "1"
    assert decision["model"]["digest"] == registered["model"]["digest"] == state_digest(model)
    assert decision["decision"] == str(answer[0])
    assert decision["input"] == data[0].iloc[0].to_dict()
    lineage = registered["model"]["mlflow"]
    assert lineage["run_id"] == run.info.run_id
    assert lineage["model_id"] == info.model_id
    assert lineage["model_uuid"] == info.model_uuid
    assert lineage["registered_version"] == "1"
    assert registered["model"]["features"][0] == {"name": "mean radius", "dtype": "double"}


def test_an_alias_is_resolved(book: FakeBook, data: Data, logged: Any) -> None:
    mlflow.MlflowClient().set_registered_model_alias("tumours", "production", "1")
    watched = causebook.mlflow.watch("models:/tumours@production", book, decision={0: "malignant"})
    watched.predict(data[0].iloc[:1])
    watched.predict(data[0])
    assert book.decisions[0]["model"]["version"] == "1"
    assert book.decisions[0]["decision"] == "malignant"
    assert len(book.batches) == 1


def test_a_loaded_model_is_itself_to_whoever_uses_it(book: FakeBook, data: Data, logged: Any) -> None:
    _, info, _ = logged
    loaded = mlflow.pyfunc.load_model(info.model_uri)
    watched = causebook.mlflow.watch(loaded, book)
    assert isinstance(watched, mlflow.pyfunc.PyFuncModel)
    assert watched.metadata.model_uuid == info.model_uuid
    watched.predict(data[0].iloc[:1])
    assert book.decisions[0]["model"]["name"] == "LogisticRegression"


def test_an_error_of_the_model_is_recorded_and_raised(book: FakeBook, data: Data, logged: Any) -> None:
    _, info, _ = logged
    watched = causebook.mlflow.watch(info.model_uri, book)
    with pytest.raises(mlflow.exceptions.MlflowException):
        watched.predict(data[0].iloc[:1, :2])
    assert book.decisions[0]["output"] is None


class Sum(mlflow.pyfunc.PythonModel):
    """Adds up what it is given, and something more."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        return model_input.sum(axis=1) + (params or {}).get("more", 0)


def test_a_model_of_ones_own_says_nothing_of_decisions(book: FakeBook, data: Data) -> None:
    with mlflow.start_run():
        info = mlflow.pyfunc.log_model(
            name="sum", python_model=Sum(), signature=infer_signature(data[0], [1.0], params={"more": 0})
        )
    watched = causebook.mlflow.watch(mlflow.pyfunc.load_model(info.model_uri), book)
    answer = watched.predict(data[0].iloc[:1], params={"more": 1})
    (decision,) = book.decisions
    assert decision["output"] == {"predict": answer.iloc[0]}
    assert decision["parameters"] == {"more": 1}
    assert "decision" not in decision
    assert "score" not in decision
    assert "digest" not in decision["model"]


def test_a_model_that_was_logged_recorded_records_where_it_is_served(
    book: FakeBook, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[dict[str, Any]] = []

    def connect(**settings: Any) -> FakeBook:
        connections.append(settings)
        return book

    monkeypatch.setattr(causebook, "connect", connect, raising=False)
    model = LogisticRegression(max_iter=5_000).fit(*data)
    recorded = causebook.mlflow.Recorded(
        model,
        connect={"target": "https://ledger.example"},
        name="tumour",
        version="2",
        method="predict_proba",
        proba_threshold=0.5,
    )
    with mlflow.start_run() as run:
        info = mlflow.pyfunc.log_model(name="tumour", python_model=recorded, signature=infer_signature(data[0]))
    served = mlflow.pyfunc.load_model(info.model_uri)
    answer = served.predict(data[0].iloc[:2])
    served.predict(data[0].iloc[:1])
    assert connections == [{"target": "https://ledger.example"}]
    assert answer.tolist() == pytest.approx(model.predict_proba(data[0].iloc[:2]))
    (registered,) = book.of_kind("model")
    assert registered["model"]["mlflow"] == {"run_id": run.info.run_id}
    assert registered["model"]["digest"] == state_digest(model)
    assert len(book.decisions) == 3
    assert book.decisions[0]["model"]["version"] == "2"
    assert book.decisions[0]["parameters"] == {"threshold": 0.5}
    assert book.decisions[0]["score"] == answer[0][1]


def test_a_python_model_can_be_recorded(book: FakeBook, data: Data) -> None:
    recorded = causebook.mlflow.Recorded(Sum(), connect={"target": "https://ledger.example"})
    recorded._book = book
    answer = recorded.predict(None, data[0].iloc[:1], {"more": 1})
    assert book.decisions[0]["output"] == {"predict": answer.iloc[0]}
    assert book.decisions[0]["input"] == data[0].iloc[0].to_dict()


def test_a_recorded_model_is_pickled_without_its_book(book: FakeBook, data: Data) -> None:
    recorded = causebook.mlflow.Recorded(LinearRegression().fit(*data), connect={"target": "https://ledger.example"})
    recorded._book = book
    recorded.predict(None, data[0].iloc[:1])
    loaded = pickle.loads(pickle.dumps(recorded))
    assert loaded._book is None
    with pytest.raises(SettingError, match="not connected"):
        loaded.predict(None, data[0])


def test_a_token_is_no_part_of_a_model(data: Data) -> None:
    with pytest.raises(SettingError, match="CAUSEBOOK_TOKEN"):
        causebook.mlflow.Recorded(LinearRegression(), connect={"target": "https://ledger.example", "token": "secret"})


def test_importing_the_package_imports_no_library() -> None:
    import subprocess

    code = (
        "import sys, causebook, causebook.asgi, causebook.logs, causebook._watch, causebook._shap; "
        "print([name for name in ('numpy', 'sklearn', 'mlflow', 'starlette', 'shap', 'pandas') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
