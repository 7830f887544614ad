"""
Anomalies in a blood pressure and an electrocardiogram
======================================================

Does an LSTM find anomalies in real series, and does it find more than a ridge regression? Both are the forecaster of an
:class:`~sklstm.LSTMAnomalyDetector`, beside the distance of the value from its mean in standard deviations (\\|z\\|).
The files come with aeon and sktime, which are not imported: ``pip install --no-deps aeon sktime``. See
:doc:`/guide/anomalies`.
"""

from importlib.metadata import PackageNotFoundError, distribution

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMAnomalyDetector, LSTMForecaster, SlidingWindow

# %%
# Two series
# ----------
# - Arterial blood pressure, "InternalBleeding16" of the UCR anomaly archive (R. Wu and E. J. Keogh, "Current time
#   series anomaly detection benchmarks are flawed and are creating the illusion of progress", IEEE TKDE, 2021). The
#   anomaly, twelve rows of noise, was put in by the archive's authors. They set the rows to train on.
# - An electrocardiogram with 360 values a second, "mitdb", by its name from the MIT-BIH arrhythmia database (G. B.
#   Moody and R. G. Mark, IEEE Eng. in Med. and Biol. 20(3), 2001). The anomaly, a beat that comes too early, is
#   labelled from the end of the beat before it to the end of its own.


def shipped(package, path):
    try:
        return pd.read_csv(distribution(package).locate_file(path))
    except (PackageNotFoundError, FileNotFoundError):
        raise FileNotFoundError("This example reads files: pip install --no-deps aeon sktime") from None


pressure = shipped("aeon", "aeon/datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv")
heart = shipped("sktime", "sktime/datasets/data/mitdb/mitdb.csv")

# %%
# The detectors
# -------------
# The LSTM is fitted with five random states. On the electrocardiogram there is another one with 40 epochs.


def flatten(windows):
    return windows.reshape(len(windows), -1)


def detector(forecaster, window_size, smoothing, **window):
    windows = SlidingWindow(window_size, **window)
    return make_pipeline(StandardScaler(), windows, LSTMAnomalyDetector(forecaster, smoothing=smoothing))


def detectors(window_size, smoothing, epochs):
    ridge = make_pipeline(FunctionTransformer(flatten), RidgeCV(np.logspace(-3, 3, 13)))
    lstms = {"LSTM": {}} | {f"LSTM, {number} epochs": {"epochs": number} for number in epochs}
    return {
        name: [
            detector(LSTMForecaster(units=32, random_state=seed, **params), window_size, smoothing) for seed in range(5)
        ]
        for name, params in lstms.items()
    } | {"Ridge": [detector(ridge, window_size, smoothing, pad="edge")]}


# %%
# The figures are the area under the ROC curve (AUC) over the rows not trained on, 0.5 for chance and 1 for perfect; the
# share of the anomalous rows that are flagged; and the false positive rate. They are medians of the random states, with
# the range of the AUC.


def compare(title, series, is_anomaly, n_train, window_size, smoothing=1, epochs=()):
    """Return the AUCs and the scores of each detector on the rows after the first `n_train`."""
    truth = is_anomaly[n_train:]
    print(f"{title}: {n_train} rows to train on; {truth.sum()} of {len(truth)} others are anomalies")
    print(f"{'':<16}{'AUC':>7}{'range':>16}{'found':>8}{'false positives':>17}")
    aucs, scores = {}, {}
    for name, fits in detectors(window_size, smoothing, epochs).items():
        figures = []
        for model in fits:
            windows = model.fit(series[:n_train])[:-1].transform(series)[n_train - smoothing + 1 :]
            score, label = (judge(windows)[smoothing - 1 :] for judge in (model[-1].score_samples, model[-1].predict))
            figures.append([roc_auc_score(truth, -score), (label[truth] == -1).mean(), (label[~truth] == -1).mean()])
            scores.setdefault(name, -score)
        aucs[name], found, false = np.transpose(figures)
        spread = f"{min(aucs[name]):.3f} to {max(aucs[name]):.3f}" if len(fits) > 1 else ""
        print(f"{name:<16}{np.median(aucs[name]):7.3f}{spread:>16}{np.median(found):8.1%}{np.median(false):17.1%}")
    z = np.square(StandardScaler().fit(series[:n_train]).transform(series)).mean(axis=1)
    scores["|z|"] = pd.Series(z).rolling(smoothing, min_periods=1).mean()[n_train:]
    aucs["|z|"] = [roc_auc_score(truth, scores["|z|"])]
    print(f"{'|z|':<16}{aucs['|z|'][0]:7.3f}\n")
    return aucs, scores


