"""Calibrate the probabilities of a network, and compare it with early stopping and a logistic regression.

The sounds are those of the page on classification, with ten times the noise: three kinds, 8 to 15 steps, two channels.
All models train on the same 300 sounds and are tested on the same 2100 others, which no model has seen. The networks
have the same settings but for what their names say. The script prints the log loss and the accuracy, the median of
five draws of sounds and seeds, with the range of the log loss behind it. The log loss of the class frequencies, all of
which are equal, is log(3), or 1.099.
"""

import numpy as np
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMClassifier, pad_sequences

slope = {"falling": -1, "steady": 0, "rising": 1}


def make_sounds(n_of_each, rng):
    y = np.repeat(list(slope), n_of_each)
    sounds = [
        slope[kind] * np.arange(n)[:, np.newaxis] / n for kind, n in zip(y, rng.integers(8, 16, len(y)), strict=True)
    ]
    return pad_sequences([sound + rng.normal(0, 1, (len(sound), 2)) for sound in sounds], n_steps=15), y


def statistics(X):
    """Return the mean and the deviation of each channel, and the change from its first three steps to its last."""
    first = np.stack([sound[~np.isnan(sound[:, 0])][:3].mean(axis=0) for sound in X])
    return np.concatenate([np.nanmean(X, axis=1), np.nanstd(X, axis=1), X[:, -3:].mean(axis=1) - first], axis=1)


def models(seed):
    yield "logistic regression", make_pipeline(FunctionTransformer(statistics), StandardScaler(), LogisticRegression())
    for epochs in (20, 100):
        network = LSTMClassifier(
            units=8,
            network="lstm",
            bidirectional=False,
            dropout=0.0,
            learning_rate=0.02,
            epochs=epochs,
            batch_size=32,
            random_state=seed,
        )
        yield f"network, {epochs} epochs", network
        yield f"network, {epochs} epochs, calibrated", CalibratedClassifierCV(network, cv=2)
        yield f"network, {epochs} epochs, early stopping", clone(network).set_params(early_stopping=True)


results = {}
for seed in range(5):
    rng = np.random.default_rng(seed)
    (X_train, y_train), (X_test, y_test) = make_sounds(100, rng), make_sounds(700, rng)
    for name, model in models(seed):
        probabilities = model.fit(X_train, y_train).predict_proba(X_test)
        loss = log_loss(y_test, probabilities, labels=model.classes_)
        results.setdefault(name, []).append((loss, model.score(X_test, y_test)))

print(f"{'':<36}{'log loss':<22}{'accuracy'}")
for name, figures in results.items():
    loss, accuracy = np.median(figures, axis=0)
    low, high = np.min(figures, axis=0)[0], np.max(figures, axis=0)[0]
    print(f"{name:<36}{loss:.3f} ({low:.3f} to {high:.3f}) {accuracy:.3f}")
