"""Compare stated false positive rates of anomaly detectors with the rates found on new normal rows.

Each detector states a rate, and the script prints the share of new normal rows that it flags. There are two thresholds:

- from training rows: the quantile of the scores of all rows that the forecaster was trained on, as `contamination` of
  `LSTMAnomalyDetector` sets it;
- calibrated: that of `false_positive_rate`, from the scores of the last 20 % of the rows, which the forecaster was not
  trained on. A dash says that these are too few for the rate.

Both are compared for an LSTM and a ridge regression on the same windows.

- The made-up sensors are those of anomalies.py, once with many rows and a small window, and once with few rows and a
  larger window. Each draw of the sensors has 10,000 new rows. There are 50 draws, and the LSTM is fitted on five of
  them, with another random state each time.
- The blood pressure is that of anomalies.py, without the anomaly and the rows that have it in their windows. It is one
  series, and the LSTM is fitted with five random states. It needs the file in aeon: ``pip install --no-deps aeon``.
  Without it the script leaves this series out.

The script prints the mean over the fits, and behind it the lowest and the highest rate.
"""

from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMAnomalyDetector, LSTMForecaster, SlidingWindow

RATES = [0.001, 0.01, 0.05]
N_NEW = 10_000


def sensors(n_rows, seed):
    """Return four sensors that follow one hidden swing, each later than the one before and with noise of its own."""
    delays, units, noise = [0, 3, 6, 9], [1, 10, 100, 1000], [0.02, 0.02, 0.02, 0.1]
    time, rng = np.arange(n_rows), np.random.default_rng(seed)
    swings = [np.sin((time - delay) / 4) + np.sin((time - delay) / 11) for delay in delays]
    return (np.column_stack(swings) + rng.normal(size=(n_rows, 4)) * noise) * units


def blood_pressure():
    path = "aeon/datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv"
    table = pd.read_csv(distribution("aeon").locate_file(path))
    return table[["value"]].to_numpy(), table["is_anomaly"].to_numpy(bool)


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


def measure(title, draws, n_lstms, n_train, window_size):
    """Print the rates found; `draws` are pairs of a series and whether each row of it is to be left out."""
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


def cell(rates):
    if np.isnan(rates).any():
        return f"{'-':>24}"
    return f"{f'{rates.mean():.2%} ({rates.min():.2%} to {rates.max():.2%})':>24}"


for n_windows, window_size in [(6000, 16), (1000, 32)]:
    n_train = n_windows + window_size - 1
    n_rows = n_train + N_NEW
    draws = ((sensors(n_rows, seed), np.zeros(n_rows, bool)) for seed in range(50))
    measure("Four sensors", draws, 5, n_train, window_size)
try:
    pressure, is_anomaly = blood_pressure()
except (PackageNotFoundError, FileNotFoundError):
    print("The blood pressure is left out. It needs: pip install --no-deps aeon")
else:
    disturbed = np.convolve(is_anomaly, np.ones(50))[: len(is_anomaly)] > 0  # the anomaly is in the window
    measure("Blood pressure", [(pressure, disturbed)] * 5, 5, n_train=1200, window_size=50)
