"""
Forecast demand with the temperature known ahead
================================================

How much does a weather forecast help to predict the demand for electricity? The series is made up: the daily demand
falls at weekends, rises when it is cold (heating) and when it is hot (cooling), and drifts. The temperature stands for
a weather forecast that is always right: ``known="temperature"``. One :class:`~sklstm.LSTMForecaster` forecasts seven
days at once, beside a ridge regression on the same windows and a forecast that repeats the last week. See
:doc:`/guide/known` and :doc:`/guide/several_steps`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMForecaster, SlidingWindow, forecast, to_supervised

horizon, window_size = 7, 14
n_test, n_ahead = 365, 28

# %%
# The data
# --------

rng = np.random.default_rng(0)
days = pd.date_range("2020-01-01", "2024-12-31", freq="D", name="day")
noise = pd.DataFrame(rng.normal(size=(len(days), 2)), days, ["temperature", "demand"]).ewm(alpha=0.2).mean()
temperature = 15 - 12 * np.cos(2 * np.pi * days.day_of_year / 365.25) + 10 * noise["temperature"]
heating, cooling = (15 - temperature).clip(lower=0), (temperature - 20).clip(lower=0)
demand = 100 - 15 * (days.day_of_week >= 5) + 2 * heating + 3 * cooling + 5 * noise["demand"]
table = pd.DataFrame({"demand": demand, "temperature": temperature})
print(table.tail().round(1))

# %%
# Fit two models
# --------------
# Each row of ``X`` holds the demand and the temperature of its day, and the temperature one week later. A window of at
# least seven rows holds the temperatures of all the days to forecast. The targets of the training rows end before the
# test rows begin.

X, y = to_supervised(table, horizon=horizon, target="demand", known="temperature")
n_train = len(X) - n_test - horizon
X_train, y_train, y_test = X[:n_train], y[:n_train], y[-n_test:]

models = {
    "LSTM": make_pipeline(
        StandardScaler(), SlidingWindow(window_size), LSTMForecaster(units=32, epochs=40, random_state=0)
    ),
    "Ridge": make_pipeline(StandardScaler(), SlidingWindow(window_size, flatten=True, pad="edge"), Ridge()),
}
predicted = {name: model.fit(X_train, y_train).predict(X)[-n_test:] for name, model in models.items()}
predicted["Last week"] = np.column_stack([demand.shift(lag)[y_test.index] for lag in range(horizon - 1, -1, -1)])

# %%
# Errors of the last year, by days ahead
# --------------------------------------

errors = pd.DataFrame(
    {name: mean_absolute_error(y_test, values, multioutput="raw_values") for name, values in predicted.items()},
    index=pd.RangeIndex(1, horizon + 1, name="days ahead"),
)
print(f"Mean absolute error of {n_test} forecasts; mean demand {y_test.to_numpy().mean():.1f}")
print(errors.T.assign(all=errors.mean()).round(2))

# %%
# Four weeks from one origin
# --------------------------
# :func:`~sklstm.forecast` continues block by block. Of the rows to come, only the temperature is known: ``future``.

history, future = table[:-n_ahead], table.loc[table.index[-n_ahead:], ["temperature"]]
truth = table["demand"][-n_ahead:]
ahead = {
    name: forecast(model, history, n_ahead, target="demand", future=future)["demand"] for name, model in models.items()
}
ahead["Last week"] = pd.Series(np.tile(history["demand"][-7:], n_ahead // 7), truth.index)

by_week = pd.DataFrame(ahead).sub(truth, axis=0).abs().groupby(np.arange(n_ahead) // 7 + 1).mean()
print(f"Mean absolute error of {n_ahead} days from {history.index[-1]:%Y-%m-%d}, by week")
print(by_week.T.assign(all=by_week.mean()).round(2))

# %%
# The network has learnt the bend of the demand between cold and hot days, which no linear model has.

styles = {
    "LSTM": {"color": "tab:blue", "marker": "o"},
    "Ridge": {"color": "tab:orange", "marker": "s"},
    "Last week": {"color": "0.6", "marker": "^"},
}
figure, (top, bottom) = plt.subplots(nrows=2, figsize=(7, 6), layout="constrained")
truth.plot(ax=top, color="black", linewidth=2, label="truth")
for name, style in styles.items():
    ahead[name].plot(ax=top, markersize=3, linewidth=1.2, label=name, **style)
    errors[name].plot(ax=bottom, label=name, **style)
top.set(title=f"{n_ahead} days from one origin", xlabel="", ylabel="demand, units a day")
bottom.set(title=f"{n_test} forecasts, by days ahead", ylabel="mean absolute error, units a day")
bottom.set(xlabel="days ahead", ylim=0)
top.legend(frameon=False, ncols=2)
plt.show()
