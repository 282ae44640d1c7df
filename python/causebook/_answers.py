"""What a model answered, read as a record says it: output, decision in a word, score.

`predict` of a classifier gives labels, which are decisions; of a regressor numbers, which are scores. Probabilities
give a score, that of the positive class where there are two classes, and a decision only where a threshold is known.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from causebook import _models
from causebook._shapes import is_mapping
from causebook._tables import Table, plain_items, table

Decide = Mapping[Any, str] | Callable[[Any], Sequence[str | None]] | None
Score = Callable[[Any], Sequence[float]] | str | int | None

# Of what is `unknown`, only what the caller's rules say is a decision or a score.
Meaning = Literal["label", "number", "probability", "margin", "unknown"]


@dataclass(frozen=True)
class Rules:
    """How answers become decisions and scores."""

    decision: Decide = None
    score: Score = None
    threshold: float | None = None


@dataclass(frozen=True)
class Answers:
    """The answers to the rows of one call. Columns have an item for each row."""

    outputs: dict[str, Any]
    """Columns of the output; `predict_proba` and the like are mappings of classes to columns."""
    whole: list[Any] | None
    """In place of `outputs`: the output of each row, where it is no column."""
    decisions: Any = None
    scores: Any = None
    threshold: float | None = None

    def fits(self, rows: int) -> bool:
        """Whether there is an answer for each row."""
        if self.whole is not None:
            return len(self.whole) == rows
        return all(_length(column) == rows for column in self.outputs.values())

    def judged(self, rows: int) -> tuple[list[Any], list[Any]]:
        """Decision and score of each row; `None` where there is none."""
        decisions = [None] * rows if self.decisions is None else _items(self.decisions)
        scores = [None] * rows if self.scores is None else _items(self.finite_scores())
        return decisions, scores

    def finite_scores(self) -> Any:
        """The scores; `None` for those that are no number that JSON has. The output has them."""
        numpy = sys.modules.get("numpy")
        if numpy is None or not isinstance(self.scores, numpy.ndarray) or self.scores.dtype.kind not in "fc":
            return self.scores
        finite = numpy.isfinite(self.scores)
        return self.scores if finite.all() else numpy.where(finite, self.scores, None)

    def rows(self) -> list[Any]:
        """The output of each row."""
        if self.whole is not None:
            return self.whole
        names, columns = list(self.outputs), [_items(column) for column in self.outputs.values()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def meaning(model: Any, identity: _models.Identity, method: str, asked: Mapping[str, Any]) -> Meaning:
    """What the answers of a method are. `asked` are the named arguments of the call."""
    if method == "predict_proba":
        return "probability"
    if method in ("decision_function", "predict_log_proba") or _asks_for_margin(asked):
        return "margin"
    if identity.kind.endswith(".Booster"):
        if identity.objective in _PROBABILITIES:
            return "probability"
        return "label" if identity.objective == "multi:softmax" else "number"
    sort = _sort(model)
    if sort == "regressor":
        return "number"
    return "label" if sort or identity.classes else "unknown"


def read(identity: _models.Identity, method: str, means: Meaning, answer: Any, rules: Rules) -> Answers:
    """Reads what `method` of a model answered."""
    known = table(answer)
    numpy = sys.modules.get("numpy")
    if known is None or numpy is None or _is_frame(answer):
        return _other(answer, known, rules)
    values = numpy.asarray(answer)
    if values.ndim not in (1, 2) or (values.dtype.hasobject and values.ndim == 2):
        return _other(answer, known, rules)
    columns = list(identity.classes)
    if values.ndim == 2 and means in ("probability", "margin"):
        return _by_class(method, means, answer, values, columns, rules)
    decisions, scores = _asked(rules, answer)
    if values.ndim == 2:
        return Answers({}, [{method: row} for row in values.tolist()], decisions, scores)
    if means == "probability":
        return _binary(method, answer, values, columns, rules)
    if means == "label" or (means == "unknown" and is_mapping(rules.decision)):
        words = _words(numpy, values, rules.decision) if decisions is None else decisions
        return Answers({method: values}, None, words, scores, identity.threshold)
    if scores is None and means != "unknown":
        scores = values
    return Answers({method: values}, None, decisions, scores)


def _by_class(method: str, means: Meaning, answer: Any, values: Any, columns: list[Any], rules: Rules) -> Answers:
    """A column for each class."""
    if len(columns) != values.shape[1]:
        columns = list(range(values.shape[1]))
    by_class = {_word(name): values[:, place] for place, name in enumerate(columns)}
    decisions, scores = _asked(rules, answer)
    if isinstance(rules.score, (str, int)):
        scores = by_class.get(_word(rules.score))
    binary = len(columns) == 2 and means == "probability"
    threshold = rules.threshold if binary else None
    if scores is None and binary:
        scores = values[:, 1]
    if decisions is None and threshold is not None:
        decisions = _cut(values[:, 1], threshold, columns, rules.decision)
    return Answers({method: by_class}, None, decisions, scores, threshold)


def _binary(method: str, answer: Any, values: Any, columns: list[Any], rules: Rules) -> Answers:
    """The probability of the second of two classes, as boosters give it."""
    decisions, scores = _asked(rules, answer)
    if decisions is None and rules.threshold is not None:
        names = columns if len(columns) == 2 else [0, 1]
        decisions = _cut(values, rules.threshold, names, rules.decision)
    return Answers({method: values}, None, decisions, values if scores is None else scores, rules.threshold)


def _other(answer: Any, known: Table | None, rules: Rules) -> Answers:
    """A frame answers with its columns, a series or list with an item for each row, all else as a whole."""
    decisions, scores = _asked(rules, answer)
    if known is not None and known.columns is not None and known.names:
        columns = known.columns()
        return Answers({name: columns[name] for name in known.names}, None, decisions, scores)
    whole = known.values() if known is not None else [answer]
    return Answers({}, [item if is_mapping(item) else {"predict": item} for item in whole], decisions, scores)


def _asked(rules: Rules, answer: Any) -> tuple[Any, Any]:
    """What the caller's own functions say."""
    decisions = rules.decision(answer) if callable(rules.decision) else None
    scores = rules.score(answer) if callable(rules.score) else None
    return decisions, scores


