"""ONNX models as skl2onnx and onnxmltools write them, and what ONNX Runtime says with one thread and one row at a time."""

import warnings

import numpy
import onnx
import onnxruntime
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import to_onnx
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn import ensemble, linear_model, naive_bayes, neural_network, preprocessing, svm, tree
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from xgboost import XGBClassifier, XGBRegressor

from case import Case

warnings.filterwarnings("ignore")

TRAIN, ROWS, COLUMNS = 600, 150, 6
WORDS = ["rent", "own", "free", "other"]


def numbers(seed, missing=0.0):
    """Rows of numbers on several scales, a target, two classes, four classes."""
    random = numpy.random.default_rng(seed)
    scales = numpy.array([1.0, 0.1, 10.0, 1000.0, 1.0, 5.0])
    x = random.normal(size=(TRAIN + ROWS, COLUMNS)) * scales
    x[:, 4] = numpy.round(x[:, 4] * 3)
    unit = x / scales
    y = unit[:, 0] * 2 + numpy.sin(unit[:, 1] * 2) + unit[:, 2] * unit[:, 4] + random.normal(size=len(x)) * 0.3
    x = x.astype(numpy.float32)
    if missing:
        x[random.random(x.shape) < missing] = numpy.nan
    classes = numpy.digitize(y, numpy.quantile(y, [0.25, 0.5, 0.75]))
    return x, y.astype(numpy.float32), (y > 0.3).astype(int), classes


def positive(y):
    return numpy.exp(y / 4)


def sklearn_models():
    x, y, two, four = numbers(1)
    words = numpy.array(["deny", "approve"])[two]
    classifiers = {
        "logistic": (linear_model.LogisticRegression(max_iter=500), two),
        "logistic words": (linear_model.LogisticRegression(max_iter=500), words),
        "logistic four": (linear_model.LogisticRegression(max_iter=500), four),
        "sgd log": (linear_model.SGDClassifier(loss="log_loss", random_state=1), two),
        "sgd hinge": (linear_model.SGDClassifier(random_state=1), two),
        "sgd log four": (linear_model.SGDClassifier(loss="log_loss", random_state=1), four),
        "ridge classifier": (linear_model.RidgeClassifier(), two),
        "tree": (tree.DecisionTreeClassifier(max_depth=6, random_state=1), two),
        "tree four": (tree.DecisionTreeClassifier(max_depth=6, random_state=1), four),
        "forest": (ensemble.RandomForestClassifier(100, random_state=1), two),
        "forest words": (ensemble.RandomForestClassifier(20, random_state=1), words),
        "forest four": (ensemble.RandomForestClassifier(20, max_depth=5, random_state=1), four),
        "extra trees": (ensemble.ExtraTreesClassifier(20, random_state=1), two),
        "boosting": (ensemble.GradientBoostingClassifier(n_estimators=50, random_state=1), two),
        "boosting four": (ensemble.GradientBoostingClassifier(n_estimators=20, random_state=1), four),
        "histogram boosting": (ensemble.HistGradientBoostingClassifier(max_iter=30, random_state=1), two),
        "histogram boosting four": (ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=1), four),
        "perceptron": (neural_network.MLPClassifier([8], max_iter=50, random_state=1), two),
        "naive bayes": (naive_bayes.GaussianNB(), two),
        "support vectors": (svm.SVC(), two),
        "linear support vectors": (svm.LinearSVC(), two),
    }
    regressors = {
        "linear": linear_model.LinearRegression(),
        "ridge": linear_model.Ridge(),
        "lasso": linear_model.Lasso(0.01),
        "sgd": linear_model.SGDRegressor(random_state=1),
        "tree": tree.DecisionTreeRegressor(max_depth=6, random_state=1),
        "forest": ensemble.RandomForestRegressor(100, random_state=1),
        "extra trees": ensemble.ExtraTreesRegressor(20, random_state=1),
        "boosting": ensemble.GradientBoostingRegressor(n_estimators=50, random_state=1),
        "histogram boosting": ensemble.HistGradientBoostingRegressor(max_iter=30, random_state=1),
    }
    scaled = preprocessing.StandardScaler().fit(x[:TRAIN])
    inputs = scaled.transform(x).astype(numpy.float32)
    kinds = [("x", FloatTensorType([None, COLUMNS]))]
    for name, (model, labels) in classifiers.items():
        model.fit(inputs[:TRAIN], labels[:TRAIN])
        yield f"sklearn {name}", model, kinds, {"x": inputs[TRAIN:]}, {"zipmap": False}
    for name in ["logistic", "logistic words", "forest four"]:
        yield f"sklearn {name}, ZipMap", classifiers[name][0], kinds, {"x": inputs[TRAIN:]}, {}
    for name, model in regressors.items():
        model.fit(inputs[:TRAIN], y[:TRAIN])
        yield f"sklearn {name}, regression", model, kinds, {"x": inputs[TRAIN:]}, {}
    two_targets = ensemble.RandomForestRegressor(10, max_depth=5, random_state=1)
    two_targets.fit(inputs[:TRAIN], numpy.stack([y, -y * 2], axis=1)[:TRAIN])
    yield "sklearn forest of two targets, regression", two_targets, kinds, {"x": inputs[TRAIN:]}, {}
    doubles = [("x", DoubleTensorType([None, COLUMNS]))]
    for name in ["forest", "boosting", "tree", "linear"]:
        rows = {"x": inputs[TRAIN:].astype(numpy.float64)}
        yield f"sklearn {name} of doubles, regression", regressors[name], doubles, rows, {}
    for name in ["forest", "boosting", "logistic"]:
        rows = {"x": inputs[TRAIN:].astype(numpy.float64)}
        yield f"sklearn {name} of doubles", classifiers[name][0], doubles, rows, {"zipmap": False}


