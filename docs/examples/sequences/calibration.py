"""
Calibrate the probabilities of a network
========================================

Are the probabilities of a network honest, and what helps if not? Short made-up sounds are falling, steady or rising,
with much noise. All models train on the same 300 sounds and are tested on 2100 others: networks after 20 and after 100
epochs, as they are, within :class:`~sklearn.calibration.CalibratedClassifierCV`, and with early stopping. The baseline
is a logistic regression on statistics of the sounds. See :doc:`/guide/classification`.
"""

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMClassifier, pad_sequences

# %%
# The sounds
# ----------
# Each has 8 to 15 steps and two channels. :func:`~sklstm.pad_sequences` makes one array of them.

slope = {"falling": -1, "steady": 0, "rising": 1}


def make_sounds(n_of_each, rng):
    y = np.repeat(list(slope), n_of_each)
    sounds = [
        slope[kind] * np.arange(n)[:, np.newaxis] / n for kind, n in zip(y, rng.integers(8, 16, len(y)), strict=True)
    ]
    return pad_sequences([sound + rng.normal(0, 1, (len(sound), 2)) for sound in sounds], n_steps=15), y


# %%
# The models
# ----------
# The networks have the same settings but for what their names say.


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


# %%
# Log loss and accuracy
# ---------------------
# The table has the median of five draws of sounds and seeds, and the range of the log loss. The log loss of the class
# frequencies, all of which are equal, is log(3), or 1.099.

results, probabilities_of_rising = {}, {}
for seed in range(5):
    rng = np.random.default_rng(seed)
    (X_train, y_train), (X_test, y_test) = make_sounds(100, rng), make_sounds(700, rng)
    for name, model in models(seed):
        probabilities = model.fit(X_train, y_train).predict_proba(X_test)
        loss = log_loss(y_test, probabilities, labels=model.classes_)
        results.setdefault(name, []).append((loss, model.score(X_test, y_test)))
        of_rising = probabilities[:, list(model.classes_).index("rising")]
        probabilities_of_rising.setdefault(name, []).append((y_test == "rising", of_rising))

print(f"{'':<36}{'log loss':<22}{'accuracy'}")
for name, figures in results.items():
    loss, accuracy = np.median(figures, axis=0)
    low, high = np.min(figures, axis=0)[0], np.max(figures, axis=0)[0]
    print(f"{name:<36}{loss:.3f} ({low:.3f} to {high:.3f}) {accuracy:.3f}")

# %%
# The line in each bar is the range of the five draws.

losses = {name: np.transpose(figures)[0] for name, figures in results.items()}
medians = np.array([np.median(loss) for loss in losses.values()])
ranges = [medians - [min(loss) for loss in losses.values()], [max(loss) for loss in losses.values()] - medians]
colors = ["tab:blue" if name.startswith("network") else "0.6" for name in losses]
figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
ax.barh(list(losses), medians, xerr=ranges, color=colors, ecolor="0.2")
ax.axvline(np.log(3), color="black", linestyle=":", linewidth=1)
ax.annotate("class\nfrequencies", (np.log(3), 0), xytext=(4, 0), textcoords="offset points", va="center")
ax.set(xlabel="log loss on 2100 test sounds: lower is better", xlim=(0, 1.4))
ax.invert_yaxis()
plt.show()

# %%
# Calibration curves
# ------------------
# How often is a sound rising for which a model gives "rising" a certain probability? The network of 100 epochs is
# overconfident: where it is sure, it errs too often. Calibrated, it is too cautious instead. Stopped early, it is close
# to the diagonal. The curves are of the test sounds of all five draws.

shown = {
    "network, 100 epochs": {"color": "tab:orange", "marker": "s"},
    "network, 100 epochs, calibrated": {"color": "tab:blue", "marker": "o"},
    "network, 100 epochs, early stopping": {"color": "black", "marker": "^", "linestyle": "--"},
}
figure, ax = plt.subplots(figsize=(6, 4.6), layout="constrained")
for name, style in shown.items():
    is_rising, of_rising = np.concatenate(probabilities_of_rising[name], axis=1)
    CalibrationDisplay.from_predictions(is_rising, of_rising, n_bins=8, name=name, ax=ax, **style)
ax.set(xlabel='probability of "rising"', ylabel="share of sounds that are rising", title="Calibration curves")
ax.legend(loc="upper left", frameon=False)
plt.show()
