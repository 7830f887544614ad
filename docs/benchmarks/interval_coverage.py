"""Coverage of intervals.

How often intervals of `ConformalForecaster` hold the truth, on average over all steps ahead, and at the step where this
differs most from what it should be. `ridge` is `RidgeCV` on standardised windows, `LSTM` is
`LSTMForecaster(loss="quantile")` with its defaults. Each is fitted once, on the first 80 % of a series, of which the
last fifth calibrates, and forecasts from every row of the rest. The airline series, in logarithms, is short: its models
are fitted anew every twelve months, direct ones from the eighth year on, recursive ones from the tenth, with 30 % of
the rows for calibration. So each of its steps has some fifty or thirty forecasts. `LSTM, residuals` are intervals of
the same network by its absolute errors instead of its quantiles. `plain` is split conformal prediction, `adaptive`
moves the widths after each truth. `direct` models predict all steps at once. `recursive` ones predict half of them, of
the autoregressions one step, and are fed their predictions.

The autoregression is y(t) = 0.8 y(t - 1) + noise, which is normal or has the t distribution with three degrees of
freedom. The hourly series are those of the study of accuracy, without their other columns. M3 are the 1,428 monthly
series of that competition, of which the 18 months after the training parts are forecast once, in logarithms, with
errors scaled by series and pooled.

The goal is a mean within 3 points and no step beyond 6 points. One seed. The test parts were looked at {looks}.
"""

import argparse
import json
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from real_series import ALL
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LOOKS = (
    "several times for ridge, to choose the step size of adaptive intervals and the rows of the airline series, and\n"
    "twice for the LSTM, the second time after a change of the step size"
)
__doc__ = __doc__.format(looks=LOOKS)
COVERAGES = (0.8, 0.9, 0.95)
HOURLY = ["temperature_new_york", "demand_victoria", "traffic", "pedestrians", "calls", "glucose"]
MODELS = ("ridge", "LSTM")
RESIDUALS = "LSTM, residuals"  # of the short series


def autoregression(distribution):
    rng, n_rows = np.random.default_rng(0), 20_000
    noise = rng.standard_normal(n_rows) if distribution == "normal" else rng.standard_t(3, n_rows)
    series = np.zeros(n_rows)
    for t in range(1, n_rows):
        series[t] = 0.8 * series[t - 1] + noise[t]
    return series


def airline():
    from sklstm.datasets import load_airline

    return np.log(load_airline().data).ravel()


def hourly(name):
    series = ALL[name]
    return series.table[series.target].interpolate().bfill().to_numpy()


CASES = {  # the series, the window, the steps of a recursive model, and all steps
    "autoregression, normal noise": (partial(autoregression, "normal"), 8, 1, 12),
    "autoregression, heavy tails": (partial(autoregression, "heavy tails"), 8, 1, 12),
    "airline, logarithms": (airline, 12, 6, 12),
} | {name: (partial(hourly, name), 72, 12, 24) for name in HOURLY}


def make_model(kind, window, horizon, **settings):
    from sklstm import ConformalForecaster, LSTMForecaster, SlidingWindow

    if kind in ("LSTM", RESIDUALS):
        model = make_pipeline(SlidingWindow(window), LSTMForecaster(loss="quantile", random_state=0))
        settings["method"] = "auto" if kind == "LSTM" else "residual"
    else:
        flat = SlidingWindow(window, flatten=True, pad="edge")
        model = make_pipeline(StandardScaler(), flat, RidgeCV(np.logspace(-3, 3, 13)))
    return ConformalForecaster(model, horizon=horizon, **settings)


def run_case(name, kind, way):
    """Return the coverages by step, plain and adaptive, of a model on a series."""
    from sklstm import backtest, to_supervised

    warnings.simplefilter("ignore")
    load, window, block, horizon = CASES[name]
    series, steps = load(), horizon if way == "direct" else block
    found = {}
    if name.startswith("airline"):
        model = make_model(kind, window, horizon, calibration_fraction=0.3)
        for adaptive in (False, True):
            model.set_params(adaptive=adaptive)
            result = backtest_with_refits(model, series, steps, horizon)
            found["adaptive" if adaptive else "plain"] = coverages_by_step(result)
        return found
    end = round(0.8 * len(series))
    model = make_model(kind, window, horizon).fit(*to_supervised(series[:end], steps))
    for adaptive in (False, True):
        model.set_params(adaptive=adaptive)
        result = backtest(model, series, horizon, first_origin=end - 1, coverage=COVERAGES)
        found["adaptive" if adaptive else "plain"] = coverages_by_step(pd.DataFrame(dict(result)))
    return found


