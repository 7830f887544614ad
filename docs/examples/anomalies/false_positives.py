"""
Are stated false positive rates true?
=====================================

A detector is to flag 1 % of normal rows. How many does it flag? The example compares two thresholds of
:class:`~sklstm.LSTMAnomalyDetector`, around an LSTM and a ridge regression, on new normal rows. ``contamination`` takes
the quantile of the scores of the training rows. ``false_positive_rate`` takes that of calibration rows, which the
forecaster was not trained on. The blood pressure, at the end, needs a file of aeon: ``pip install --no-deps aeon``. See
:doc:`/guide/anomalies`.
"""

from importlib.metadata import PackageNotFoundError, distribution

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMAnomalyDetector, LSTMForecaster, SlidingWindow

RATES = [0.001, 0.01, 0.05]
N_NEW = 10_000

# %%
# Forecasters and thresholds
# --------------------------


def flatten(windows):
    return windows.reshape(len(windows), -1)


def forecasters(seed, n_lstms):
    if seed < n_lstms:
        yield "LSTM", LSTMForecaster(units=16, n_networks=2, random_state=seed)  # two, to be quick
    yield "ridge", make_pipeline(FunctionTransformer(flatten), Ridge())


def rates_from_training(detector, windows, new):
    scores, new_scores = (detector.fit(windows).score_samples(rows) for rows in (windows, new))
    return [(new_scores < np.quantile(scores, rate)).mean() for rate in RATES]


def calibrated_rates(detector, windows, new):
    """Return the share of new rows whose p-value is within each rate, which are those that predict would flag."""
    p_values = detector.fit(windows).p_values(new)
    lowest = 1 / (1 + len(detector.calibration_scores_))
    return [(p_values <= rate).mean() if lowest <= rate else np.nan for rate in RATES]


# %%
# The table has the mean over the fits, and behind it the lowest and the highest rate. A dash says that there are too
# few calibration rows for the rate.


def measure(title, draws, n_lstms, n_train, window_size):
    """Return the rates found; `draws` are pairs of a series and whether each row of it is to be left out."""
    found = {}
    for seed, (series, left_out) in enumerate(draws):
        windows = SlidingWindow(window_size).fit_transform(StandardScaler().fit(series[:n_train]).transform(series))
        train, new = windows[window_size - 1 : n_train], windows[n_train:][~left_out[n_train:]]
        for name, forecaster in forecasters(seed, n_lstms):
            by_training = rates_from_training(LSTMAnomalyDetector(forecaster), train, new)
            calibrated = calibrated_rates(LSTMAnomalyDetector(forecaster, false_positive_rate=0.01), train, new)
            found.setdefault(f"{name}, from training rows", []).append(by_training)
            found.setdefault(f"{name}, calibrated", []).append(calibrated)
    print(f"{title}: {len(train)} windows of {window_size} rows to fit")
    print(f"{'':<28}{'fits':>4}" + "".join(f"{f'stated {rate:.1%}':>24}" for rate in RATES))
    for name, rates in found.items():
        print(f"{name:<28}{len(rates):>4}" + "".join(map(cell, np.transpose(rates))))
    print()
    return found


def cell(rates):
    if np.isnan(rates).any():
        return f"{'-':>24}"
    return f"{f'{rates.mean():.2%} ({rates.min():.2%} to {rates.max():.2%})':>24}"


# %%
# Four sensors
# ------------
# They follow one hidden swing, each later than the one before and with noise of its own. Each draw has 10,000 new rows.
# There are 50 draws, and the LSTM is fitted on five of them.


def sensors(n_rows, seed):
    delays, units, noise = [0, 3, 6, 9], [1, 10, 100, 1000], [0.02, 0.02, 0.02, 0.1]
    time, rng = np.arange(n_rows), np.random.default_rng(seed)
    swings = [np.sin((time - delay) / 4) + np.sin((time - delay) / 11) for delay in delays]
    return (np.column_stack(swings) + rng.normal(size=(n_rows, 4)) * noise) * units


results = {}
for n_windows, window_size in [(6000, 16), (1000, 32)]:
    n_train = n_windows + window_size - 1
    n_rows = n_train + N_NEW
    draws = ((sensors(n_rows, seed), np.zeros(n_rows, bool)) for seed in range(50))
    title = f"Sensors, {n_windows} windows of {window_size} rows"
    results[title] = measure("Four sensors", draws, 5, n_train, window_size)

# %%
# A blood pressure
# ----------------
# This is "InternalBleeding16" of the UCR anomaly archive, without the anomaly and the rows that have it in their
# windows. It is one series, and the LSTM is fitted with five random states.

try:
    path = distribution("aeon").locate_file(
        "aeon/datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv"
    )
    table = pd.read_csv(path)
except (PackageNotFoundError, FileNotFoundError):
    raise FileNotFoundError("The blood pressure is in a file of aeon: pip install --no-deps aeon") from None
pressure, is_anomaly = table[["value"]].to_numpy(), table["is_anomaly"].to_numpy(bool)
disturbed = np.convolve(is_anomaly, np.ones(50))[: len(is_anomaly)] > 0  # the anomaly is in the window
results["Blood pressure, 1151 windows of 50 rows"] = measure(
    "Blood pressure", [(pressure, disturbed)] * 5, 5, n_train=1200, window_size=50
)

# %%
# Rates found, relative to the stated rate
# ----------------------------------------
# Bars reach from the lowest to the highest rate of the fits, with the mean as a dot. On the dashed line the found rate
# is the stated one. With few rows, thresholds from training rows flag up to four times as many rows as they state.
# Calibrated ones hold their rate on average.

styles = {
    "LSTM, from training rows": {"color": "tab:orange", "marker": "o"},
    "ridge, from training rows": {"color": "tab:orange", "marker": "s", "markerfacecolor": "white"},
    "LSTM, calibrated": {"color": "tab:blue", "marker": "o"},
    "ridge, calibrated": {"color": "tab:blue", "marker": "s", "markerfacecolor": "white"},
}
figure, axes = plt.subplots(ncols=3, figsize=(10, 3.8), sharey=True, layout="constrained")
for ax, (title, found) in zip(axes, results.items(), strict=True):
    for number, (name, style) in enumerate(styles.items()):
        factors = np.array(found[name]) / RATES
        mean = factors.mean(axis=0)
        ranges = [mean - factors.min(axis=0), factors.max(axis=0) - mean]
        places = np.arange(len(RATES)) + 0.17 * (number - 1.5)
        ax.errorbar(places, mean, yerr=ranges, linestyle="none", markersize=5, label=name, **style)
    ax.axhline(1, color="black", linestyle="--", linewidth=0.8, zorder=0)
    ax.set_xticks(range(len(RATES)), [f"{rate:.1%}" for rate in RATES])
    ax.set_title(title, fontsize="medium")
    ax.set(xlabel="stated false positive rate", yscale="log")
axes[0].set_ylabel("found rate / stated rate")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
plt.show()
