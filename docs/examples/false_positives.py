"""Compare stated false positive rates of anomaly detectors with the rates found on new normal rows.

Each detector states a rate, and the script prints the share of new normal rows that it flags. There are two thresholds:

- from training rows: the quantile of the scores of all rows that the forecaster was trained on, as `contamination` of
  `LSTMAnomalyDetector` sets it;
- calibrated: that of `false_positive_rate`, from the scores of the last 20 % of the rows, which the forecaster was not
  trained on.

Both are compared for an LSTM and a ridge regression, on windows of the same size. The made-up sensors are those of
anomalies.py. Each of the draws of sensors has its own random state of the network, 6000 rows to fit and 20,000 new
ones. The blood pressure is that of anomalies.py, without its anomaly. It is one series, so only the random state of the
network differs. Its 240 calibration rows are too few for 0.1 %. It needs the file in aeon:
``pip install --no-deps aeon``. Without it the script leaves this series out.

The script prints the mean over the draws, and behind it the lowest and the highest rate.
"""

from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMAnomalyDetector, LSTMForecaster, SlidingWindow

RATES = [0.001, 0.01, 0.05]
N_DRAWS = 5


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


def forecasters(seed):
    yield "LSTM", LSTMForecaster(units=16, random_state=seed)
    yield "ridge", make_pipeline(FunctionTransformer(flatten), Ridge())


def rates_from_training(detector, windows, new):
    scores, new_scores = (detector.fit(windows).score_samples(rows) for rows in (windows, new))
    return [(new_scores < np.quantile(scores, rate)).mean() for rate in RATES]


def calibrated_rates(detector, windows, new):
    """Return the share of new rows whose p-value is within each rate, which are those that predict would flag."""
    p_values = detector.fit(windows).p_values(new)
    lowest = 1 / (1 + len(detector.calibration_scores_))
    return [(p_values <= rate).mean() if lowest <= rate else np.nan for rate in RATES]


def measure(title, draws, n_train, window_size):
    """Print the rates found; `draws` are pairs of a series and whether each row of it is to be left out."""
    found = {}
    for seed, (series, left_out) in enumerate(draws):
        windows = SlidingWindow(window_size).fit_transform(StandardScaler().fit(series[:n_train]).transform(series))
        train, new = windows[window_size - 1 : n_train], windows[n_train:][~left_out[n_train:]]
        for name, forecaster in forecasters(seed):
            by_training = rates_from_training(LSTMAnomalyDetector(forecaster), train, new)
            calibrated = calibrated_rates(LSTMAnomalyDetector(forecaster, false_positive_rate=0.01), train, new)
            found.setdefault(f"{name}, from training rows", []).append(by_training)
            found.setdefault(f"{name}, calibrated", []).append(calibrated)
    print(f"{title:<28}" + "".join(f"{f'stated {rate:.1%}':>24}" for rate in RATES))
    for name, rates in found.items():
        print(f"{name:<28}" + "".join(map(cell, np.transpose(rates))))
    print()


def cell(rates):
    if np.isnan(rates).any():
        return f"{'-':>24}"
    return f"{f'{rates.mean():.2%} ({rates.min():.2%} to {rates.max():.2%})':>24}"


draws = [(sensors(26_000, seed), np.zeros(26_000, bool)) for seed in range(N_DRAWS)]
measure("Four sensors", draws, n_train=6000, window_size=16)
try:
    pressure, is_anomaly = blood_pressure()
except (PackageNotFoundError, FileNotFoundError):
    print("The blood pressure is left out. It needs: pip install --no-deps aeon")
else:
    after = np.convolve(is_anomaly, np.ones(50), "full")[: len(is_anomaly)] > 0  # rows with the anomaly in their window
    measure("Blood pressure", [(pressure, after)] * N_DRAWS, n_train=1200, window_size=50)
