"""Models that record what they answer: `book.watch(model)` gives a stand-in whose predictions are in the book.

The stand-in is the model to whoever uses it: `isinstance`, parameters, attributes, `clone`, pickles. The model itself is
not changed, and what it calls inside itself, such as `score`, is not recorded. A failure to record never reaches the
caller; an error of the model is recorded and raised on.
"""

from __future__ import annotations

import functools
import random
import uuid
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, cast

from causebook import _answers, _models, _tables
from causebook._answers import Answers, Decide, Rules, Score
from causebook._failures import failed, guarded, recorded_with
from causebook._models import Artefact, Identity
from causebook._shapes import attributes, is_mapping, is_sequence

Model = TypeVar("Model")
Batch = Literal["rows", "one"]

# From so many rows on, a call is recorded by columns. Below, a record a row costs less than making a batch.
COLUMNAR_FROM = 17


def watch(
    book: Any,
    model: Model,
    name: str | None = None,
    version: str | None = None,
    *,
    decision: Decide = None,
    score: Score = None,
    features: Sequence[str] | None = None,
    exclude: Collection[str] = (),
    proba_threshold: float | None = None,
    batch: Batch = "rows",
    sample: float | None = None,
    artefact: Artefact | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Model:
    """A stand-in for a model of scikit-learn, XGBoost, LightGBM or their like, whose predictions record themselves.

    Args:
        book: where to.
        model: an estimator, a pipeline or a booster. It is not changed; a stand-in is taken for the model behind it.
        name: of the model in records; the name of its class if not given.
        version: of the model in records.
        decision: words for labels, such as `{0: "approve", 1: "deny"}`, or a function of all answers of a call that
            gives a word for each.
        score: the class whose probability is the score (of two, the second), or a function of all answers of a call.
        features: names of columns, where what the model is given has none and the model knows none.
        exclude: columns that are not recorded.
        proba_threshold: the probability of the second of two classes from which on it is the decision. It is recorded,
            and gives `predict_proba`, and `predict` of a booster, a decision.
        batch: `"rows"`: each row is a decision. `"one"`: a call is a decision, its rows together.
        sample: the share of calls to record, from 0 to 1; all if not given. Calls that fail are always recorded.
        artefact: the file that the model was loaded from, or its bytes: the digest is then that of the file.
        parameters: recorded with each decision: versions of policies, thresholds that are applied later.
    """
    settings = Settings(Rules(decision, score, proba_threshold), features, frozenset(exclude), batch, sample)
    target = unwatched(model)
    return stand_in(target, Watcher(book, target, name, version, settings, artefact, dict(parameters or {})))


def stand_in(model: Model, watcher: Watcher) -> Model:
    """What behaves like the model, and has its predictions recorded by the watcher."""
    cls: Any = type(model)
    return cast(Model, _stand_in_type(cls)(model, watcher))


def unwatched(model: Model) -> Model:
    """The model behind a stand-in; any other object as it is."""
    return cast(Model, _target(model)) if isinstance(type(model), _StandInType) else model


def watcher_of(stand_in: Any) -> Watcher:
    """The watcher of a stand-in."""
    return _watcher(stand_in)


def recorded_by(model: Any) -> Sequence[Any]:
    """Ids of the records of the last call of a watched model in this thread or task, a row each.

    An outcome or a review needs them: `book.outcome(causebook.recorded_by(model)[0], …)`.
    """
    watcher, ids = _last.get()
    return ids if isinstance(type(model), _StandInType) and watcher is _watcher(model) else ()


@dataclass(frozen=True)
class Settings:
    """What the caller asked for."""

    rules: Rules
    features: Sequence[str] | None
    exclude: frozenset[str]
    batch: Batch
    sample: float | None


class Watcher:
    """Records the calls of one model."""

    def __init__(
        self,
        book: Any,
        model: Any,
        name: str | None,
        version: str | None,
        settings: Settings,
        artefact: Artefact | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        self.book = book
        self.target = model
        self._name = name or _models.name_of(model)
        self._version = version
        self._settings = settings
        self._artefact = artefact
        self._parameters = parameters or {}
        self.lineage: dict[str, Any] = {}
        """More members of `model` in the record of the model."""
        self._known: tuple[tuple[Any, ...], Identity] | None = None
        self._fitted_here = False
        if self.ready():
            # Not in the first call: a digest of a large model takes its time.
            guarded(book, self.identity)

    def identity(self) -> Identity:
        """Identity of the model as it is fitted now."""
        # No lock, which a fork could find taken: two threads may both find out, and find the same.
        now, known = self.state(), self._known
        if known is None or not _models.same(now, known[0]):
            self._fitted_here = self._fitted_here or known is not None
            known = now, self.describe()
            self._known = known
        return known[1]

    def describe(self) -> Identity:
        """Finds out the identity of the model."""
        # A file that was named is the model until it is fitted again.
        return _models.identify(self.target, None if self._fitted_here else self._artefact)

    def state(self) -> tuple[Any, ...]:
        """What changes when the model is fitted again."""
        return _models.fingerprint(self.target)

    def ready(self) -> bool:
        """Whether the model has an identity yet."""
        return _models.is_fitted(self.target)

    def meaning(self, identity: Identity, method: str, asked: Mapping[str, Any]) -> _answers.Meaning:
        """What the answers of a method are."""
        return _answers.meaning(self.target, identity, method, asked)

    def fitted(self) -> None:
        """The model is, or may be, another one now."""
        self._known, self._fitted_here = None, True

    def recording(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, recording itself."""

        @functools.wraps(call)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            if any(kwargs.get(name) for name in _EXPLAINS):
                return call(*args, **kwargs)
            try:
                answer = call(*args, **kwargs)
            except Exception as error:
                recorded_with(error, self.book, functools.partial(self._failed, method, error, args, kwargs))
                raise
            if self._settings.sample is None or random.random() < self._settings.sample:
                guarded(self.book, functools.partial(self._answered, method, answer, args, kwargs))
            return answer

        return recorded

    def _answered(self, method: str, answer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        identity = self.identity()
        given = _given(args, kwargs)
        settings = self._settings
        names = settings.features or identity.feature_names
        rows = _tables.table(given, names, settings.exclude)
        model = self._model(identity, rows)
        means = self.meaning(identity, method, kwargs)
        answers = _answers.read(identity, method, means, answer, settings.rules)
        members = {"model": model, **self._circumstances(answers.threshold, kwargs)}
        if rows is None or settings.batch == "one" or not answers.fits(rows.rows):
            ids: Sequence[Any] = [
                self._whole(given if rows is None else rows.whole(), answers, method, answer, members)
            ]
        elif rows.rows < COLUMNAR_FROM or rows.columns is None or answers.whole is not None:
            ids = self._by_row(rows, answers, members)
        else:
            ids = _by_column(self.book, rows, answers, members)
        _last.set((self, ids))

    def _by_row(self, rows: _tables.Table, answers: Answers, members: dict[str, Any]) -> list[Any]:
        inputs, outputs = rows.values(), answers.rows()
        if rows.rows > 1:
            members = {**members, "context": {**members.get("context", {}), "call": str(uuid.uuid4())}}
        ids: list[Any] = []
        decisions, scores = answers.judged(rows.rows)
        for given, output, decision, score in zip(inputs, outputs, decisions, scores, strict=True):
            judged = {"decision": decision, "score": score}
            stated = {member: value for member, value in judged.items() if value is not None}
            ids.append(self.book.record(input=given, output=output, **stated, **members))
        return ids

    def _whole(self, given: Any, answers: Answers, method: str, answer: Any, members: dict[str, Any]) -> Any:
        decisions, scores = answers.judged(1)
        judged = {"decision": decisions[0], "score": scores[0]} if answers.fits(1) else {}
        stated = {member: value for member, value in judged.items() if value is not None}
        return self.book.record(input=given, output={method: answer}, **stated, **members)

    def _failed(self, method: str, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        identity = self.identity()
        # A model that was never fitted fails too: it is none to be registered.
        model = self._model(identity, None) if self.ready() else self._named(replace(identity, digest=None))
        given = _given(args, kwargs)
        rows = _tables.table(given, self._settings.features or identity.feature_names, self._settings.exclude)
        if rows is not None:
            given = rows.values()[0] if rows.rows == 1 else rows.whole()
        members = self._circumstances(None, kwargs)
        parameters = {**members.get("parameters", {}), "method": method}
        outcome = failed(error, members.get("context"))
        ids = [self.book.record(model=model, input=given, parameters=parameters, **outcome)]
        _last.set((self, ids))

    def _circumstances(self, threshold: float | None, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of the call, and that it is one of a sample."""
        parameters = dict(self._parameters)
        if threshold is not None:
            parameters["threshold"] = threshold
        for name, value in kwargs.items():
            if name == "params" and is_mapping(value):
                parameters.update(value)
            elif name not in _GIVEN and isinstance(value, (bool, int, float, str)):
                parameters[name] = value
        members: dict[str, Any] = {"parameters": parameters} if parameters else {}
        context: dict[str, Any] = {}
        if self._settings.sample is not None:
            context["sample"] = self._settings.sample
        if self._settings.exclude:
            context["held_back"] = {"excluded": sorted(self._settings.exclude)}
        if context:
            members["context"] = context
        return members

    def _named(self, identity: Identity) -> dict[str, Any]:
        named = {
            "name": self._name,
            "version": self._version,
            "digest": identity.digest,
            "framework": identity.framework,
        }
        return {member: value for member, value in named.items() if value is not None}

    def _model(self, identity: Identity, rows: _tables.Table | None) -> dict[str, Any]:
        """The model as decisions name it. Its first use is recorded, with all that it says of itself."""
        model = self._named(identity)
        if _is_new(self.book, (model.get("name"), model.get("version"), model.get("digest"))):
            members = identity.registration({**model, **self.lineage})
            _with_dtypes(members["model"], rows)
            self.book.record(kind="model", **members)
        return model


def _by_column(book: Any, rows: _tables.Table, answers: Answers, members: dict[str, Any]) -> Sequence[Any]:
    """All rows of a call at once, by columns."""
    assert rows.columns is not None
    context = {**members.get("context", {}), "call": str(uuid.uuid4())}
    judged = {"decision": answers.decisions, "score": answers.finite_scores()}
    stated = {member: column for member, column in judged.items() if column is not None}
    logged = book.log_batch(rows.columns(), answers.outputs, **stated, **{**members, "context": context})
    return logged if is_sequence(logged) else ()


def _with_dtypes(model: dict[str, Any], rows: _tables.Table | None) -> None:
    """Adds the dtypes of features that the model itself does not know from what it was given first."""
    if rows is None or not rows.names:
        return
    known: list[dict[str, str]] = model.get("features", [])
    given = [{"name": name, "dtype": dtype} for name, dtype in zip(rows.names, rows.dtypes, strict=True)]
    if not known:
        model["features"] = given
    elif len(known) == len(given):
        model["features"] = [{**seen, **own} for seen, own in zip(given, known, strict=True)]


def _is_new(book: Any, model: tuple[Any, ...]) -> bool:
    """Whether the book has not heard of this model from this process."""
    mark = object()
    return _seen.setdefault(book, {}).setdefault(model, mark) is mark


def _given(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What a model is asked about."""
    return args[0] if args else next((kwargs[name] for name in _GIVEN if name in kwargs), None)


_seen: weakref.WeakKeyDictionary[Any, dict[tuple[Any, ...], object]] = weakref.WeakKeyDictionary()
_last: ContextVar[tuple[Any, Sequence[Any]]] = ContextVar("causebook.watch.last", default=(None, ()))

# Names of the argument that a model is asked about.
_GIVEN = ("X", "data", "model_input")
# Arguments that ask a booster for something other than a prediction.
_EXPLAINS = ("pred_contribs", "pred_interactions", "pred_leaf", "pred_contrib", "approx_contribs")


# The stand-in


class _StandInType(type):
    """The type of stand-ins: how they are told from models, whatever their `__class__` says."""


class _StandIn(metaclass=_StandInType):
    __slots__ = ("__weakref__", "_causebook_target", "_causebook_watcher")

    def __init__(self, target: Any, watcher: Watcher) -> None:
        object.__setattr__(self, "_causebook_target", target)
        object.__setattr__(self, "_causebook_watcher", watcher)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # type: ignore[override, unused-ignore]
        return _target(self).__class__

    @property
    def __dict__(self) -> Any:  # type: ignore[misc, override, unused-ignore]
        # `vars`, by which scikit-learn sees whether an estimator is fitted.
        return attributes(_target(self))

    @property
    def __wrapped__(self) -> Any:
        return _target(self)

    def __getattr__(self, name: str) -> Any:
        target, watcher = _target(self), _watcher(self)
        value = getattr(target, name)
        if name in _PREDICTS and callable(value):
            return watcher.recording(name, value)
        if name in _FITS and callable(value):
            return _fitting(self, watcher, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_target(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_target(self), name)

    def __dir__(self) -> list[str]:
        return dir(_target(self))

    def __repr__(self) -> str:
        return repr(_target(self))

    def __getstate__(self) -> Any:
        return _target(self).__getstate__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Copies and pickles are of the model alone: a book can be in no file.
        return _target(self).__reduce_ex__(protocol)


def _target(stand_in: Any) -> Any:
    return object.__getattribute__(stand_in, "_causebook_target")


def _watcher(stand_in: Any) -> Watcher:
    return cast(Watcher, object.__getattribute__(stand_in, "_causebook_watcher"))


def _fitting(stood_for: Any, watcher: Watcher, call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, after which the model is another one; what gives the model back gives the stand-in."""

    @functools.wraps(call)
    def fitting(*args: Any, **kwargs: Any) -> Any:
        try:
            answer = call(*args, **kwargs)
        finally:
            watcher.fitted()
        return stood_for if answer is _target(stood_for) else answer

    return fitting


@functools.cache
def _stand_in_type(cls: type) -> type:
    """The type of stand-ins for a class: it has the special methods that the class has, since those are looked up in it.

    It bears the name of the class, because libraries compare names where they do not want to import.
    """
    members: dict[str, Any] = {"__slots__": (), "__module__": cls.__module__, "__doc__": cls.__doc__}
    for name in _SPECIAL:
        if hasattr(cls, name):
            members[name] = _passed_on(name)
    made = _StandInType(cls.__name__, (_StandIn,), members)
    made.__qualname__ = cls.__qualname__
    return made


def _passed_on(name: str) -> Callable[..., Any]:
    def special(self: Any, *args: Any) -> Any:
        return getattr(_target(self), name)(*args)

    special.__name__ = name
    return special


_PREDICTS = frozenset(("predict", "predict_proba", "predict_log_proba", "decision_function", "inplace_predict"))
_FITS = frozenset(
    "fit partial_fit fit_predict fit_transform set_params load_model update refit rollback_one_iter model_from_string "
    "shuffle_models set_leaf_output boost set_attr".split()
)
_SPECIAL = ("__len__", "__getitem__", "__iter__", "__contains__", "__call__", "__copy__", "__deepcopy__")
