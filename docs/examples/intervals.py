"""Picture intervals of forecasts: of an hourly series whose noise depends on the hour, and after a break.

The first picture has forecasts of half a day from several origins, by an LSTM of quantiles, calibrated on the last
fifth of the rows before. The second one has the coverage of the last 100 forecasts, over a series whose noise becomes
three times as large: plain and adaptive intervals of a seasonal naive forecast, of which 90 % should hold the truth.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from sklstm import ConformalForecaster, LSTMForecaster, SeasonalNaive, SlidingWindow, backtest, to_supervised
from sklstm.plotting import ForecastDisplay

parser = argparse.ArgumentParser(description="Picture intervals of forecasts.")
parser.add_argument("--folder", type=Path, default=Path(), help="where to save the pictures")
args = parser.parse_args()

plt.switch_backend("Agg")  # draws to files and needs no display
rng = np.random.default_rng(0)
HORIZON, COVERAGE, BREAK = 12, 0.9, 1500


def hourly_demand(n_rows):
    hours = pd.date_range("2024-01-01", periods=n_rows, freq="h")
    by_day = np.sin(2 * np.pi * (hours.hour - 6) / 24)
    noise = np.convolve(rng.normal(size=n_rows), [1, 0.7, 0.5], "same") * np.exp(by_day)
    return pd.DataFrame({"demand": 50 + 15 * by_day + noise}, index=hours)


def with_break(n_rows):
    scale = np.where(np.arange(n_rows) < BREAK, 1, 3)
    return np.sin(2 * np.pi * np.arange(n_rows) / 24) + 0.2 * scale * rng.normal(size=n_rows)


demand = hourly_demand(2000)
train = demand[:1900]
network = LSTMForecaster(loss="quantile", random_state=0)
model = ConformalForecaster(make_pipeline(SlidingWindow(48), network))
model.fit(*to_supervised(train, horizon=HORIZON))
result = backtest(model, demand, HORIZON, first_origin=len(train) - 1, stride=HORIZON, coverage=(0.8, 0.95))
figure, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
ForecastDisplay.from_predictions(result, history=demand, n_history=24, ax=ax)
figure.savefig(args.folder / "intervals.png", dpi=100)

series = with_break(4000)
naive = make_pipeline(SlidingWindow(24), SeasonalNaive(24))
figure, ax = plt.subplots(figsize=(9, 3.4), layout="constrained")
for (name, adaptive), style in zip({"plain": False, "adaptive": True}.items(), ("--", "-"), strict=True):
    model = ConformalForecaster(naive, adaptive=adaptive).fit(*to_supervised(series[:1000]))
    result = backtest(model, series, first_origin=999, coverage=COVERAGE)
    inside = pd.Series((result.lower_90 <= result.truth) & (result.truth <= result.upper_90), index=result.origin)
    ax.plot(inside.rolling(100).mean(), style, color="0.5" if not adaptive else "tab:blue", label=name)
    shares = [inside.loc[first : first + 199].mean() for first in (BREAK, BREAK + 200, BREAK + 400, BREAK + 1000)]
    print(f"{name}: coverage of 200 rows from 0, 200, 400 and 1000 after the break:", *np.round(shares, 3))
ax.axhline(COVERAGE, color="black", linewidth=0.8, linestyle=":")
ax.axvline(BREAK, color="black", linewidth=0.8)
ax.annotate("break", (BREAK, 0.33), xytext=(-4, 0), textcoords="offset points", ha="right")
ax.set(xlabel="row", ylabel="coverage of the last\n100 intervals of 90 %", ylim=(0.3, 1.02))
ax.legend(loc="center right")
figure.savefig(args.folder / "intervals_break.png", dpi=100)
