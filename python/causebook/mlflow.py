"""Models of MLflow that record what they answer, with the lineage that MLflow knows: run, model id, registered version.

    model = causebook.mlflow.watch("models:/credit/3", book)
    model.predict(frame)

To serve a model that records itself, log it wrapped: `log_model(python_model=Recorded(model, connect={…}))`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import mlflow
import mlflow.pyfunc

from causebook import _answers, _models, _watch
from causebook._answers import Decide, Score
from causebook._errors import SettingError
from causebook._failures import guarded
from causebook._models import Identity

# Not what a checker of types can follow: it is there only where MLflow is.
PythonModel: Any = getattr(mlflow.pyfunc, "PythonModel")  # noqa: B009

__all__ = ["Recorded", "watch"]


def watch(
    model: Any,
    book: Any,
    *,
    name: str | None = None,
    version: str | None = None,
    uri: str | None = None,
    decision: Decide = None,
    score: Score = None,
    exclude: Collection[str] = (),
    proba_threshold: float | None = None,
    batch: _watch.Batch = "rows",
    sample: float | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """A stand-in for a pyfunc model whose predictions record themselves.

    `model` is what `mlflow.pyfunc.load_model` gives, or the URI of a model, which is then loaded. A registered name and
    version are taken from `uri` (`models:/credit/3`, `models:/credit@production`), because a model that was loaded does
    not know them. The other arguments are those of `book.watch`.
    """
    if isinstance(model, str):
        uri = uri or model
        model = mlflow.pyfunc.load_model(model)
    model = _watch.unwatched(model)
    lineage = lineage_of(model)
    registered = guarded(book, lambda: _registered(uri)) if uri else None
    if registered:
        lineage["registered_model"], lineage["registered_version"] = registered
    settings = _watch.Settings(
        _answers.Rules(decision, score, proba_threshold), None, frozenset(exclude), batch, sample
    )
    name = name or lineage.get("registered_model") or _name(model, _inner(model))
    version = version or lineage.get("registered_version")
    watcher = PyFuncWatcher(book, model, name, version, settings, lineage, dict(parameters or {}))
    return _watch.stand_in(model, watcher)


def lineage_of(model: Any) -> dict[str, Any]:
    """What MLflow knows of where a pyfunc model comes from."""
    metadata = model.metadata
    known = {
        "run_id": metadata.run_id,
        "model_id": getattr(metadata, "model_id", None),
        "model_uuid": metadata.model_uuid,
        "created": metadata.utc_time_created,
        "mlflow_version": metadata.mlflow_version,
        "flavors": sorted(flavor for flavor in metadata.flavors if flavor != "python_function"),
    }
    return {member: value for member, value in known.items() if value}


class PyFuncWatcher(_watch.Watcher):
    """Records the calls of a pyfunc model: as the model inside it, if MLflow gives that out."""

    def __init__(
        self,
        book: Any,
        model: Any,
        name: str | None,
        version: str | None,
        settings: _watch.Settings,
        lineage: dict[str, Any],
        parameters: dict[str, Any],
    ) -> None:
        self._inner = _inner(model)
        self._inner_method = str(_predict_fn(model) or "predict")
        super().__init__(book, model, name, version, settings, parameters=parameters)
        self.lineage = {"mlflow": lineage}

    def describe(self) -> Identity:
        """Identity of the model inside, with features from the signature."""
        features = _signature(self.target)
        if self._inner is None:
            return Identity(
                kind="mlflow.pyfunc.PyFuncModel", framework=_framework(), digest=None, digest_of=None, features=features
            )
        inner = _models.identify(self._inner)
        return replace(inner, features=features or inner.features)

    def state(self) -> tuple[Any, ...]:
        """A model that was loaded is not fitted again."""
        return ()

    def ready(self) -> bool:
        """A model that was loaded is."""
        return True

    def meaning(self, identity: Identity, method: str, asked: Mapping[str, Any]) -> _answers.Meaning:
        """What the answers are, as far as the model inside tells."""
        if self._inner is None:
            return "unknown"
        return _answers.meaning(self._inner, identity, self._inner_method, asked)


class Recorded(PythonModel):  # type: ignore[misc]
    """A model that records itself wherever MLflow serves it.

        mlflow.pyfunc.log_model(
            name="credit",
            python_model=Recorded(model, connect={"target": "https://ledger.example:7373"}, name="credit"),
            signature=signature,
        )

    `model` is a model of scikit-learn, XGBoost, LightGBM or their like, or a `PythonModel`. `connect` are the arguments
    of `causebook.connect`, with which the server connects when it loads the model. A token is no part of a model: give
    the server `CAUSEBOOK_TOKEN`. `method` is the method of the model that answers, such as `predict_proba`.
    """

    def __init__(
        self,
        model: Any,
        connect: Mapping[str, Any],
        *,
        name: str | None = None,
        version: str | None = None,
        method: str = "predict",
        **settings: Any,
    ) -> None:
        if "token" in connect:
            raise SettingError("connect: a token would lie in the model's files; give the server CAUSEBOOK_TOKEN")
        self.model = _watch.unwatched(model)
        self.connect = dict(connect)
        self.method = method
        self.named = {"name": name, "version": version}
        self.settings = settings
        self.lineage: dict[str, Any] = {}
        self._book: Any = None
        self._watched: Any = None

    def load_context(self, context: Any) -> None:
        """Connects, once the model is loaded to be served."""
        import causebook

        # What the inner model loads is its own.
        if hasattr(self.model, "load_context"):
            self.model.load_context(context)
        # To find out what a model needs, MLflow loads it once in a process of its own: no place to connect from.
        if self._book is None and os.environ.get("MLFLOW_IN_CAPTURE_MODULE_PROCESS", "").lower() != "true":
            self._book = causebook.connect(**self.connect)

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Answers as the model does, and records it."""
        if self._watched is None:
            self._watched = self._watching()
        answer = getattr(self._watched, self.method)
        if isinstance(self.model, PythonModel):
            return answer(model_input=model_input, context=context, params=params)
        return answer(model_input)

    def _watching(self) -> Any:
        if self._book is None:
            raise SettingError("the model is not connected; mlflow.pyfunc.load_model does that, or load_context(None)")
        watched = _watch.watch(self._book, self.model, self.named["name"], self.named["version"], **self.settings)
        _watch.watcher_of(watched).lineage.update({"mlflow": self.lineage} if self.lineage else {})
        return watched

    def __getstate__(self) -> dict[str, Any]:
        # MLflow pickles the model while its run is active: that is the run it comes from.
        run = mlflow.active_run()
        lineage = {"run_id": run.info.run_id} if run is not None else {}
        return {**self.__dict__, "_book": None, "_watched": None, "lineage": {**self.lineage, **lineage}}