def pipelines():
    import pandas

    x, y, two, four = numbers(2, missing=0.05)
    random = numpy.random.default_rng(3)
    frame = pandas.DataFrame({f"n{i}": x[:, i] for i in range(COLUMNS)})
    frame["home"] = random.choice(WORDS, len(x))
    frame["job"] = random.choice(["clerk", "cook", "none"], len(x), p=[0.5, 0.4, 0.1])
    frame["terms"] = random.integers(1, 5, len(x))
    filled = frame.fillna(0.5)
    n = [f"n{i}" for i in range(COLUMNS)]
    single, word, whole = FloatTensorType([None, 1]), StringTensorType([None, 1]), Int64TensorType([None, 1])
    one_hot = preprocessing.OneHotEncoder(handle_unknown="ignore")

    def columns(*steps, **more):
        return ColumnTransformer(list(steps), **more)

    imputed = make_pipeline(SimpleImputer(), preprocessing.StandardScaler())
    heads = {
        "credit": (columns(("n", imputed, n), ("c", one_hot, ["home", "job"])), frame),
        "credit and terms": (
            columns(("n", imputed, n), ("c", one_hot, ["home", "job"]), ("t", preprocessing.OneHotEncoder(), ["terms"])),
            frame,
        ),
        "min max": (columns(("n", preprocessing.MinMaxScaler(), n), ("c", one_hot, ["home"])), filled),
        "robust": (columns(("n", preprocessing.RobustScaler(), n), ("c", one_hot, ["job"])), filled),
        "median and flag": (columns(("n", SimpleImputer(strategy="median"), n)), frame),
        "binarizer": (columns(("b", preprocessing.Binarizer(threshold=0.2), n), ("c", one_hot, ["job"])), filled),
        "ordinal": (columns(("n", "passthrough", n), ("c", preprocessing.OrdinalEncoder(), ["home", "job"])), filled),
        "ordinal, unknown": (
            columns(
                ("n", "passthrough", n),
                ("c", preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["home"]),
            ),
            filled,
        ),
        "bins": (columns(("k", preprocessing.KBinsDiscretizer(4, encode="onehot-dense"), n)), filled),
        "maximum": (columns(("m", preprocessing.MaxAbsScaler(), n)), filled),
        "normalizer": (columns(("z", preprocessing.Normalizer(), n), ("c", one_hot, ["home"])), filled),
        "polynomial": (columns(("p", preprocessing.PolynomialFeatures(2), n[:3])), filled),
        "components": (columns(("p", PCA(3), n)), filled),
        "logarithm": (
            columns(("f", preprocessing.FunctionTransformer(numpy.log1p), ["terms"]), ("n", "passthrough", n)),
            filled,
        ),
    }
    tails = {
        "logistic": (linear_model.LogisticRegression(max_iter=300), two),
        "forest": (ensemble.RandomForestClassifier(10, max_depth=6, random_state=1), two),
        "boosting, regression": (ensemble.GradientBoostingRegressor(n_estimators=20, random_state=1), y),
        "boosting four": (ensemble.GradientBoostingClassifier(n_estimators=10, random_state=1), four),
    }
    for at, (name, (head, data)) in enumerate(heads.items()):
        used = sorted({column for _, _, names in head.transformers for column in names}, key=list(data).index)
        kind_of = {"home": word, "job": word, "terms": whole}
        kinds = [(column, kind_of.get(column, single)) for column in used]
        rows = {column: data[column].to_numpy()[TRAIN:].reshape(-1, 1) for column in used}
        for step, (tail, (model, target)) in enumerate(tails.items()):
            if name != "credit" and (at + step) % 2:
                continue
            whole_model = make_pipeline(head, model).fit(data[:TRAIN], target[:TRAIN])
            options = {} if "regression" in tail or step == 1 else {"zipmap": False}
            yield f"pipeline {name}, {tail}", whole_model, kinds, rows, options