def backtest_with_refits(model, series, steps, horizon):
    """Return a backtest of a model of some steps, for more of them, with a fit every year."""
    from sklearn.base import clone

    from sklstm import backtest, to_supervised

    parts = []
    for first in range(83 if steps == horizon else 107, len(series) - horizon, 12):
        fitted = clone(model).fit(*to_supervised(series[: first + 1], steps))
        until = min(first + 12 + horizon, len(series))
        parts.append(backtest(fitted, series[:until], horizon, first_origin=first, coverage=COVERAGES))
    return pd.concat(pd.DataFrame(dict(part)) for part in parts)


def coverages_by_step(result):
    return {
        f"{100 * coverage:g}": [
            float(
                (
                    (rows[f"lower_{100 * coverage:g}"] <= rows.truth)
                    & (rows.truth <= rows[f"upper_{100 * coverage:g}"])
                ).mean()
            )
            for _, rows in result.groupby("step")
        ]
        for coverage in COVERAGES
    }


def run_panel(kind):
    """Return the coverages by step on the test parts of the monthly series of M3."""
    from record import SETTINGS, YEARS, load, long_table

    from sklstm import ConformalForecaster, LSTMForecaster, SlidingWindow, forecast, to_supervised

    warnings.simplefilter("ignore")
    train, test, season, horizon = load("M3, monthly")
    table = long_table([np.log1p(values) for values in train])
    X, y = to_supervised(table, horizon, target="value", groups="series")
    if kind == "LSTM":
        window = SlidingWindow(YEARS * season, groups="series")
        regressor = LSTMForecaster(**SETTINGS | {"loss": "quantile", "random_state": 0})
    else:
        window = SlidingWindow(YEARS * season, groups="series", flatten=True, pad="edge")
        regressor = RidgeCV(np.logspace(-3, 3, 13))
    model = ConformalForecaster(make_pipeline(window, regressor), scale="series").fit(X, y)
    found = forecast(model, table, steps=horizon, target="value", coverage=COVERAGES)
    result = found.assign(truth=np.log1p(test).ravel(), step=np.tile(np.arange(1, horizon + 1), len(test)))
    result.columns = [column.replace("value_", "") for column in result.columns]
    return {"plain": coverages_by_step(result)}


def run(name, kind, way):
    return run_panel(kind) if name.startswith("M3") else run_case(name, kind, way)


def study(names, models, n_jobs):
    tasks = [
        (name, kind, way)
        for name in names
        for kind in (*models, *([RESIDUALS] if name.startswith("airline") and "LSTM" in models else []))
        for way in (("direct",) if name.startswith("M3") else ("direct", "recursive"))
    ]
    found = Parallel(n_jobs, verbose=5)(delayed(run)(*task) for task in tasks)
    return [
        {"case": name, "model": kind, "way": way, "coverage": coverage}
        for (name, kind, way), coverage in zip(tasks, found, strict=True)
    ]


def measure(quick):
    if quick:
        return study(["airline, logarithms"], ["ridge"], n_jobs=1)
    return study([*CASES, "M3, monthly"], MODELS, n_jobs=2)


def table(cases):
    heads = [f"{100 * coverage:g} %" for coverage in COVERAGES]
    yield f"| series | model | steps | intervals | {' | '.join(f'{head} | worst step' for head in heads)} |"
    yield f"|---|---|---|---|{'---:|---:|' * len(heads)}"
    for case in cases:
        for kind, by_coverage in case["coverage"].items():
            columns = [case["case"], case["model"], case["way"], kind]
            for name, by_step in by_coverage.items():
                worst = max(by_step, key=lambda share, aim=float(name) / 100: abs(share - aim))
                columns += [f"{100 * np.mean(by_step):.1f}", f"{100 * worst:.1f}"]
            yield f"| {' | '.join(columns)} |"


def main():
    parser = argparse.ArgumentParser(description="Measure, keep what else the file of results has, print its table.")
    parser.add_argument("--series", nargs="*", default=[*CASES, "M3, monthly"])
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "interval_coverage.json")
    args = parser.parse_args()

    from run import save

    known = json.loads(args.output.read_text())["cases"] if args.output.exists() else []
    found = {(case["case"], case["model"], case["way"]): case for case in known}
    found |= {(case["case"], case["model"], case["way"]): case for case in study(args.series, args.models, args.jobs)}
    order = [*CASES, "M3, monthly"]
    cases = sorted(
        found.values(),
        key=lambda case: (order.index(case["case"]), case["model"] != "ridge", case["model"], case["way"]),
    )
    save("interval_coverage", cases, args.output)
    print(*table(cases), sep="\n")


if __name__ == "__main__":
    main()
