"""Splits of a sample's rows: what early stopping trains and validates on."""

from math import ceil

import numpy as np


def last_rows(rows: np.ndarray, fraction: float, gap: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on, and the last ones, to validate on, which start `gap` rows later."""
    n_validation = ceil(fraction * len(rows))
    training, validation = np.split(rows, [len(rows) - n_validation])
    training = training[: np.searchsorted(training, validation[0] - gap)]
    if not len(training):
        raise ValueError(
            f"With n_samples={len(rows)}, validation_fraction={fraction} and a gap of {gap} row(s), early stopping "
            "leaves no row to train on."
        )
    return training, validation


def stratified_rows(rows: np.ndarray, classes: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to train and to validate on, drawn from each class in proportion."""
    from sklearn.model_selection import train_test_split  # imported here, since it takes long

    training, validation = train_test_split(rows, test_size=fraction, stratify=classes[rows], random_state=seed)
    return training, validation
