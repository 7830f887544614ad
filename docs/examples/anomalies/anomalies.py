"""Find anomalies by the errors of a forecast, and the sensor they come from.

Three detectors learn from normal rows. One is an LSTM forecaster, another a linear autoregression in its place: the
same `LSTMAnomalyDetector` around a ridge regression on the same windows. The third is the baseline, the distance of the
value itself from its mean, in standard deviations (|z|). What counts is the area under the ROC curve (AUC) over the
rows that were not trained on: 0.5 is chance, 1 is perfect. The figures of the LSTM are medians of five random states,
with the range of the AUC.

- The first series is made up: four sensors follow one hidden swing, and one of them sticks for a while at a value
  that it often has. The script prints the share that each sensor has in the score.
- The others are real, and read from the files of packages that ship them, without an import of these:
  ``pip install --no-deps aeon sktime``. Without them the script leaves these series out.

  - Arterial blood pressure, "InternalBleeding16" of the UCR anomaly archive (R. Wu and E. J. Keogh, "Current time
    series anomaly detection benchmarks are flawed and are creating the illusion of progress", IEEE TKDE, 2021), in
    aeon. The anomaly, twelve rows of noise, was put in by the archive's authors. They set the rows to train on.
  - An electrocardiogram with 360 values a second, "mitdb" in sktime, by its name from the MIT-BIH arrhythmia database
    (G. B. Moody and R. G. Mark, IEEE Eng. in Med. and Biol. 20(3), 2001). The anomaly, a beat that comes too early,
    is labelled from the end of the beat before it to the end of its own. Since it lies in the rhythm and not in any
    row, scores are averaged over 290 rows, which is a beat.
"""

from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMAnomalyDetector, LSTMForecaster, SlidingWindow


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


def compare(title, series, is_anomaly, n_train, window_size, smoothing=1, epochs=()):
    """Print how well each detector tells the anomalies after the first `n_train` rows, and return one of each kind."""
    truth = is_anomaly[n_train:]

    def measure(model):
        windows = model[:-1].transform(series)[n_train - smoothing + 1 :]
        score, label = (judge(windows)[smoothing - 1 :] for judge in (model[-1].score_samples, model[-1].predict))
        return roc_auc_score(truth, -score), (label[truth] == -1).mean(), (label[~truth] == -1).mean()

    print(f"{title}: {n_train} rows to train on; {truth.sum()} of {len(truth)} others are anomalies")
    print(f"{'':<16}{'AUC':>7}{'range':>16}{'found':>8}{'false positives':>17}")
    models = detectors(window_size, smoothing, epochs)
    for name, fits in models.items():
        aucs, found, false_positives = np.transpose([measure(model.fit(series[:n_train])) for model in fits])
        spread = f"{aucs.min():.3f} to {aucs.max():.3f}" if len(fits) > 1 else ""
        print(f"{name:<16}{np.median(aucs):7.3f}{spread:>16}{np.median(found):8.1%}{np.median(false_positives):17.1%}")
    z = np.square(StandardScaler().fit(series[:n_train]).transform(series)).mean(axis=1)
    z = pd.Series(z).rolling(smoothing, min_periods=1).mean()[n_train:]
    print(f"{'|z|':<16}{roc_auc_score(truth, z):7.3f}\n")
    return {name: fits[0] for name, fits in models.items()}


def shipped(package, path):
    return pd.read_csv(distribution(package).locate_file(path))


n_rows, n_train, stuck = 3000, 2000, slice(2500, 2540)
rng = np.random.default_rng(0)
time = np.arange(n_rows)
delays, units, noise = [0, 3, 6, 9], [1, 10, 100, 1000], [0.02, 0.02, 0.02, 0.1]
swings = [np.sin((time - delay) / 4) + np.sin((time - delay) / 11) for delay in delays]
series = (np.column_stack(swings) + rng.normal(size=(n_rows, 4)) * noise) * units
series[stuck, 2] = series[stuck.start, 2]
is_anomaly = np.zeros(n_rows, dtype=bool)
is_anomaly[stuck] = True

models = compare("Four sensors", series, is_anomaly, n_train, window_size=16)
print("Share of each sensor in the score of the rows in which the third one sticks")
for name, model in models.items():
    errors = model[-1].feature_errors(model[:-1].transform(series)[stuck]).sum(axis=0)
    print(f"{name:<8}" + "".join(f"{share:8.1%}" for share in errors / errors.sum()))
print()

try:
    pressure = shipped("aeon", "aeon/datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv")
    heart = shipped("sktime", "sktime/datasets/data/mitdb/mitdb.csv")
except (PackageNotFoundError, FileNotFoundError):
    print("The real series are left out. They need: pip install --no-deps aeon sktime")
else:
    compare("Blood pressure", pressure[["value"]].to_numpy(), pressure["is_anomaly"].to_numpy(bool), 1200, 50)
    compare("Heart", heart[["data"]].to_numpy(), heart["label"].to_numpy(bool), 5000, 100, smoothing=290, epochs=[40])
