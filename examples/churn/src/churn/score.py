"""`score CUSTOMERS.csv`: prints each customer's risk of leaving, highest first."""

import importlib.metadata
import os
import pathlib
import sys

from churn import features, model


def root():
    """The runnable tree mlship installed, or the project folder while developing."""
    here = pathlib.Path(__file__).resolve()
    return pathlib.Path(os.environ.get("MLSHIP_ROOT") or here.parents[2])


def version():
    try:
        return importlib.metadata.version("churn")
    except importlib.metadata.PackageNotFoundError:
        return "development"


def main():
    if len(sys.argv) != 2:
        print("usage: score CUSTOMERS.csv", file=sys.stderr)
        return 2
    tensors, metadata = model.load(root() / "models" / "classifier.safetensors")
    ids, matrix, _ = features.read(sys.argv[1])
    risks = model.probability(tensors, matrix)
    print(f"churn {version()}, model of {metadata['trained_for']}")
    for risk, customer in sorted(zip(risks.tolist(), ids), reverse=True):
        print(f"{customer} {risk:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