def boosters():
    for missing in [0.0, 0.2]:
        x, y, two, four = numbers(4, missing)
        note = ", missing" if missing else ""
        settings = {"n_estimators": 40, "max_depth": 5, "n_jobs": 1, "random_state": 1}
        xgboost = {
            "binary": (XGBClassifier(**settings), two),
            "four": (XGBClassifier(**settings), four),
            "regression": (XGBRegressor(**settings), y),
            "poisson, regression": (XGBRegressor(objective="count:poisson", **settings), positive(y)),
            "logistic, regression": (XGBRegressor(objective="reg:logistic", **settings), two),
            "dart": (XGBClassifier(booster="dart", rate_drop=0.1, **settings), two),
        }
        quiet = dict(settings, verbose=-1)
        lightgbm = {
            "binary": (LGBMClassifier(**quiet), two),
            "four": (LGBMClassifier(**quiet), four),
            "regression": (LGBMRegressor(**quiet), y),
            "poisson, regression": (LGBMRegressor(objective="poisson", **quiet), positive(y)),
            "forest": (LGBMClassifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.6, **quiet), two),
        }
        kinds = [("x", ToolsFloat([None, COLUMNS]))]
        for name, (model, target) in xgboost.items():
            model.fit(x[:TRAIN], target[:TRAIN])
            yield f"XGBoost {name}{note}", lambda model=model: convert_xgboost(model, initial_types=kinds), None, {"x": x[TRAIN:]}, {}
        for name, (model, target) in lightgbm.items():
            model.fit(x[:TRAIN], target[:TRAIN])
            for zipmap in [True, False] if name == "binary" else [False]:
                convert = lambda model=model, zipmap=zipmap: convert_lightgbm(model, initial_types=kinds, zipmap=zipmap)
                yield f"LightGBM {name}{note}{', ZipMap' if zipmap else ''}", convert, None, {"x": x[TRAIN:]}, {}
    x, y, two, four = numbers(5, 0.1)
    x[:, 4] = numpy.abs(numpy.nan_to_num(x[:, 4]))
    model = LGBMClassifier(n_estimators=30, verbose=-1, n_jobs=1, random_state=1).fit(x[:TRAIN], two[:TRAIN], categorical_feature=[4])
    convert = lambda: convert_lightgbm(model, initial_types=[("x", ToolsFloat([None, COLUMNS]))], zipmap=False)
    yield "LightGBM categories", convert, None, {"x": x[TRAIN:]}, {}


def exported(model, kinds, options):
    if kinds is None:
        return model()
    final = model[-1] if hasattr(model, "steps") else model
    zipmap = {id(model): {"zipmap": False}} if options.get("zipmap") is False and hasattr(final, "classes_") else None
    return to_onnx(model, initial_types=kinds, options=zipmap)


