"""Turns customer records into the numbers the model works on."""

import csv

import numpy as np

NAMES = ("tenure_months", "monthly_spend", "open_tickets")

# Fixed scales keep one customer's features independent of who else is in the file.
SCALES = np.array([60.0, 100.0, 5.0])


def read(path):
    """Returns (customer ids, feature matrix, labels or None) of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ids = [row["customer"] for row in rows]
    matrix = np.array([[float(row[name]) for name in NAMES] for row in rows]) / SCALES
    # New customers with open tickets leave most often: the two together are a feature of their own.
    matrix = np.column_stack([matrix, matrix[:, 2] * (1.0 - matrix[:, 0])])
    labels = np.array([float(row["left"]) for row in rows]) if rows and "left" in rows[0] else None
    return ids, matrix, labels
