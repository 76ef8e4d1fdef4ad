"""A decrypted model as a scikit-learn pipeline.

    from zektra_sklearn import load
    pipeline = load("model.json")
    pipeline.predict(table)            # a DataFrame, or an array with the schema's columns in order

The pipeline is what `zektra predict` computes: rows are bounded by the schema and meet the weights. The
first column after scaling is the constant, so classifiers have no intercept. Of `linear-classifier/1` the
scores are distances to ±½, not log-odds: use `predict` and `decision_function`, not `predict_proba`.
"""

import json

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

FORMAT = "zektra-linear-model/1"


def scale_rows(table, names, low, high, gain, bias, row_norm, value_range):
    """Raw rows to bounded ones: the constant, then the columns.

    Values are clipped to their column's bounds and mapped to [-gain, gain]; a row whose squared norm, the
    constant included, is above `row_norm` is scaled down to it; then values are clipped to ±value_range.
    """
    if hasattr(table, "columns"):
        table = table[list(names)]
    raw = np.asarray(table, dtype=float)
    if raw.ndim != 2 or raw.shape[1] != len(names):
        raise ValueError(f"a table of shape {raw.shape}, expected (rows, {len(names)})")
    bad = np.argwhere(~np.isfinite(raw))
    if len(bad):
        row, column = bad[0]
        raise ValueError(f"row {row}, column {names[column]!r}: {raw[row, column]}, expected a finite number")
    place = (np.clip(raw, low, high) - low) / (high - low)
    rows = np.column_stack([np.full(len(raw), bias), gain * (2.0 * place - 1.0)])
    norm = (rows * rows).sum(axis=1, keepdims=True)
    rows = np.where(norm > row_norm, rows * np.sqrt(row_norm / np.maximum(norm, row_norm)), rows)
    return np.clip(rows, -value_range, value_range)


def load(path):
    """The pipeline of a model file that `zektra decrypt-model` wrote."""
    with open(path, encoding="utf-8") as file:
        model = json.load(file)
    if model.get("format") != FORMAT:
        raise ValueError(f"{path}: format is {model.get('format')!r}, expected {FORMAT!r}")
    schema = model["schema"]
    weights = np.array(model["weights"], dtype=float)
    if weights.ndim != 2 or weights.shape[1] != len(schema["columns"]) + 1:
        raise ValueError(f"{path}: weights of shape {weights.shape} do not fit {len(schema['columns'])} columns")
    scale = FunctionTransformer(
        scale_rows,
        kw_args={
            "names": tuple(c["name"] for c in schema["columns"]),
            "low": np.array([c["low"] for c in schema["columns"]]),
            "high": np.array([c["high"] for c in schema["columns"]]),
            "gain": schema["gain"],
            "bias": schema["bias"],
            "row_norm": schema["row_norm"],
            "value_range": schema["range"],
        },
    )
    return Pipeline([("scale", scale), ("model", _estimator(schema["target"], weights))])


def _estimator(target, weights):
    if target["kind"] == "number":
        # The targets were mapped from [low, high] to ±½.
        width = target["high"] - target["low"]
        estimator = LinearRegression(fit_intercept=False)
        estimator.coef_ = weights[0] * width
        estimator.intercept_ = 0.5 * width + target["low"]
    else:
        estimator = LogisticRegression(fit_intercept=False)
        estimator.coef_ = weights
        estimator.intercept_ = np.zeros(len(weights))
        estimator.classes_ = np.array(target["values"])
        estimator.n_iter_ = np.zeros(1, dtype=np.int32)
    estimator.n_features_in_ = weights.shape[1]
    return estimator
