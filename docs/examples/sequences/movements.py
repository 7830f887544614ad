"""
Exercises of people whom the model has not seen
===============================================

Does a recogniser of exercises work for new people? Ten people did seven exercises for the shoulder, and a smart watch
recorded its acceleration and rotation. :class:`~sklearn.model_selection.GroupKFold` tests on two people after training
on the other eight. Beside :class:`~sklstm.LSTMClassifier` stand a logistic regression and a random forest on statistics
of the same windows. The file comes with seglearn, which is not imported: ``pip install --no-deps seglearn``. See
:doc:`/guide/classification`.
"""

from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMClassifier

# %%
# Windows of four seconds
# -----------------------
# The recordings are those of D. Burns et al., "Shoulder physiotherapy exercise recognition: machine learning the
# inertial signals from a smartwatch", Physiological Measurement 39, 2018, arXiv:1802.01489, with 50 values a second.
# Each recording is cut into windows that overlap by half.

rate, window_size, hop, block = 50, 200, 100, 5  # samples: a second, a window, from one to the next, an average

package = find_spec("seglearn")
if package is None:
    raise ModuleNotFoundError("This example reads a file of seglearn: pip install --no-deps seglearn")
path = Path(package.submodule_search_locations[0], "data", "watch_dataset.npy")
data = np.load(path, allow_pickle=True).item()

windows, recording = [], []
for i, samples in enumerate(data["X"]):
    cut = np.lib.stride_tricks.sliding_window_view(samples, window_size, axis=0)[::hop].swapaxes(1, 2)
    windows.append(cut)
    recording.append(np.full(len(cut), i))
windows, recording = np.concatenate(windows), np.concatenate(recording)
y, people = data["y"][recording], data["subject"][recording]

# %%
# The network reads the averages of tenths of a second, the other models statistics of the whole window.

averages = windows.reshape(len(windows), -1, block, windows.shape[2]).mean(axis=2)
statistics = np.hstack(
    [windows.mean(1), windows.std(1), windows.min(1), windows.max(1), np.abs(np.diff(windows, axis=1)).mean(1)]
)

# %%
# Accuracy on people not seen
# ---------------------------
# The second figure is by recording, from the probabilities of its windows together. On later windows of people seen in
# training, the paper's best accuracy is 0.996, and on people not seen 0.873, by a random forest on windows of its own
# (first version of the preprint, which has ten people).


def compare(name, model, X):
    """Return the classes predicted for people not seen, by window and by recording, and print the accuracies."""
    start = perf_counter()
    probabilities = cross_val_predict(model, X, y, groups=people, cv=GroupKFold(5), method="predict_proba")
    together = np.array([probabilities[recording == i].mean(axis=0) for i in range(len(data["y"]))])
    predicted = probabilities.argmax(axis=1), together.argmax(axis=1)
    by_window, by_recording = np.mean(predicted[0] == y), np.mean(predicted[1] == data["y"])
    print(f"{name:<36}{by_window:8.3f}{by_recording:10.3f}{perf_counter() - start:9.0f} s", flush=True)
    return predicted


print(f"{len(y)} windows of {window_size // rate} s, {len(data['y'])} recordings")
print(f"{'':<36}{'window':>8}{'recording':>10}{'5 folds':>11}")
linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
predicted = {
    "LSTM": [compare(f"LSTMClassifier, seed {seed}", LSTMClassifier(random_state=seed), averages) for seed in range(3)],
    "Logistic regression": [compare("Logistic regression on statistics", linear, statistics)],
    "Random forest": [compare("Random forest on statistics", RandomForestClassifier(300, random_state=0), statistics)],
}

# %%
# Which exercises are confused?
# -----------------------------
# The matrix is that of the LSTM with random state 0, by window: a row for each true exercise.

names = {"PEN": "pendulum", "ABD": "abduction", "FEL": "forward elevation", "IR": "internal rotation",
         "ER": "external rotation", "TRAP": "lower trapezius row", "ROW": "bent over row"}  # fmt: skip
labels = [names.get(name, name) for name in data["y_labels"]]
figure, ax = plt.subplots(figsize=(6.4, 5.4), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    y, predicted["LSTM"][0][0], display_labels=labels, normalize="true", values_format=".0%", xticks_rotation=40,
    cmap="Blues", colorbar=False, ax=ax,
)  # fmt: skip
plt.setp(ax.get_xticklabels(), ha="right")
ax.set(title="LSTM, people not seen", xlabel="predicted exercise", ylabel="true exercise")
plt.show()

# %%
# Accuracy by person
# ------------------
# Each dot is one of the ten people, as a median of the random states. People differ more than models do.

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for number, (name, color) in enumerate(zip(predicted, ("tab:blue", "0.6", "0.2"), strict=True)):
    right = np.median([by_window == y for by_window, _ in predicted[name]], axis=0)
    accuracies = [right[people == person].mean() for person in np.unique(people)]
    ax.plot(np.arange(10) + 0.15 * (number - 1), accuracies, "os^"[number], color=color, label=name, markersize=6)
ax.set_xticks(range(10), np.unique(people))
ax.set(xlabel="person", ylabel="accuracy, by window", ylim=(0, 1.02))
ax.legend(frameon=False, ncols=3, loc="lower left")
ax.grid(axis="y", color="0.9")
plt.show()