def cast(column, kind):
    to = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64, "tensor(int64)": numpy.int64}.get(kind)
    return column.astype(to) if to else column.astype(str).astype(object)


def thresholds(artefact):
    """What trees split at, a list for every column."""
    found = {}
    for node in onnx.load_from_string(artefact).graph.node:
        if node.op_type.startswith("TreeEnsemble"):
            lists = {given.name: onnx.helper.get_attribute_value(given) for given in node.attribute}
            for mode, column, value in zip(lists["nodes_modes"], lists["nodes_featureids"], lists["nodes_values"], strict=True):
                if mode != b"LEAF":
                    found.setdefault(column, []).append(numpy.float32(value))
    return found


def with_edges(x, artefact):
    """Rows with values at, just below and just above what trees split at, missing, very large, and no category's."""
    found = thresholds(artefact)
    if not found:
        return x
    random = numpy.random.default_rng(8)
    edges = x[random.integers(0, len(x), 120)].copy()
    for row in edges:
        for column, values in found.items():
            at = random.choice(values)
            row[column] = random.choice([at, numpy.nextafter(at, numpy.float32(-numpy.inf)), numpy.nextafter(at, numpy.float32(numpy.inf))])
    odd = [0.0, -0.0, numpy.nan, 1e-36, 1e30, -1e30, -1.0, -0.5, 0.5, 1.5, 2.0, 2.5, 3.7, 31.0, 32.0, 33.0, 70.0]
    every = numpy.repeat(numpy.array(odd, dtype=x.dtype)[:, None], x.shape[1], axis=1)
    mixed = x[random.integers(0, len(x), 80)].copy()
    for row in mixed:
        for column in random.integers(0, x.shape[1], 2):
            row[column] = random.choice(odd)
    return numpy.concatenate([x, edges, every, mixed])


def answers(artefact, inputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(artefact, options, providers=["CPUExecutionProvider"])
    columns = {given.name: cast(inputs[given.name], given.type) for given in session.get_inputs()}
    rows, values, labels, single = [], [], [], True
    for at in range(len(next(iter(columns.values())))):
        one = {name: column[at : at + 1] for name, column in columns.items()}
        row = [item for column in one.values() for item in column.ravel().tolist()]
        rows.append([None if item != item else item for item in row])
        outputs = session.run(None, one)
        labels.append(str(numpy.ravel(outputs[0])[0]) if len(outputs) > 1 else None)
        last = outputs[-1]
        if isinstance(last, list):
            last = list(last[0].values())
        else:
            single = last.dtype == numpy.float32
            last = numpy.ravel(last)
        values.append([float(value) for value in last])
    return rows, values, labels, single


#: Operators whose sums or functions ONNX Runtime rounds as the processor suits it.
INEXACT = {"LinearClassifier", "LinearRegressor", "MatMul", "Exp", "Sigmoid", "ReduceSum", "ReduceLogSumExp"}

REFUSED = {
    "sklearn support vectors": "the operator SVMClassifier",
    "pipeline components, boosting, regression": "of what is not computed to the last bit",
}


def cases():
    for family in [sklearn_models, pipelines, boosters]:
        for name, model, kinds, inputs, options in family():
            try:
                artefact = exported(model, kinds, options).SerializeToString()
                if list(inputs) == ["x"]:
                    inputs = {"x": with_edges(inputs["x"], artefact)}
                rows, values, labels, single = answers(artefact, inputs)
            except Exception as error:  # An exporter's or the runtime's failure is none of ours, but is said.
                print(f"no model: {name}: {type(error).__name__}: {str(error).splitlines()[0][:100]}")
                continue
            operators = {node.op_type for node in onnx.load_from_string(artefact).graph.node}
            inexact = sorted(operators & INEXACT)
            largest = max(abs(value) for row in values for value in row)
            yield Case(
                "ONNX",
                name,
                {"onnx": artefact},
                rows,
                values,
                labels=labels if any(labels) else None,
                tolerance=1e-6 * max(1.0, largest) if inexact else 0.0,
                reason=", ".join(inexact),
                refused=REFUSED.get(name, ""),
                single=single,
            )
