"""
Airline passengers: a grid search, and published errors
=======================================================

How good is an LSTM on a short series, beside simple models? The series is 144 monthly totals, 1949 to 1960. First a
grid search over the training years chooses the length of the window and the size of the network. The last two years are
forecast by an LSTM, by a ridge regression on the same windows, and by a seasonal naive forecast (the same month of the
year before). Then the last three years are forecast without a search, beside published errors for the same months.
:doc:`/guide/tuning` and :doc:`/accuracy` have more.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_percentage_error
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMForecaster, SeasonalNaive, SlidingWindow, forecast, to_supervised
from sklstm.datasets import load_airline

# %%
# Search for a window and a size
# ------------------------------
# The LSTM and the ridge regression forecast the monthly growth, the difference of logarithms, whose range stays much
# the same.

n_test = 24
passengers = load_airline().data
months = np.datetime64("1949-01") + np.arange(len(passengers))
growth = np.diff(np.log(passengers), axis=0)
X, y = to_supervised(growth)  # y[t] is the growth of the month that follows X[t]
X_train, y_train = X[:-n_test], y[:-n_test]

cv = TimeSeriesSplit(n_splits=3)
searches = {
    "LSTM": GridSearchCV(
        make_pipeline(SlidingWindow(carry_over=True), LSTMForecaster(random_state=0)),
        {"slidingwindow__window_size": [12, 24], "lstmforecaster__units": [16, 32]},
        scoring="neg_mean_absolute_error",
        cv=cv,
    ),
    "Ridge": GridSearchCV(
        make_pipeline(SlidingWindow(carry_over=True, flatten=True, pad="edge"), Ridge()),
        {"slidingwindow__window_size": [12, 24], "ridge__alpha": [0.01, 0.1, 1.0]},
        scoring="neg_mean_absolute_error",
        cv=cv,
    ),
}
for name, search in searches.items():
    search.fit(X_train, y_train)
    print(f"{name:<6}best of the grid: {search.best_params_}")

# %%
# Forecast the last two years
# ---------------------------
# Growth turns into passengers by way of the month before or, from a single origin, of the last month known.

one_step, from_origin = {}, {}
for name, search in searches.items():
    one_step[name] = passengers[-n_test - 1 : -1, 0] * np.exp(search.predict(X)[-n_test:])
    path = np.cumsum(forecast(search, growth[:-n_test], n_test))
    from_origin[name] = passengers[-n_test - 1] * np.exp(path)
naive = make_pipeline(SlidingWindow(12), SeasonalNaive(season_length=12))
naive.fit(*to_supervised(passengers[:-n_test]))
one_step["Seasonal naive"] = naive.predict(passengers)[-n_test - 1 : -1]
from_origin["Seasonal naive"] = forecast(naive, passengers[:-n_test], n_test)[:, 0]

# %%
# The mean absolute percentage error (MAPE), and the forecasts:

truth = passengers[-n_test:, 0]
print(f"{f'MAPE of {n_test} months':<16}{'one step ahead':>18}{'from one origin':>18}")
for name in one_step:
    errors = [mean_absolute_percentage_error(truth, predicted[name]) for predicted in (one_step, from_origin)]
    print(f"{name:<16}{errors[0]:>18.1%}{errors[1]:>18.1%}")

print("\nForecast from one origin, thousands of passengers")
print(f"{'month':<8}{'true':>8}{'LSTM':>8}{'Ridge':>8}")
for row in zip(months[-n_test:], truth, from_origin["LSTM"], from_origin["Ridge"], strict=True):
    print("{!s:<8}{:8.0f}{:8.0f}{:8.0f}".format(*row))

# %%
# LSTM and ridge regression are equally good.

figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.plot(months[:-n_test], passengers[:-n_test], color="0.3", label="history")
ax.plot(months[-n_test:], truth, color="0.3", linestyle=":", label="truth, held out")
ax.plot(months[-n_test:], from_origin["LSTM"], color="C0", label="LSTM, from one origin")
ax.plot(months[-n_test:], from_origin["Ridge"], color="C1", linewidth=1, label="Ridge, from one origin")
ax.axvline(months[-n_test - 1], color="0.8", linewidth=1)
ax.set(title="International airline passengers", ylabel="thousands a month")
ax.legend(frameon=False)
plt.show()

# %%
# Three years from one origin, beside published errors
# ----------------------------------------------------
# This pipeline takes passengers and returns passengers. It forecasts their logarithms a season at a time, from windows
# of one season to three, with the defaults otherwise. The series is short, so another ``random_state`` moves the
# errors: they are medians of five, with the range.

n_ahead, season_length = 36, 12
history, future = passengers[:-n_ahead], passengers[-n_ahead:]


def error_from_origin(model):
    model.fit(*to_supervised(history, horizon=season_length))
    return mean_absolute_percentage_error(future, forecast(model, history, n_ahead))


def lstm_on_logarithms(window_size, seed):
    pipeline = make_pipeline(FunctionTransformer(np.log), SlidingWindow(window_size), LSTMForecaster(random_state=seed))
    return TransformedTargetRegressor(pipeline, func=np.log, inverse_func=np.exp)


results = {
    f"LSTM, windows of {size} months": [error_from_origin(lstm_on_logarithms(size, seed)) for seed in range(5)]
    for size in (12, 24, 36)
}
results["Seasonal naive"] = [error_from_origin(naive)]
results["Exponential smoothing, published"] = [0.051]
results["Auto-ARIMA, published"] = [0.042]

print(f"MAPE of {n_ahead} months from one origin; median, least and largest of 5 random states")
for name, errors in results.items():
    spread = f"  {min(errors):.3f}  {max(errors):.3f}" if len(errors) > 1 else ""
    print(f"{name:<34}{np.median(errors):.3f}{spread}")

# %%
# With windows of three seasons the LSTM comes close to the published errors of statistical models.

figure, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
medians = [100 * np.median(errors) for errors in results.values()]
ranges = [
    (median - 100 * min(errors), 100 * max(errors) - median)
    for median, errors in zip(medians, results.values(), strict=True)
]
colors = ["C0" if name.startswith("LSTM") else "0.6" for name in results]
bars = ax.barh(list(results), medians, xerr=np.transpose(ranges), color=colors, ecolor="0.2")
ax.bar_label(bars, [f"{median:.1f} %" for median in medians], padding=12)
ax.set(xlabel=f"MAPE of {n_ahead} months from one origin, %", xlim=(0, 16))
ax.invert_yaxis()
plt.show()