# %%
# The early beat lies in the rhythm and not in any row, so scores of the electrocardiogram are averaged over 290 rows,
# which is a beat.

pressure_aucs, pressure_scores = compare(
    "Blood pressure", pressure[["value"]].to_numpy(), pressure["is_anomaly"].to_numpy(bool), 1200, 50
)
heart_aucs, heart_scores = compare(
    "Heart", heart[["data"]].to_numpy(), heart["label"].to_numpy(bool), 5000, 100, smoothing=290, epochs=[40]
)

# %%
# The anomalies, and the scores
# -----------------------------
# The noise in the blood pressure stands out. The early beat does so only with 40 epochs. Anomalous rows are shaded.


def draw(axes, title, values, is_anomaly, n_train, score, name, shown):
    rows = np.arange(shown.start, shown.stop)
    axes[0].plot(rows, values[shown], color="black", linewidth=1)
    axes[1].plot(rows, np.asarray(score)[rows - n_train], color="tab:blue", linewidth=1.2)
    for ax in axes:
        ax.axvspan(*np.flatnonzero(is_anomaly)[[0, -1]], color="tab:orange", alpha=0.3, linewidth=0)
    axes[0].set(title=title, ylabel="value")
    axes[1].set(xlabel="row", ylabel=f"score: {name}")


def around(is_anomaly, width, n_train):
    center = np.flatnonzero(is_anomaly).mean().astype(int)
    return slice(max(center - width, n_train), min(center + width, len(is_anomaly)))


figure, axes = plt.subplots(2, 2, figsize=(9, 4.6), sharex="col", layout="constrained")
is_anomaly = pressure["is_anomaly"].to_numpy(bool)
shown = around(is_anomaly, 400, 1200)
draw(axes[:, 0], "Blood pressure", pressure["value"], is_anomaly, 1200, pressure_scores["LSTM"], "LSTM", shown)
is_anomaly = heart["label"].to_numpy(bool)
shown = around(is_anomaly, 1500, 5000)
name = "LSTM, 40 epochs"
draw(axes[:, 1], "Electrocardiogram", heart["data"], is_anomaly, 5000, heart_scores[name], name, shown)
plt.show()

# %%
# Both forecasters side by side
# -----------------------------
# Each dot is a random state. On the blood pressure a ridge regression is as good and safer. The number of 40 epochs was
# chosen on these same rows, which flatters it.

figure, axes = plt.subplots(nrows=2, figsize=(7, 3.6), sharex=True, height_ratios=[3, 4], layout="constrained")
for ax, (title, aucs) in zip(axes, {"Blood pressure": pressure_aucs, "Heart": heart_aucs}.items(), strict=True):
    for place, (name, values) in enumerate(aucs.items()):
        color = "tab:blue" if name.startswith("LSTM") else "0.4"
        ax.plot(values, [place] * len(values), "o", color=color, alpha=0.7)
    ax.set_yticks(range(len(aucs)), aucs)
    ax.set(title=title, xlim=(0.2, 1.02), ylim=(len(aucs) - 0.5, -0.5))
    ax.axvline(0.5, color="0.5", linestyle=":", linewidth=1)
    ax.grid(axis="y", color="0.9")
axes[-1].set_xlabel("AUC: 0.5 is chance, 1 is perfect")
plt.show()
