"""
Units that follow the season
============================

Do the units of a network that forecasts airline passengers follow the season? The season of a month is its mean
deviation from the trend, for example that of all Julys in training. The figures are absolute correlations of the units'
cell states with the season of the next month, in three years that were not trained on. The baselines are the same
networks before training, and the last value of the window. See :doc:`/guide/inside`.
"""

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from sklstm import LSTMForecaster, SlidingWindow, to_supervised
from sklstm.datasets import load_airline
from sklstm.plotting import GatesDisplay

# %%
# The season
# ----------

frame = np.log(load_airline(as_frame=True).data)
n_train = 108
X, y = to_supervised(frame)


def season_of(series, n_train):
    """Return the mean of each calendar month in training, without the trend of twelve months."""
    trend = np.convolve(series, np.r_[0.5, np.ones(11), 0.5] / 12, "valid")  # of months 6 to the sixth from the end
    detrended = pd.Series(series[6:-6] - trend, index=np.arange(6, len(series) - 6) % 12)[: n_train - 12]
    return detrended.groupby(level=0).mean().to_numpy()


def correlations(states, target):
    """Return the absolute correlation of each unit with a target."""
    return np.abs(np.corrcoef(states.T, target)[-1, :-1])


season = season_of(frame.to_numpy().ravel(), n_train)
of_next_month = season[(np.arange(len(X)) + 1) % 12]
past, future = slice(12, n_train), slice(n_train, None)

# %%
# Fit, and measure each unit
# --------------------------
# The best unit is the one with the highest correlation in training. Figures are medians and ranges of five random
# states.


def spread(values, digits=2):
    return f"{np.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


plain = {"n_networks": 1, "early_stopping": False, "linear_skip": False}
settings = {"trained": plain, "untrained": plain | {"learning_rate": 1e-20, "epochs": 1}}
correlations_of_units, figures = {}, {}
for name, params in settings.items():
    for seed in range(5):
        forecaster = LSTMForecaster(16, random_state=seed, **params)
        pipeline = make_pipeline(SlidingWindow(12, carry_over=True), forecaster).fit(X[:n_train], y[:n_train])
        states = pipeline[-1].gates(pipeline[:-1].transform(X), steps=-1).cell_state[:, 0]
        of_units = correlations(states[future], of_next_month[future])
        best = correlations(states[past], of_next_month[past]).argmax()
        correlations_of_units.setdefault(name, []).append(of_units)
        figures.setdefault(name, []).append([of_units[best], np.median(of_units), (of_units > 0.8).sum()])
        if (name, seed) == ("trained", 0):
            model = pipeline
for name, rows in figures.items():
    best, median, number = np.transpose(rows)
    print(f"{name:<12}best {spread(best):<22}median unit {spread(median):<22}above 0.8: {spread(number, 0)}")
last_value = correlations(X[future].to_numpy(), of_next_month[future])[0]
print(f"The last value of the window itself: {last_value:.2f}")

# %%
# Each dot is one of 16 units of one of five networks. Here training makes a difference.

rng = np.random.default_rng(0)
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for place, (name, color) in enumerate({"trained": "tab:blue", "untrained": "0.5"}.items()):
    values = np.ravel(correlations_of_units[name])
    ax.plot(values, place + rng.uniform(-0.25, 0.25, len(values)), "o", color=color, alpha=0.6, markersize=5)
ax.axvline(last_value, color="black", linestyle=":", linewidth=1.2)
ax.annotate("last value of the window", (last_value, 1.42), xytext=(4, 0), textcoords="offset points")
ax.set_yticks([0, 1], ["trained", "untrained"])
ax.set(xlabel="absolute correlation of a unit with the season of the next month", xlim=(0, 1), ylim=(1.65, -0.5))
plt.show()

# %%
# The states of all units
# -----------------------
# Each column is a window of twelve months: the cell states after its last month. Training ends with 1957.

GatesDisplay.from_estimator(model, X)
plt.show()
