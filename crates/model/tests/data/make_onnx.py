#!/usr/bin/env python3
"""Makes the small ONNX models of `onnx/`, which the fuzzer starts from.

    python crates/model/tests/data/make_onnx.py

It needs what tests/peers/models/requirements.txt names.
"""

import pathlib

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor
import pandas as pd

HERE = pathlib.Path(__file__).resolve().parent / "onnx"


def main() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(60, 3)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    simple = {
        "scaled-linear": make_pipeline(SimpleImputer(), StandardScaler(), LinearRegression()).fit(x, x[:, 0]),
        "normalised": make_pipeline(Normalizer(), LogisticRegression()).fit(x, y),
        "tree": DecisionTreeRegressor(max_depth=2).fit(x, x[:, 0]),
        "forest": RandomForestClassifier(n_estimators=2, max_depth=2, random_state=1).fit(x, y),
    }
    for name, model in simple.items():
        write(name, to_onnx(model, x[:1], target_opset=15))
    frame = pd.DataFrame({"a": x[:, 0], "word": np.where(x[:, 1] > 0, "yes", "no")})
    encode = ColumnTransformer([("word", OneHotEncoder(), ["word"]), ("a", StandardScaler(), ["a"])])
    model = make_pipeline(encode, LogisticRegression()).fit(frame, y)
    inputs = [("a", FloatTensorType([None, 1])), ("word", StringTensorType([None, 1]))]
    write("words", to_onnx(model, initial_types=inputs, target_opset=15))


def write(name: str, model: object) -> None:
    # The exporter draws names; nothing depends on them.
    model.graph.name = name
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
