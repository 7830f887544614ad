"""Tell speakers and motions apart: a class for each sequence, as in papers on the classification of time series.

Japanese vowels: nine speakers said the same two vowels, and twelve coefficients of their voices were recorded for 7 to
29 steps (Kudo, Toyama and Shimbo, "Multidimensional curve classification using passing-through regions", Pattern
Recognition Letters 20, 1999). Basic motions: a smart watch recorded its acceleration and rotation for ten seconds of
standing, walking, running or badminton. Both are split into training and test rows as in the archive of Bagnall et al.,
"The UEA multivariate time series classification archive, 2018", arXiv:1811.00075.

The files come with aeon and with sktime, either of which will do and is not imported: ``pip install --no-deps aeon``.

The settings of the network are the defaults. The script prints the accuracy on the test rows, the median over seeds,
beside that of logistic regressions, and of networks in H. Ismail Fawaz et al., "Deep learning for time series
classification: a review", Data Mining and Knowledge Discovery 33, 2019.
"""

import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMClassifier, pad_sequences

seeds = range(5)
problems = ["JapaneseVowels", "BasicMotions"]
published = {"JapaneseVowels": {"FCN": 0.993, "ResNet": 0.992, "MLP": 0.976, "Time-CNN": 0.956}}


def data_folder():
    """Return where the files are, without importing the package that has them."""
    for package in ("aeon", "sktime"):
        if spec := find_spec(package):
            return Path(spec.submodule_search_locations[0], "datasets", "data")
    print("This example reads files of the package aeon. Install it with: pip install --no-deps aeon")
    sys.exit()


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


def resample(sequence, n_steps):
    """Return a row of so many steps of each channel, by linear interpolation."""
    old, new = np.linspace(0, 1, len(sequence)), np.linspace(0, 1, n_steps)
    return np.concatenate([np.interp(new, old, channel) for channel in sequence.T])


def statistics(sequence):
    """Return a row of the mean and the deviation of each channel."""
    return np.concatenate([sequence.mean(axis=0), sequence.std(axis=0)])


def tell(name, accuracy, remark=""):
    print(f"  {name:<52}{accuracy:.3f}  {remark}".rstrip())


folder = data_folder()
for problem in problems:
    (train, y_train), (test, y_test) = (
        read_ts(folder / problem / f"{problem}_{part}.ts") for part in ("TRAIN", "TEST")
    )
    n_steps = max(map(len, train))
    print(f"{problem}: accuracy on {len(test)} sequences after training on {len(train)}")

    X_train, X_test = pad_sequences(train), pad_sequences(test, n_steps)
    scores, seconds = [], []
    for seed in seeds:
        start = perf_counter()
        model = LSTMClassifier(random_state=seed).fit(X_train, y_train)
        seconds.append(perf_counter() - start)
        scores.append(model.score(X_test, y_test))
    remark = f"of seeds {min(scores):.3f} to {max(scores):.3f}; {np.median(seconds):.0f} s a fit"
    tell("LSTMClassifier, median", np.median(scores), remark)

    rows = {"resampled to equal length": partial(resample, n_steps=n_steps), "means and deviations": statistics}
    for name, row in rows.items():
        baseline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        baseline.fit([row(sequence) for sequence in train], y_train)
        tell(f"Logistic regression, {name}", baseline.score([row(sequence) for sequence in test], y_test))
    for name, accuracy in published.get(problem, {}).items():
        tell(f"{name}, published", accuracy)
