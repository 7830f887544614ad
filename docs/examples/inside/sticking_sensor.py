"""
What the gates do while a sensor sticks
=======================================

Do the gates of an anomaly detector show the anomaly? Four made-up sensors follow one hidden swing, and the third one
sticks for 40 rows. The forecaster of an :class:`~sklstm.LSTMAnomalyDetector` has learnt from 2000 normal rows. The
score of a row is the Mahalanobis distance of its gates or states from normal ones. Beside it stand distances of the
values, the error of the forecast, and the same networks before training. See :doc:`/guide/inside` and
:doc:`/guide/anomalies`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMAnomalyDetector, LSTMForecaster, SlidingWindow
from sklstm.plotting import GatesDisplay

# %%
# Four sensors
# ------------

n_rows, n_train, stuck = 3000, 2000, slice(2500, 2540)
new = slice(n_train, n_rows - 1)  # no window follows the last row
rng = np.random.default_rng(0)
time = np.arange(n_rows)
swings = [np.sin((time - delay) / 4) + np.sin((time - delay) / 11) for delay in (0, 3, 6, 9)]
series = (np.column_stack(swings) + rng.normal(size=(n_rows, 4)) * [0.02, 0.02, 0.02, 0.1]) * [1, 10, 100, 1000]
series[stuck, 2] = series[stuck.start, 2]
series = pd.DataFrame(series, columns=[f"sensor {number}" for number in range(1, 5)])
is_anomaly = np.zeros(n_rows, dtype=bool)
is_anomaly[stuck] = True

# %%
# Trained and untrained detectors
# -------------------------------

settings = {"trained": {}, "untrained": {"learning_rate": 1e-20, "epochs": 1}}
detectors = {
    name: [
        make_pipeline(
            StandardScaler(),
            SlidingWindow(16),
            LSTMAnomalyDetector(LSTMForecaster(units=32, random_state=seed, **params)),
        ).fit(series[:n_train])
        for seed in range(3)
    ]
    for name, params in settings.items()
}
gate_names = ("forget_gate", "input_gate", "output_gate")


def states_of(pipeline):
    """Return gates and cell states after each row, where the detector has read it to forecast the next one."""
    gates = pipeline[-1].gates(pipeline[:-1].transform(series), steps=-1)
    after = {name: np.roll(values[:, 0], -1, axis=0) for name, values in gates.items()}
    return np.hstack([after[gate] for gate in gate_names]), after["cell_state"]


gates = states_of(detectors["trained"][0])[0]

# %%
# The gates of the rows in which the sensor sticks
# ------------------------------------------------
# The picture has the gate with the largest shift. One sees little: the gates jump when the sensor moves again. The last
# column is hatched, since no window follows it.

normal = gates[16:n_train]
shifts = gates[stuck].mean(axis=0) - normal.mean(axis=0)
largest = np.abs(shifts).argmax()
unit, gate = largest % 32, gate_names[largest // 32]
print(f"The largest shift is that of unit {unit}, {gate}, from {normal[:, largest].mean():.2f}")

display = GatesDisplay.from_estimator(detectors["trained"][0], series[2440:2600], gate=gate)
for ax in display.axes_[:-1]:
    ax.axvspan(stuck.start, stuck.stop - 1, color="0.85", zorder=0)
plt.show()

# %%
# The table compares the 40 rows with other blocks of 40 rows, by their median and range.


def spread(values, digits=2):
    return f"{np.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


blocks = [slice(start, start + 40) for start in range(n_train, stuck.start - 40, 40)]


def tell(name, measure):
    print(f"{name:<60}{measure(gates[stuck]):6.3f}   {spread([measure(gates[block]) for block in blocks], 3)}")


for name, values in zip(gate_names, np.split(np.arange(gates.shape[1]), 3), strict=True):
    tell(f"mean of the {name.replace('_', ' ')} over rows and units", lambda rows, of=values: rows[:, of].mean())
tell("standard deviation over rows, mean over units and gates", lambda rows: rows.std(axis=0).mean())
tell("largest shift of a unit's mean", lambda rows: np.abs(rows.mean(axis=0) - normal.mean(axis=0)).max())

# %%
# The distance of all units together
# ----------------------------------
# The figures are the area under the ROC curve (AUC) of the anomalous rows among the rows not trained on, for each of
# three random states.


def auc(scores):
    return roc_auc_score(is_anomaly[new], scores)


def distances(values):
    values = np.asarray(values)
    return LedoitWolf().fit(values[16:n_train]).mahalanobis(values[new])


aucs = {}
for name, pipelines in detectors.items():
    for of_gates, cell_state in map(states_of, pipelines):
        aucs.setdefault(f"gates, {name}", []).append(auc(distances(of_gates)))
        aucs.setdefault(f"cell states, {name}", []).append(auc(distances(cell_state)))
windows = SlidingWindow(16, flatten=True, pad="edge").fit_transform(StandardScaler().fit_transform(series))
aucs["error of the forecast"] = [
    auc(-model[-1].score_samples(model[:-1].transform(series)[new])) for model in detectors["trained"]
]
aucs["values of the window"] = [auc(distances(windows))]
aucs["values of the row"] = [auc(distances(series))]
for name, of_seeds in aucs.items():
    print(f"{name:<24}{spread(of_seeds, 3)}")

# %%
# Distances of gates detect the anomaly well. But the untrained networks do nearly the same, so this does not show that
# training has learnt what is normal.

figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for place, (name, values) in enumerate(aucs.items()):
    color = "tab:blue" if name.endswith(", trained") else "0.4"
    ax.plot(values, [place] * len(values), "o", color=color, alpha=0.7)
ax.set_yticks(range(len(aucs)), aucs)
ax.set(xlabel="AUC of the anomalous rows: 0.5 is chance, 1 is perfect", xlim=(0.8, 1))
ax.grid(axis="y", color="0.9")
ax.invert_yaxis()
plt.show()
