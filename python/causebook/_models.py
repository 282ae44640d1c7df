"""Says which model it is: digest of the artefact, library, parameters, features, classes.

Nothing here imports a library: a model of a library is there only if the program has loaded the library. What a digest
is taken over is written beside it, as `digest_of`:

| `digest_of` | SHA-256 over |
|---|---|
| `xgboost-ubj` | `Booster.save_raw("ubj")`, which is what `save_model("model.ubj")` writes |
| `lightgbm-text` | `Booster.model_to_string()` in UTF-8, which is what `save_model("model.txt")` writes |
| `pickled-state` | the pickle of the object as `StatePickler` writes it; the same only for the same versions of the libraries |
| `file` | the bytes of the file that the caller named as the artefact |
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import pickle
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from causebook._shapes import attributes, is_list, is_mapping, is_sequence

T = TypeVar("T")

Artefact = str | os.PathLike[str] | bytes


@dataclass(frozen=True)
class Identity:
    """Which model it is, as far as it says so itself."""

    kind: str
    """The class, with its module."""
    framework: str | None
    """Library and version, such as `xgboost 3.2.0`."""
    digest: str | None
    digest_of: str | None
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    features: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    classes: list[Any] = field(default_factory=list[Any])
    threshold: float | None = None
    """Where the model itself draws the line between two classes, if it says so."""

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in their order."""
        return [feature["name"] for feature in self.features]

    @property
    def objective(self) -> str:
        """What a booster was trained for, without its settings: `binary sigmoid:1` is `binary`."""
        return str(self.parameters.get("objective", "")).partition(" ")[0]

    def registration(self, model: Mapping[str, Any]) -> dict[str, Any]:
        """Members of the record of kind `model` that tells about it; `model` has its name, version and digest."""
        about: dict[str, Any] = {**model, "class": self.kind}
        if self.digest_of:
            about["digest_of"] = self.digest_of
        if self.features:
            about["features"] = self.features
        if self.classes:
            about["classes"] = self.classes
        about["environment"] = _environment()
        members: dict[str, Any] = {"model": about}
        if self.parameters:
            members["parameters"] = self.parameters
        return members


def identify(model: Any, artefact: Artefact | None = None) -> Identity:
    """Identity of a model as it is now. What cannot be found out is left out: this does not raise."""
    family = _family(model)
    unknown: tuple[str | None, str | None] = (None, None)
    digest, digest_of = _of_file(artefact) if artefact is not None else _attempt(family.digest, model, unknown)
    return Identity(
        kind=f"{type(model).__module__}.{type(model).__qualname__}",
        framework=family.framework(model),
        digest=digest,
        digest_of=digest_of,
        parameters=_attempt(family.parameters, model, {}),
        features=_attempt(family.features, model, []),
        classes=_attempt(_classes, model, []),
        threshold=_attempt(_threshold, model, None),
    )


def fingerprint(model: Any) -> tuple[Any, ...]:
    """What changes when a model is fitted again, cheap enough for every call.

    Objects are held, so that no other object can take their identity: compare with `same`.
    """
    return tuple(_attempt(_state, model, []))


def same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two fingerprints are of the same fitted state."""
    return len(one) == len(other) and all(a is b or (_simple(a) and a == b) for a, b in zip(one, other, strict=True))


def is_fitted(model: Any) -> bool:
    """Whether a model has something to take a digest of."""
    if _is_booster(model):
        return True
    steps = _steps(model)
    if steps:
        return is_fitted(steps[-1])
    return any(
        name.endswith("_") and not name.startswith("__") for name in attributes(model)
    ) or "_Booster" in attributes(model)


def library(model: Any) -> str | None:
    """The library whose model it is: the most special one among those that its class descends from."""
    found = [_root(base) for base in type(model).__mro__]
    for known in ("xgboost", "lightgbm", "catboost", "sklearn"):
        if known in found:
            return known
    return next((root for root in found if root != "builtins"), None)


def name_of(model: Any) -> str:
    """A name for a model that nobody has named: its class, or that of the last step of a pipeline."""
    steps = _steps(model)
    return name_of(steps[-1]) if steps else type(model).__name__


def plain(value: Any) -> Any:
    """A parameter of a model as a value that a record can have, and a reader can read."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if is_mapping(value):
        return {str(key): plain(item) for key, item in value.items()}
    if is_sequence(value) and len(value) <= 1_000:
        return [plain(item) for item in value]
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}"
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "size", 0) == 1:
        return plain(item())
    return repr(value)[:1_000]


