"""Predicts which customers will leave: features, training, scoring."""
