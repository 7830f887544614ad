"""
Speakers and motions, beside published accuracies
=================================================

Does an :class:`~sklstm.LSTMClassifier` with default settings keep up with published networks on two small data sets of
sequences? Nine speakers are told apart by their vowels, and four motions by a smart watch. The baselines are logistic
regressions on simple features. The files come with aeon and with sktime, which are not imported:
``pip install --no-deps aeon``. See :doc:`/guide/classification`.
"""

# sphinx_gallery_thumbnail_number = 2
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMClassifier, pad_sequences

# %%
# The data
# --------
# Both sets are split into training and test rows as in the archive of Bagnall et al., "The UEA multivariate time series
# classification archive, 2018", arXiv:1811.00075.
#
# - Japanese vowels: nine speakers said the same two vowels, and twelve coefficients of their voices were recorded for 7
#   to 29 steps (Kudo, Toyama and Shimbo, "Multidimensional curve classification using passing-through regions", Pattern
#   Recognition Letters 20, 1999).
# - Basic motions: a smart watch recorded its acceleration and rotation for ten seconds of standing, walking, running or
#   badminton.

package = find_spec("aeon") or find_spec("sktime")
if package is None:
    raise ModuleNotFoundError("This example reads files of the package aeon: pip install --no-deps aeon")
folder = Path(package.submodule_search_locations[0], "datasets", "data")


def read_ts(path):
    """Return the sequences, each of shape (n_steps, n_features), and the labels of a .ts file without time stamps.

    A line is a sequence: its channels and its label between colons, the steps of a channel between commas.
    """
    sequences, labels = [], []
    for line in path.read_text().partition("@data\n")[2].splitlines():
        *channels, label = line.split(":")
        sequences.append(np.array([channel.split(",") for channel in channels], dtype=float).T)
        labels.append(label)
    return sequences, np.array(labels)


data = {
    problem: [read_ts(folder / problem / f"{problem}_{part}.ts") for part in ("TRAIN", "TEST")]
    for problem in ("JapaneseVowels", "BasicMotions")
}

# %%
# The first twelve sequences of three speakers, in two of the twelve coefficients: their lengths differ, and no single
# coefficient tells the speakers apart.

train, y_train = data["JapaneseVowels"][0]
figure, axes = plt.subplots(2, 3, figsize=(8, 3.8), sharex=True, sharey="row", layout="constrained")
for column, speaker in zip(axes.T, ("1", "2", "3"), strict=True):
    for row in np.flatnonzero(y_train == speaker)[:12]:
        for ax, coefficient in zip(column, (0, 1), strict=True):
            ax.plot(train[row][:, coefficient], color="tab:blue", alpha=0.5, linewidth=1)
    column[0].set_title(f"speaker {speaker}")
    column[1].set_xlabel("step")
for ax, coefficient in zip(axes[:, 0], (1, 2), strict=True):
    ax.set_ylabel(f"coefficient {coefficient}")
plt.show()

# %%
# Fit, and compare
# ----------------
# :func:`~sklstm.pad_sequences` makes one array of sequences of different lengths. The classifier is fitted with five
# random states. The baselines need rows of equal length.


def resample(sequence, n_steps):
    """Return a row of so many steps of each channel, by linear interpolation."""
    old, new = np.linspace(0, 1, len(sequence)), np.linspace(0, 1, n_steps)
    return np.concatenate([np.interp(new, old, channel) for channel in sequence.T])


def statistics(sequence):
    """Return a row of the mean and the deviation of each channel."""
    return np.concatenate([sequence.mean(axis=0), sequence.std(axis=0)])


published = {"JapaneseVowels": {"FCN": 0.993, "ResNet": 0.992, "MLP": 0.976, "Time-CNN": 0.956}}
results = {}
for problem, ((train, y_train), (test, y_test)) in data.items():
    n_steps = max(map(len, train))
    X_train, X_test = pad_sequences(train), pad_sequences(test, n_steps)
    scores, seconds = [], []
    for seed in range(5):
        start = perf_counter()
        model = LSTMClassifier(random_state=seed).fit(X_train, y_train)
        seconds.append(perf_counter() - start)
        scores.append(model.score(X_test, y_test))
    accuracies = {"LSTMClassifier, median": scores}

    rows = {"resampled": partial(resample, n_steps=n_steps), "means and deviations": statistics}
    for name, row in rows.items():
        baseline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        baseline.fit([row(sequence) for sequence in train], y_train)
        accuracies[f"Logistic regression, {name}"] = [baseline.score([row(sequence) for sequence in test], y_test)]
    accuracies |= {f"{name}, published": [accuracy] for name, accuracy in published.get(problem, {}).items()}

    print(f"{problem}: accuracy on {len(test)} sequences after training on {len(train)}")
    for name, values in accuracies.items():
        print(f"  {name:<44}{np.median(values):.3f}")
    print(f"  random states {min(scores):.3f} to {max(scores):.3f}; {np.median(seconds):.0f} s a fit")
    results[problem] = accuracies

# %%
# Each dot is a model: five for the LSTM.

heights = [len(accuracies) for accuracies in results.values()]
figure, axes = plt.subplots(nrows=2, figsize=(7, 4.6), sharex=True, height_ratios=heights, layout="constrained")
for ax, (problem, accuracies) in zip(axes, results.items(), strict=True):
    for place, (name, values) in enumerate(accuracies.items()):
        color = "tab:blue" if name.startswith("LSTM") else "0.4"
        ax.plot(values, [place] * len(values), "o", color=color, alpha=0.7)
    ax.set_yticks(range(len(accuracies)), [name.removesuffix(", median") for name in accuracies])
    ax.set(title=problem, ylim=(len(accuracies) - 0.5, -0.5))
    ax.grid(axis="y", color="0.9")
axes[-1].set_xlabel("accuracy on the test sequences")
plt.show()