@dataclass(frozen=True)
class _Family:
    distribution: str | None
    digest: Callable[[Any], tuple[str | None, str | None]]
    parameters: Callable[[Any], dict[str, Any]]
    features: Callable[[Any], list[dict[str, str]]]

    def framework(self, model: Any) -> str | None:
        root = library(model)
        module = sys.modules.get(root) if root else None
        version = getattr(module, "__version__", None)
        return f"{self.distribution or root} {version}" if version else None


def _family(model: Any) -> _Family:
    root = library(model)
    if root == "xgboost" and _xgboost_booster(model) is not None:
        return _Family("xgboost", _xgboost_digest, _xgboost_parameters, _xgboost_features)
    if root == "lightgbm" and _lightgbm_booster(model) is not None:
        return _Family("lightgbm", _lightgbm_digest, _lightgbm_parameters, _lightgbm_features)
    distribution = "scikit-learn" if root == "sklearn" else None
    return _Family(distribution, _pickled_digest, _get_params, _sklearn_features)


def _attempt(question: Callable[[Any], T], model: Any, otherwise: T) -> T:
    try:
        return question(model)
    except Exception:
        return otherwise


# XGBoost


def _xgboost_booster(model: Any) -> Any:
    if _is_booster(model):
        return model
    return attributes(model).get("_Booster")


def _xgboost_digest(model: Any) -> tuple[str, str]:
    return _sha256(_xgboost_booster(model).save_raw("ubj")), "xgboost-ubj"


def _xgboost_parameters(model: Any) -> dict[str, Any]:
    import json

    learner = json.loads(_xgboost_booster(model).save_config())["learner"]
    kept = {
        "objective": learner["objective"]["name"],
        "learner_model_param": learner["learner_model_param"],
        "tree_train_param": learner["gradient_booster"].get("tree_train_param"),
    }
    configured = {name: value for name, value in kept.items() if value}
    if _is_booster(model):
        return configured
    # A parameter that is None is one that XGBoost chose itself: what it chose is in the configuration.
    asked = {name: value for name, value in _get_params(model).items() if value is not None}
    return {**asked, **configured}


def _xgboost_features(model: Any) -> list[dict[str, str]]:
    booster = _xgboost_booster(model)
    return _features(booster.feature_names or [], booster.feature_types or [])


# LightGBM


def _lightgbm_booster(model: Any) -> Any:
    if _is_booster(model):
        return model
    return attributes(model).get("_Booster")


def _lightgbm_digest(model: Any) -> tuple[str, str]:
    return _sha256(_lightgbm_booster(model).model_to_string().encode()), "lightgbm-text"


def _lightgbm_parameters(model: Any) -> dict[str, Any]:
    if _is_booster(model):
        return {name: plain(value) for name, value in dict(model.params).items()}
    return {**_get_params(model), "objective": plain(model.objective_)}


def _lightgbm_features(model: Any) -> list[dict[str, str]]:
    return _features(_lightgbm_booster(model).feature_name(), [])


# scikit-learn, and whatever has its manners


def _pickled_digest(model: Any) -> tuple[str | None, str | None]:
    try:
        return state_digest(model), "pickled-state"
    except Exception:
        # Of a function in a notebook, or a model that holds itself, there is no digest.
        return None, None


def _get_params(model: Any) -> dict[str, Any]:
    """Parameters, those of steps under `step__name`; the steps themselves only by name."""
    given: dict[str, Any] = model.get_params(deep=True)
    return {name: plain(value) for name, value in given.items() if not _is_part(name, value)}


def _is_part(name: str, value: Any) -> bool:
    return hasattr(value, "get_params") or name.rpartition("__")[2] in ("steps", "transformers", "transformer_list")


def _sklearn_features(model: Any) -> list[dict[str, str]]:
    return _features(list(model.feature_names_in_), [])


