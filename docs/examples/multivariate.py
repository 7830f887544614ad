"""Forecast the demand for electricity a week ahead, with the temperature known ahead.

The series is made up: the daily demand falls at weekends, rises when it is cold (heating) and when it is hot
(cooling), and drifts. The temperature stands for a weather forecast that is always right: ``known="temperature"``. So
each row holds the demand and the temperature of its day, and the temperature one week later. A window of at least seven
rows holds the temperatures of all the days to forecast.

One model forecasts seven days at once (``horizon=7``). The script compares the mean absolute error of the LSTM, of
a ridge regression on the same windows, and of the naive forecast that repeats the last week; and then forecasts
four weeks from a single origin, block by block, with the temperatures passed as ``future``.
"""

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMForecaster, SlidingWindow, forecast, to_supervised

horizon, window_size = 7, 14
n_test, n_ahead = 365, 28

rng = np.random.default_rng(0)
days = pd.date_range("2020-01-01", "2024-12-31", freq="D", name="day")
noise = pd.DataFrame(rng.normal(size=(len(days), 2)), days, ["temperature", "demand"]).ewm(alpha=0.2).mean()
temperature = 15 - 12 * np.cos(2 * np.pi * days.day_of_year / 365.25) + 10 * noise["temperature"]
heating, cooling = (15 - temperature).clip(lower=0), (temperature - 20).clip(lower=0)
demand = 100 - 15 * (days.day_of_week >= 5) + 2 * heating + 3 * cooling + 5 * noise["demand"]

table = pd.DataFrame({"demand": demand, "temperature": temperature})
X, y = to_supervised(table, horizon=horizon, target="demand", known="temperature")
n_train = len(X) - n_test - horizon  # the targets of the training rows end before the test rows begin
X_train, y_train, y_test = X[:n_train], y[:n_train], y[-n_test:]

models = {
    "LSTM": make_pipeline(
        StandardScaler(), SlidingWindow(window_size), LSTMForecaster(units=32, epochs=40, random_state=0)
    ),
    "Ridge": make_pipeline(StandardScaler(), SlidingWindow(window_size, flatten=True, pad="edge"), Ridge()),
}
predicted = {name: model.fit(X_train, y_train).predict(X)[-n_test:] for name, model in models.items()}
predicted["Last week"] = np.column_stack([demand.shift(lag)[y_test.index] for lag in range(horizon - 1, -1, -1)])

print(f"Mean absolute error of {n_test} forecasts, by days ahead; mean demand {y_test.to_numpy().mean():.1f}")
print(f"{'':<12}" + "".join(f"{step + 1:>7d}" for step in range(horizon)) + f"{'all':>7}")
for name, values in predicted.items():
    errors = mean_absolute_error(y_test, values, multioutput="raw_values")
    print(f"{name:<12}" + "".join(f"{error:7.2f}" for error in errors) + f"{errors.mean():7.2f}")

# Four weeks from one origin: of the rows to come, only the temperature is known.
history, future = table[:-n_ahead], table.loc[table.index[-n_ahead:], ["temperature"]]
truth = table["demand"][-n_ahead:]
ahead = {
    name: forecast(model, history, n_ahead, target="demand", future=future)["demand"] for name, model in models.items()
}
ahead["Last week"] = pd.Series(np.tile(history["demand"][-7:], n_ahead // 7), truth.index)

print(f"\nMean absolute error of {n_ahead} days from {history.index[-1]:%Y-%m-%d}, by week")
print(f"{'':<12}" + "".join(f"{week + 1:>7d}" for week in range(n_ahead // 7)) + f"{'all':>7}")
for name, values in ahead.items():
    errors = (values - truth).abs().to_numpy().reshape(-1, 7).mean(axis=1)
    print(f"{name:<12}" + "".join(f"{error:7.2f}" for error in errors) + f"{errors.mean():7.2f}")
