"""Coverage of intervals.

Do intervals of `ConformalForecaster` contain the truth as often as they should? They are computed for ridge regression
(`RidgeCV` on standardised windows) and for `LSTMForecaster(loss="quantile")` with its defaults, as plain intervals
(split conformal prediction) and as adaptive ones, whose width follows the errors. The goal is a mean coverage within 3
points, and within 6 points at each step. The plot shows the means of models that predict all steps at once.

**Models**: each model is fitted once, on the first 80 % of a series, of which the last fifth is the calibration set. It
forecasts from each row of the rest. `direct` models predict all steps at once. `recursive` models predict half of the
steps, or one step of the autoregressions, and read their own predictions.

**Autoregressions**: y(t) = 0.8 y(t - 1) + noise. The noise is normal or has the t distribution with three degrees of
freedom.

**Airline series, in logarithms**: it is short, so the models are fitted again every twelve months, with 30 % of the
rows for calibration. Direct models start with the eighth year, recursive ones with the tenth. Each step has about fifty
or thirty forecasts. The intervals of `LSTM, residuals` use the absolute errors of the same network instead of its
quantiles.

**Hourly series**: those of the [study of accuracy](#accuracy-on-real-series), without their other columns.

**M3**: the 1,428 monthly series of that competition, in logarithms. The 18 months after the training parts are forecast
once. The errors are scaled by series and pooled.

**Random states**: one. The test parts were looked at {looks}.

`worst step` is the coverage at the step where it differs most from its nominal value.
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
    "several times for ridge, to choose the step\n"
    "size of adaptive intervals and the rows of the airline series, and twice for the LSTM, the second time after a\n"
    "change of the step size"
)
__doc__ = __doc__.format(looks=LOOKS)
COVERAGES = (0.8, 0.9, 0.95)
HOURLY = ["temperature_new_york", "demand_victoria", "traffic", "pedestrians", "calls", "glucose"]
MODELS = ("ridge", "LSTM")
GOAL, STEP_GOAL = 0.03, 0.06  # the largest difference of the mean coverage, and at each step
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


def answer(cases):
    found = []
    for kind in ("plain", "adaptive"):
        by_step = [np.array(case["coverage"][kind]["90"]) for case in cases if kind in case["coverage"]]
        means = sum(abs(shares.mean() - 0.9) <= GOAL for shares in by_step)
        steps = sum(np.all(abs(shares - 0.9) <= STEP_GOAL) for shares in by_step)
        found.append(f"in {means} and {steps} of {len(by_step)} cases ({kind})")
    return f"90 % intervals meet the goals for the mean and for each step {', and '.join(found)}."


def plot(cases, path):
    """Draw the mean coverage of direct models, a row for each series and a panel for each nominal coverage."""
    from figures import BLUE, ORANGE, add_legend, new_figure, save, use_rows

    names = list(dict.fromkeys(case["case"] for case in cases))
    figure, axes = new_figure(4.6, 1, len(COVERAGES), sharey=True)
    for ax, coverage in zip(axes[0], COVERAGES, strict=True):
        aim = 100 * coverage
        ax.axvline(aim, color="0.3", linewidth=1)
        ax.axvspan(aim - 100 * GOAL, aim + 100 * GOAL, color="0.9", label="goal")
        for case in (case for case in cases if case["way"] == "direct" and case["model"] in MODELS):
            is_lstm = case["model"] == "LSTM"
            marker, color, shift = ("o", BLUE, 0.15) if is_lstm else ("s", ORANGE, -0.15)
            for kind, by_coverage in case["coverage"].items():
                face = {
                    "markerfacecolor": color if kind == "adaptive" else "white",
                    "label": f"{case['model']}, {kind}",
                }
                share = 100 * np.mean(by_coverage[f"{aim:g}"])
                ax.plot(share, names.index(case["case"]) + shift, marker, color=color, **face)
        use_rows(ax, names)
        ax.set_title(f"{aim:g} % intervals", size=10)
        ax.set_xlabel("mean coverage (%)")
    add_legend(figure, axes[0])
    save(figure, path)


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
