#!/usr/bin/env python3
"""Accuracy of scikit-learn's logistic regression on given splits.

Usage: sklearn_baseline.py TABLE.csv < splits.json
The last column is the label; stdin is {"splits": [{"train": [row, ...], "test": [row, ...]}, ...]};
prints {"sklearn": version, "accuracies": [...]}.
"""

import csv
import json
import sys

try:
    import numpy as np
    import sklearn
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
except ImportError as error:
    sys.exit(f"scikit-learn is not available: {error}")


def main() -> None:
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.reader(file))[1:]
    table = np.array(rows, dtype=float)
    x, y = table[:, :-1], table[:, -1]
    accuracies = []
    for split in json.load(sys.stdin)["splits"]:
        train, test = split["train"], split["test"]
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        accuracies.append(model.fit(x[train], y[train]).score(x[test], y[test]))
    print(json.dumps({"sklearn": sklearn.__version__, "accuracies": accuracies}))


if __name__ == "__main__":
    main()