def _inner(model: Any) -> Any:
    """The model of the library, where the flavour has one; that of `python_model` has no manners to rely on."""
    try:
        inner = model.get_raw_model()
    except Exception:
        return None
    return inner if _models.library(inner) in ("sklearn", "xgboost", "lightgbm") else None


def _predict_fn(model: Any) -> str | None:
    flavor = cast("Mapping[str, Any]", model.metadata.flavors).get("python_function", {})
    return cast("str | None", flavor.get("predict_fn"))


def _signature(model: Any) -> list[dict[str, str]]:
    signature = model.metadata.signature
    inputs = signature.inputs if signature is not None else None
    if inputs is None or not inputs.has_input_names():
        return []
    types: Sequence[Any] = inputs.input_types()
    return [{"name": str(name), "dtype": _type(kind)} for name, kind in zip(inputs.input_names(), types, strict=True)]


def _type(kind: Any) -> str:
    return str(getattr(kind, "name", kind))


def _name(model: Any, inner: Any) -> str:
    """A name for a model that is not registered: MLflow gives it none."""
    if inner is not None:
        return _models.name_of(inner)
    try:
        return type(model.unwrap_python_model()).__name__
    except Exception:
        return type(model).__name__


def _registered(uri: str) -> tuple[str, str] | None:
    """Registered name and version of `models:/name/version`, `models:/name@alias`."""
    found = re.fullmatch(r"models:/([^/@]+)(?:/(\d+)|@(.+))", uri)
    if found is None:
        return None
    name, version, alias = found.groups()
    if alias is not None:
        version = str(mlflow.MlflowClient().get_model_version_by_alias(name, alias).version)
    return name, version


def _framework() -> str:
    return f"mlflow {mlflow.__version__}"
