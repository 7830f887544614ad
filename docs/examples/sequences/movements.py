"""Recognise the exercises of people whom the model has not seen, from the smart watch that they wear.

Ten people did seven exercises for the shoulder with each arm, and the watch recorded its acceleration and rotation 50
times a second: D. Burns et al., "Shoulder physiotherapy exercise recognition: machine learning the inertial signals
from a smartwatch", Physiological Measurement 39, 2018, arXiv:1802.01489. The file comes with seglearn, which is not
imported: ``pip install --no-deps seglearn``.

Each recording is cut into windows of four seconds that overlap by half. `GroupKFold` tests on the windows of two people
after training on those of the other eight. That is the hard way. On later windows of people seen in training, the
paper's best accuracy is 0.996, and on people not seen 0.873, by a random forest on windows of its own (first version of
the preprint, which has ten people).

The network reads the averages of tenths of a second. Beside it are a logistic regression and a random forest on
statistics of the same windows. The second figure is by recording, from the probabilities of its windows together.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMClassifier

rate, window_size, hop, block = 50, 200, 100, 5  # samples: a second, a window, from one to the next, an average

spec = find_spec("seglearn")
if spec is None:
    print("This example reads a file of the package seglearn. Install it with: pip install --no-deps seglearn")
    sys.exit()
path = Path(spec.submodule_search_locations[0], "data", "watch_dataset.npy")
data = np.load(path, allow_pickle=True).item()

windows, recording = [], []
for i, samples in enumerate(data["X"]):
    cut = np.lib.stride_tricks.sliding_window_view(samples, window_size, axis=0)[::hop].swapaxes(1, 2)
    windows.append(cut)
    recording.append(np.full(len(cut), i))
windows, recording = np.concatenate(windows), np.concatenate(recording)
y, people = data["y"][recording], data["subject"][recording]

averages = windows.reshape(len(windows), -1, block, windows.shape[2]).mean(axis=2)
statistics = np.hstack(
    [windows.mean(1), windows.std(1), windows.min(1), windows.max(1), np.abs(np.diff(windows, axis=1)).mean(1)]
)


def tell(name, model, X):
    """Print the accuracy on people not seen, by window and by recording."""
    start = perf_counter()
    probabilities = cross_val_predict(model, X, y, groups=people, cv=GroupKFold(5), method="predict_proba")
    by_window = np.mean(probabilities.argmax(axis=1) == y)
    together = np.array([probabilities[recording == i].mean(axis=0) for i in range(len(data["y"]))])
    by_recording = np.mean(together.argmax(axis=1) == data["y"])
    print(f"{name:<40}{by_window:8.3f}{by_recording:10.3f}{perf_counter() - start:9.0f} s")


print(f"Accuracy on people not seen: {len(y)} windows of {window_size // rate} s, {len(data['y'])} recordings")
print(f"{'':<40}{'window':>8}{'recording':>10}{'5 folds':>11}")
for seed in range(3):
    tell(f"LSTMClassifier, seed {seed}", LSTMClassifier(random_state=seed), averages)
linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
tell("Logistic regression on statistics", linear, statistics)
tell("Random forest on statistics", RandomForestClassifier(300, random_state=0), statistics)