def _cut(probabilities: Any, threshold: float, classes: list[Any], decide: Decide) -> Any:
    numpy = sys.modules["numpy"]
    return _words(numpy, (probabilities >= threshold).astype(int), decide, classes)


def _words(numpy: Any, labels: Any, decide: Decide, classes: Sequence[Any] | None = None) -> Any:
    """Labels, or places in `classes`, as words: once for each that there is, not for each row."""
    found, places = numpy.unique(labels, return_inverse=True)
    named: Mapping[Any, str] = decide if is_mapping(decide) else {}
    words: list[str] = []
    for label in found.tolist():
        label = label if classes is None else classes[label]
        words.append(_word(named.get(label, named.get(_word(label), label))))
    return numpy.asarray(words, dtype=object)[places.reshape(-1)]


def _word(label: Any) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)


def _is_frame(answer: Any) -> bool:
    return hasattr(answer, "columns") or hasattr(answer, "column_names")


def _sort(model: Any) -> str | None:
    """What scikit-learn calls the type of an estimator: `classifier`, `regressor`, `outlier_detector`, `clusterer`."""
    try:
        sort = model.__sklearn_tags__().estimator_type
    except AttributeError:
        # Before scikit-learn 1.6.
        sort = getattr(model, "_estimator_type", None)
    return str(sort) if sort else None


def _asks_for_margin(asked: Mapping[str, Any]) -> bool:
    return bool(asked.get("output_margin") or asked.get("raw_score")) or asked.get("predict_type") == "margin"


def _length(column: Any) -> int:
    return min((_length(part) for part in column.values()), default=0) if is_mapping(column) else len(column)


def _items(column: Any) -> list[Any]:
    if is_mapping(column):
        names, columns = list(column), [_items(part) for part in column.values()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return list(column.to_list()) if hasattr(column, "to_list") and not hasattr(column, "iloc") else plain_items(column)


# Objectives for which `predict` of a booster gives probabilities.
_PROBABILITIES = frozenset(
    ("binary:logistic", "multi:softprob", "binary", "multiclass", "multiclassova", "cross_entropy", "xentropy")
)
