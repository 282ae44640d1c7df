"""Attributions as a record has them: of `shap.Explanation`, of `pred_contribs` of boosters, of plain numbers.

An explanation says its method and version, the baseline it is measured against, the value there, what each feature adds,
and what that adds up to. Where the model's own answer is given too, the residual says how far the sum is from it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from causebook._errors import RecordError
from causebook._shapes import is_list, is_mapping, is_sequence


def explanation(
    value: Any,
    *,
    row: int | None = None,
    names: Sequence[str] | None = None,
    output: str | int | None = None,
    base_value: Any = None,
    baseline: str | Mapping[str, Any] | None = None,
    method: str | None = None,
    scale: str | None = None,
    output_value: float | None = None,
) -> dict[str, Any]:
    """The member `explanation` of a decision, from attributions in any usual form.

    Args:
        value: a `shap.Explanation`, of one row or of many; an array of attributions, whose last column may be the base
            value as in `pred_contribs` of XGBoost and LightGBM; a list of numbers; or a dict of features to numbers.
            A dict that has `attributions`, `method` or `reasons` is an explanation already and is given back.
        row: which row, if there are many.
        names: of the features, where the value has none.
        output: which output of many, by name or place, such as the class that was decided; all of them if not given.
        base_value: what the model answers at the baseline, where the value does not say.
        baseline: what the attributions are measured against, in words or as name, size and digest of a sample. The
            baseline is the question: without it the numbers say little.
        method: how they were made; `shap` for an Explanation.
        scale: of the numbers, such as `log-odds` or `probability`.
        output_value: what the model answered, on the same scale.

    >>> explanation({"age": 0.3, "income": -0.1}, base_value=0.5, output_value=0.7)["residual"]
    0.0
    """
    if is_mapping(value) and any(name in value for name in ("attributions", "method", "reasons")):
        return dict(value)
    found = _found(value, names, base_value)
    one = _row(found, row)
    made: dict[str, Any] = {}
    method = method or ("shap" if found.of_shap else None)
    library = getattr(sys.modules.get("shap"), "__version__", None) if found.of_shap else None
    stated = {
        "method": method,
        "method_version": f"shap {library}" if library else None,
        "scale": scale,
        "baseline": baseline,
    }
    made.update({member: text for member, text in stated.items() if text is not None})
    if not one.outputs:
        made.update(_one(one, one.values, one.base))
        made.update(_residual(made, output_value))
        return made
    if output is not None or len(one.outputs) == 1:
        place = _place(one.outputs, 0 if output is None else output)
        made["output"] = one.outputs[place]
        made.update(_one(one, _last(one.values, place), _item(one.base, place)))
        made.update(_residual(made, output_value))
        return made
    made["outputs"] = {
        name: _one(one, _last(one.values, place), _item(one.base, place)) for place, name in enumerate(one.outputs)
    }
    return made


class _Found:
    """Attributions as nested lists, by row if `rows` is not `None`, and by output in the innermost lists if there are."""

    def __init__(
        self, values: Any, base: Any, names: list[str], outputs: list[str], rows: int | None, of_shap: bool = False
    ) -> None:
        self.values = values
        self.base = base
        self.names = names
        self.outputs = outputs
        self.rows = rows
        self.of_shap = of_shap


def _found(value: Any, names: Sequence[str] | None, base_value: Any) -> _Found:
    if is_mapping(value):
        return _Found([_number(item) for item in value.values()], base_value, [str(name) for name in value], [], None)
    if hasattr(value, "values") and hasattr(value, "base_values"):
        return _of_shap(value, names, base_value)
    if hasattr(value, "columns") and hasattr(value, "to_numpy"):
        return _of_array(value.to_numpy(), names or [str(name) for name in value.columns], base_value)
    if not hasattr(value, "ndim"):
        value = _as_array(value)
    return _of_array(value, names, base_value)


def _of_shap(value: Any, names: Sequence[str] | None, base_value: Any) -> _Found:
    """`values` are (features), (rows, features), either with outputs behind, or with features twice for interactions."""
    values = value.values
    base = value.base_values if base_value is None else base_value
    features = names or value.feature_names
    width = len(features) if features is not None else None
    # The row of an Explanation is one without a first dimension; its data tell how many dimensions rows and features have.
    data_dimensions = getattr(getattr(value, "data", None), "ndim", None)
    many = data_dimensions == 2 if data_dimensions is not None else values.ndim > 1 and values.shape[0] != width
    axes = values.ndim - int(many)
    if width is None:
        width = values.shape[1 if many else 0]
        features = [f"x{place}" for place in range(width)]
    interacts = axes >= 2 and values.shape[int(many) + 1] == width and _is_matrix(base, many, axes)
    outputs = axes - int(interacts) > 1
    named = _output_names(value, values.shape[-1]) if outputs else []
    rows = int(values.shape[0]) if many else None
    return _Found(values.tolist(), _plain(base), [str(name) for name in features or ()], named, rows, of_shap=True)


def _is_matrix(base: Any, many: bool, axes: int) -> bool:
    """Whether a square of features is one of interactions, and not one of as many outputs: then bases would be as many."""
    dimensions = getattr(base, "ndim", 0) - int(many and getattr(base, "ndim", 0) > 0)
    return axes == 3 or dimensions <= 0


def _output_names(value: Any, count: int) -> list[str]:
    names = getattr(value, "output_names", None)
    if isinstance(names, str):
        names = [names]
    given = [str(name) for name in names] if names is not None and len(names) == count else []
    # SHAP makes up names where it has none.
    if not given or given == [f"Output {place}" for place in range(count)]:
        return [str(place) for place in range(count)]
    return given


def _of_array(values: Any, names: Sequence[str] | None, base_value: Any) -> _Found:
    """Arrays as libraries give them: XGBoost (rows, [outputs,] features + 1), LightGBM (rows, outputs × (features + 1))."""
    listed = values.tolist()
    if values.ndim == 1:
        width = len(names) if names is not None else len(listed)
        if len(listed) == width + 1 and base_value is None:
            return _Found(listed[:-1], listed[-1], _names(names, width), [], None)
        return _Found(listed, _plain(base_value), _names(names, len(listed)), [], None)
    rows, columns = int(values.shape[0]), int(values.shape[-1])
    width = len(names) if names is not None else columns - int(base_value is None)
    named = _names(names, width)
    if values.ndim == 2 and columns == width and base_value is not None:
        return _Found(listed, _plain(base_value), named, [], rows)
    if values.ndim == 2 and columns == width + 1:
        return _Found([row[:-1] for row in listed], [row[-1] for row in listed], named, [], rows)
    if values.ndim == 2 and columns % (width + 1) == 0:
        listed = [[row[start : start + width + 1] for start in range(0, columns, width + 1)] for row in listed]
        return _by_output(listed, named, rows)
    if values.ndim == 3 and columns == width + 1 and values.shape[1] == width + 1:
        # Interactions, with the base value where the two biases meet.
        matrices = [[line[:-1] for line in row[:-1]] for row in listed]
        return _Found(matrices, [row[-1][-1] for row in listed], named, [], rows)
    if values.ndim == 3 and columns == width + 1:
        return _by_output(listed, named, rows)
    raise RecordError(
        f"explanation: an array of shape {tuple(values.shape)} does not fit {width} features; give names= for its columns"
    )


def _by_output(listed: list[Any], names: list[str], rows: int) -> _Found:
    """Turns rows of outputs of features, a bias behind, into rows of features of outputs."""
    values = [[list(column) for column in zip(*(output[:-1] for output in row), strict=True)] for row in listed]
    base = [[output[-1] for output in row] for row in listed]
    return _Found(values, base, names, [str(place) for place in range(len(listed[0]))], rows)


def _row(found: _Found, row: int | None) -> _Found:
    if found.rows is None:
        return found
    if row is None and found.rows != 1:
        raise RecordError(f"explanation: it is of {found.rows} rows; give row= or one row of it")
    place = row or 0
    if not -found.rows <= place < found.rows:
        raise RecordError(f"explanation: there is no row {place} among {found.rows}")
    base = _base_of_row(found, place)
    return _Found(found.values[place], base, found.names, found.outputs, None, found.of_shap)


def _base_of_row(found: _Found, place: int) -> Any:
    """A base value may be one for all rows, one for each, or one for each output."""
    base = found.base
    if not is_list(base):
        return base
    per_row = len(base) == found.rows and (not found.outputs or isinstance(base[0], list))
    base = base[place] if per_row else base
    # LightGBM and XGBoost give one number in a list.
    return base[0] if is_list(base) and len(base) == 1 and not found.outputs else base


def _one(found: _Found, values: list[Any], base: Any) -> dict[str, Any]:
    """Members for one output of one row."""
    if len(values) != len(found.names):
        raise RecordError(
            f"explanation: {len(values)} attributions for {len(found.names)} features; give names= for each"
        )
    made: dict[str, Any] = {}
    if base is not None:
        made["base_value"] = _number(base)
    if values and is_list(values[0]):
        made["attributions"] = {
            name: math.fsum(map(_number, line)) for name, line in zip(found.names, values, strict=True)
        }
        made["interactions"] = list(_interactions(found.names, values))
    else:
        made["attributions"] = {name: _number(value) for name, value in zip(found.names, values, strict=True)}
    if base is not None:
        made["sum"] = math.fsum([made["base_value"], *made["attributions"].values()])
    return made


def _interactions(names: list[str], matrix: list[list[Any]]) -> Iterable[dict[str, Any]]:
    """Pairs of features and what they add together; a feature with itself is its main effect. What adds nothing is left out."""
    for first, line in enumerate(matrix):
        for second in range(first, len(names)):
            value = _number(line[second]) + (_number(matrix[second][first]) if second > first else 0.0)
            if value != 0.0:
                yield {"features": [names[first], names[second]], "value": value}


def _residual(made: Mapping[str, Any], output_value: float | None) -> dict[str, Any]:
    if output_value is None:
        return {}
    told = {"output_value": _number(output_value)}
    return {**told, "residual": told["output_value"] - made["sum"]} if "sum" in made else told


def _place(outputs: list[str], output: str | int) -> int:
    if isinstance(output, int) and -len(outputs) <= output < len(outputs):
        return output
    if str(output) in outputs:
        return outputs.index(str(output))
    raise RecordError(f"explanation: there is no output {output!r} among {', '.join(outputs)}")


def _last(values: list[Any], place: int) -> list[Any]:
    """The values of one output, which is the innermost list."""
    if values and is_list(values[0]) and values[0] and isinstance(values[0][0], list):
        return [[cell[place] for cell in line] for line in values]
    return [line[place] for line in values]


def _item(base: Any, place: int) -> Any:
    return base[place] if is_list(base) else base


def _names(names: Sequence[str] | None, width: int) -> list[str]:
    return [f"x{place}" for place in range(width)] if names is None else [str(name) for name in names]


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise RecordError(f"explanation: {number} is no attribution")
    return number


def _as_array(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    if is_sequence(value):
        flat = not any(is_sequence(item) for item in value)
        if numpy is not None:
            return numpy.asarray(value, dtype=float)
        if flat:
            return _Line([_number(item) for item in value])
    raise RecordError(f"explanation: a {type(value).__name__} is none; give a shap.Explanation, an array or a dict")


class _Line:
    """A list of numbers, where there is no numpy."""

    ndim = 1

    def __init__(self, items: list[float]) -> None:
        self._items = items

    def tolist(self) -> list[float]:
        return list(self._items)
