"""`train CUSTOMERS.csv MODEL VERSION`: fits the classifier; the same input always gives the same file."""

import sys

import numpy as np

from churn import features, model


def fit(matrix, labels, rounds=2000, rate=0.5):
    weights, bias = np.zeros(matrix.shape[1]), 0.0
    for _ in range(rounds):
        error = model.probability({"weights": weights, "bias": bias}, matrix) - labels
        weights = weights - rate * (matrix.T @ error) / len(labels)
        bias = bias - rate * error.mean()
    # Four decimals: processors differ in the last bits, the file must not.
    return {"weights": np.round(weights, 4), "bias": np.round(np.array(bias), 4)}


def main():
    if len(sys.argv) != 4:
        print("usage: train CUSTOMERS.csv MODEL VERSION", file=sys.stderr)
        return 2
    _, matrix, labels = features.read(sys.argv[1])
    model.save(sys.argv[2], fit(matrix, labels), {"trained_for": sys.argv[3]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