def _classes(model: Any) -> list[Any]:
    classes = model.classes_
    return plain(classes.tolist() if hasattr(classes, "tolist") else list(classes))  # type: ignore[no-any-return]


def _threshold(model: Any) -> float | None:
    # `TunedThresholdClassifierCV` finds one, `FixedThresholdClassifier` is given one.
    for name in ("best_threshold_", "threshold"):
        value = getattr(model, name, None)
        if isinstance(value, float):
            return float(value)
    return None


def _features(names: Iterable[Any], types: Sequence[Any]) -> list[dict[str, str]]:
    listed = [{"name": str(name)} for name in names]
    for feature, kind in zip(listed, types, strict=False):
        feature["dtype"] = str(kind)
    return listed


# Fitted state


def _state(model: Any) -> list[Any]:
    if _is_booster(model):
        return [model, _rounds(model)]
    found: list[Any] = [model]
    for step in _steps(model):
        found.extend(_state(step))
    for value in attributes(model).values():
        found.append(value)
        if _is_booster(value):
            found.append(_rounds(value))
    return found


def _rounds(booster: Any) -> int:
    count = getattr(booster, "num_boosted_rounds", None) or booster.num_trees
    return int(count())


def _is_booster(model: Any) -> bool:
    return str(type(model).__name__) == "Booster" and _root(model.__class__) in ("xgboost", "lightgbm")


def _steps(model: Any) -> list[Any]:
    """Steps of a pipeline, those that are left out left out."""
    steps = attributes(model).get("steps")
    if not is_list(steps) or not hasattr(model, "named_steps"):
        return []
    return [part for _, part in steps if hasattr(part, "get_params")]


def _simple(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _root(cls: type) -> str:
    return cls.__module__.partition(".")[0]


# Digests


def state_digest(value: Any) -> str:
    """SHA-256 of the pickle of an object by `StatePickler`, with `sha256:` before it.

    >>> state_digest({"a": 1}) == state_digest({"a": 1})
    True
    """
    sink = _Sha256()
    StatePickler(sink).dump(value)
    return f"sha256:{sink.sum.hexdigest()}"


class _Sha256(io.RawIOBase):
    def __init__(self) -> None:
        self.sum = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.sum.update(data)
        return len(data)


class StatePickler(pickle.Pickler):
    """Writes equal state as equal bytes, whether the object was made here or loaded from a file.

    It is the pickle of protocol 5 with three differences. Nothing is written as "the same object as before", because
    which of two equal strings are one object changes when they are loaded. Arrays are written as their dtype, shape and
    the SHA-256 of their items in C order, field by field, because layout in memory and padding are no state. Sets are
    written sorted, because their order changes from process to process.
    """

    def __init__(self, sink: Any) -> None:
        super().__init__(sink, 5)
        self.fast = True

    def persistent_id(self, obj: Any) -> Any:
        """What is written in place of an array or a set; `None` for all else."""
        if type(obj) in (set, frozenset):
            return type(obj).__name__, sorted(state_digest(item) for item in obj)
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(obj, numpy.ndarray) and not obj.dtype.hasobject:
            return "ndarray", *_array(numpy, obj)
        return None


def _array(numpy: Any, array: Any) -> tuple[Any, ...]:
    if array.dtype.names:
        fields = [(name, *_array(numpy, array[name])) for name in array.dtype.names]
        return array.dtype.str, array.shape, fields
    return array.dtype.str, array.shape, _sha256(numpy.ascontiguousarray(array).tobytes())


def _of_file(artefact: Artefact) -> tuple[str, str]:
    if isinstance(artefact, bytes):
        return _sha256(artefact), "file"
    with Path(artefact).open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}", "file"


def _sha256(data: bytes | bytearray) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _environment() -> dict[str, str]:
    """Versions that the answer of a model may depend on."""
    known = {"numpy", "scipy", "pandas", "sklearn", "xgboost", "lightgbm", "catboost", "onnxruntime"}
    loaded = {name: getattr(sys.modules[name], "__version__", None) for name in known if name in sys.modules}
    versions = {name: str(version) for name, version in sorted(loaded.items()) if version}
    return {"python": platform.python_version(), **versions}
