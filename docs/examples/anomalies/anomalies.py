"""
Find the sensor that sticks
===========================

Which rows of four sensors are anomalous, and which sensor is the cause? The series is made up: the sensors follow one
hidden swing, and the third one sticks for a while at a value that it often has. :class:`~sklstm.LSTMAnomalyDetector`
learns to forecast normal rows and scores new ones by the errors of the forecast. Beside it stand the same detector
around a ridge regression, and the distance of the values from their means in standard deviations (\\|z\\|). See
:doc:`/guide/anomalies`.
"""

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.metrics import RocCurveDisplay, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMAnomalyDetector, LSTMForecaster, SlidingWindow

# %%
# Four sensors, one of which sticks
# ---------------------------------

n_rows, n_train, stuck = 3000, 2000, slice(2500, 2540)
rng = np.random.default_rng(0)
time = np.arange(n_rows)
delays, units, noise = [0, 3, 6, 9], [1, 10, 100, 1000], [0.02, 0.02, 0.02, 0.1]
swings = [np.sin((time - delay) / 4) + np.sin((time - delay) / 11) for delay in delays]
series = (np.column_stack(swings) + rng.normal(size=(n_rows, 4)) * noise) * units
series[stuck, 2] = series[stuck.start, 2]
is_anomaly = np.zeros(n_rows, dtype=bool)
is_anomaly[stuck] = True

# %%
# Three detectors
# ---------------
# The LSTM is fitted with five random states.


def flatten(windows):
    return windows.reshape(len(windows), -1)


def detector(forecaster, **window):
    return make_pipeline(StandardScaler(), SlidingWindow(16, **window), LSTMAnomalyDetector(forecaster))


ridge = make_pipeline(FunctionTransformer(flatten), RidgeCV(np.logspace(-3, 3, 13)))
models = {
    "LSTM": [detector(LSTMForecaster(units=32, random_state=seed)) for seed in range(5)],
    "Ridge": [detector(ridge, pad="edge")],
}

# %%
# How well do they find the anomaly?
# ----------------------------------
# The area under the ROC curve (AUC) is that of the rows not trained on: 0.5 is chance, 1 is perfect. The figures of the
# LSTM are medians, with the range of the AUC.

truth = is_anomaly[n_train:]
print(f"{n_train} rows to train on; {truth.sum()} of {len(truth)} others are anomalies")
print(f"{'':<8}{'AUC':>7}{'range':>16}{'found':>8}{'false positives':>17}")
scores = {}
for name, fits in models.items():
    figures = []
    for model in fits:
        windows = model.fit(series[:n_train])[:-1].transform(series)[n_train:]
        score, label = -model[-1].score_samples(windows), model[-1].predict(windows)
        figures.append([roc_auc_score(truth, score), (label[truth] == -1).mean(), (label[~truth] == -1).mean()])
        scores.setdefault(name, score)
    aucs, found, false_positives = np.transpose(figures)
    spread = f"{aucs.min():.3f} to {aucs.max():.3f}" if len(fits) > 1 else ""
    print(f"{name:<8}{np.median(aucs):7.3f}{spread:>16}{np.median(found):8.1%}{np.median(false_positives):17.1%}")
scores["|z|"] = np.square(StandardScaler().fit(series[:n_train]).transform(series)).mean(axis=1)[n_train:]
print(f"{'|z|':<8}{roc_auc_score(truth, scores['|z|']):7.3f}")

# %%
# The values themselves are normal ones, so \|z\| finds little. The errors of a forecast find it, whatever the
# forecaster: a ridge regression does as well as the LSTM.

figure, ax = plt.subplots(figsize=(5.4, 4.4), layout="constrained")
styles = {"LSTM": {"color": "tab:blue"}, "Ridge": {"color": "tab:orange", "linestyle": "--"}}
styles["|z|"] = {"color": "0.5", "linestyle": "-."}
for name, style in styles.items():
    RocCurveDisplay.from_predictions(truth, scores[name], name=name, ax=ax, curve_kwargs=style)
ax.set(xlabel="false positive rate", ylabel="share of the anomalous rows that are found")
plt.show()

# %%
# Which sensor is it?
# -------------------
# ``feature_errors`` splits the score of a row into the shares of the sensors.

shares = {}
for name, fits in models.items():
    errors = fits[0][-1].feature_errors(fits[0][:-1].transform(series)[stuck]).sum(axis=0)
    shares[name] = errors / errors.sum()
    print(f"{name:<8}" + "".join(f"{share:8.1%}" for share in shares[name]))

# %%
# The third sensor has most of the score in the rows in which it sticks, which are shaded.

shown = slice(2440, 2600)
figure, (top, middle, bottom) = plt.subplots(nrows=3, figsize=(7, 6), layout="constrained")
for sensor, values in enumerate((series / units)[shown].T):
    style = {"color": "black", "linewidth": 1.8} if sensor == 2 else {"color": "0.7", "linewidth": 1}
    top.plot(time[shown], values, label=f"sensor {sensor + 1}", **style)
middle.plot(time[shown], scores["LSTM"][shown.start - n_train : shown.stop - n_train], color="tab:blue")
middle.set(yscale="log", xlabel="row", ylabel="score of the LSTM", xlim=top.get_xlim())
for ax in (top, middle):
    ax.axvspan(stuck.start, stuck.stop - 1, color="0.9", zorder=0)
top.set(title="Sensor 3 sticks", ylabel="value, rescaled", ylim=(-3.5, 2.3))
top.legend(frameon=False, ncols=4, loc="lower center", fontsize="small")
for place, (name, color) in enumerate({"LSTM": "tab:blue", "Ridge": "tab:orange"}.items()):
    bottom.bar(np.arange(1, 5) + 0.36 * place - 0.18, 100 * shares[name], width=0.36, color=color, label=name)
bottom.set(xlabel="sensor", ylabel="share of the score, %", xticks=range(1, 5))
bottom.legend(frameon=False)
plt.show()
