"""
Intervals that follow the noise, and a break
============================================

Do intervals hold the stated share of the truth when the noise changes? :class:`~sklstm.ConformalForecaster` puts
intervals around the forecasts of any model. The first series has noise that depends on the hour, and an LSTM of
quantiles learns where the intervals have to be wide. In the second one the noise becomes three times as large, and
adaptive intervals follow. :doc:`/guide/intervals` explains both.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from sklstm import ConformalForecaster, LSTMForecaster, SeasonalNaive, SlidingWindow, backtest, to_supervised
from sklstm.plotting import ForecastDisplay

rng = np.random.default_rng(0)
HORIZON, COVERAGE, BREAK = 12, 0.9, 1500

# %%
# Noise that depends on the hour
# ------------------------------
# The series is made up: hourly demand, with more noise by day than by night.


def hourly_demand(n_rows):
    hours = pd.date_range("2024-01-01", periods=n_rows, freq="h")
    by_day = np.sin(2 * np.pi * (hours.hour - 6) / 24)
    noise = np.convolve(rng.normal(size=n_rows), [1, 0.7, 0.5], "same") * np.exp(by_day)
    return pd.DataFrame({"demand": 50 + 15 * by_day + noise}, index=hours)


demand = hourly_demand(2000)
train = demand[:1900]

# %%
# The network forecasts quantiles of half a day. They are calibrated on the last fifth of the training rows.
# :func:`~sklstm.backtest` then forecasts the last 100 hours, half a day at a time.

network = LSTMForecaster(loss="quantile", n_networks=2, random_state=0)  # two networks, to be quick
model = ConformalForecaster(make_pipeline(SlidingWindow(48), network))
model.fit(*to_supervised(train, horizon=HORIZON))
result = backtest(model, demand, HORIZON, first_origin=len(train) - 1, stride=HORIZON, coverage=(0.8, 0.95))

figure, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
ForecastDisplay.from_predictions(result, history=demand, n_history=24, ax=ax)
ax.set(xlabel="hour")
plt.show()

# %%
# A break
# -------
# The noise of this series becomes three times as large at row 1500. The model is a seasonal naive forecast, whose
# intervals should hold 90 % of the true values. Plain intervals keep their width. Adaptive ones become wider with each
# value that they miss.


def with_break(n_rows):
    scale = np.where(np.arange(n_rows) < BREAK, 1, 3)
    return np.sin(2 * np.pi * np.arange(n_rows) / 24) + 0.2 * scale * rng.normal(size=n_rows)


series = with_break(4000)
naive = make_pipeline(SlidingWindow(24), SeasonalNaive(24))
inside = {}
for name, adaptive in {"plain": False, "adaptive": True}.items():
    model = ConformalForecaster(naive, adaptive=adaptive).fit(*to_supervised(series[:1000]))
    result = backtest(model, series, first_origin=999, coverage=COVERAGE)
    inside[name] = pd.Series((result.lower_90 <= result.truth) & (result.truth <= result.upper_90), index=result.origin)
    shares = [inside[name].loc[BREAK + after :][:200].mean() for after in (0, 200, 400, 1000)]
    print(f"{name}: coverage of 200 rows from 0, 200, 400 and 1000 after the break:", *np.round(shares, 3))

# %%
# The coverage of the last 100 intervals falls at the break. Only adaptive intervals return to 90 %.

figure, ax = plt.subplots(figsize=(9, 3.4), layout="constrained")
ax.plot(inside["plain"].rolling(100).mean(), "--", color="0.5", label="plain")
ax.plot(inside["adaptive"].rolling(100).mean(), color="tab:blue", label="adaptive")
ax.axhline(COVERAGE, color="black", linewidth=0.8, linestyle=":")
ax.axvline(BREAK, color="black", linewidth=0.8)
ax.annotate("break", (BREAK, 0.33), xytext=(-4, 0), textcoords="offset points", ha="right")
ax.set(xlabel="row", ylabel="coverage of the last\n100 intervals of 90 %", ylim=(0.3, 1.02))
ax.legend(loc="center right")
plt.show()
