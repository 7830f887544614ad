"""Accuracy on real series.

Does an LSTM forecast better than simple models? `LSTMForecaster` with its defaults is compared with the seasonal naive
forecast, ridge regression and gradient boosting on 39 real series. Each model is fitted once, on the first 80 % of a
series, and forecasts `horizon` steps from each row of the rest. [When is an LSTM worth it?](accuracy.md) draws the
conclusions.

**Models**

- `seasonal naive` repeats the last observed season, or the last value of a series without a season.
- `ridge` is `RidgeCV` on standardised windows, the same windows as those of the LSTM.
- `boosting` is one `HistGradientBoostingRegressor` for all steps. Its features are the number of the step, the latest
  twelve values, the values of the last seasons for that step, their mean, and the other columns.
- `LSTM` is `LSTMForecaster`, the median of three random states.

**Error**: the mean absolute error (MAE) over all steps and all forecasts.

**Time**: the seconds are those of fit and prediction in one of two processes. The first fits of a process also import
and compile.

**Columns known ahead**: the long series have columns whose future values are known. A window has them up to the last
step of the forecast. Where the week matters, a window also has the value one week before each step of the forecast. All
models but the naive one use these columns.

**Choice of the defaults**: the defaults of `LSTMForecaster` were chosen on all short series and on six long series, by
these errors. This makes their errors a little too small. The six other long series were not used for it and were looked
at once, at the end.

**Missing values**: the LSTM reads them as they are. They are interpolated linearly for the other models, which
therefore see the value after the gap. Rows with a missing value in their future are used neither for training nor for
evaluation.

`python docs/benchmarks/accuracy.py --help` shows how to measure some series or settings only.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from real_series import ALL, CONFIRMATION, LONG, LONG_CONFIRMATION, SERIES
from scipy.stats import gmean
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMForecaster, SlidingWindow, to_supervised

TEST_FRACTION = 0.2
NAIVE, RIDGE, BOOSTING, LSTM = "seasonal naive", "ridge", "boosting", "LSTM"
DEFAULT = f"{LSTM} default"
BASELINES = (NAIVE, RIDGE, BOOSTING)
VARIANTS = {
    "default": {},
    "one network": {"n_networks": 1},
    "eight networks": {"n_networks": 8},
    "squared error": {"loss": "squared_error"},
    "standardised": {"normalize": True},
    "without linear model": {"linear_skip": False},
    "on residuals": {"early_stopping": False},
    "constant rate": {"learning_rate_schedule": "constant"},
    "batches of 128": {"batch_size": 128},
    "dropout 0.2": {"dropout": 0.2},
    "100 epochs": {"epochs": 100},
}


class Problem(NamedTuple):
    """A series as a supervised problem: the first `n_train` rows of the series, and the rows to train and test on."""

    X: pd.DataFrame
    y: pd.DataFrame
    n_train: int
    train: np.ndarray
    test: np.ndarray


def make_problem(series):
    table = series.table_ahead
    y = to_supervised(series.table, series.horizon, target=series.target)[1]
    X = table.loc[y.index]
    first_row = 0
    if series.second_season:  # the value one week before each step to come
        first_row = series.second_season - series.horizon
        X = X.assign(last_week=X[series.target].interpolate().shift(first_row))
    n_train = round((1 - TEST_FRACTION) * len(table))
    rows = np.flatnonzero(y.notna().all(axis=1) & (np.arange(len(X)) >= first_row))
    # The future of the last training row ends where that of the first test row begins.
    return Problem(X, y, n_train, train=rows[rows < n_train - series.horizon], test=rows[rows >= n_train - 1])


def seasonal_naive(series, problem):
    values = problem.X[series.target].interpolate()
    season = series.season_length
    forecasts = [values.shift(season - 1 - step % season) for step in range(series.horizon)]
    return pd.concat(forecasts, axis=1).to_numpy()[problem.test]


def ridge(series, problem):
    X = problem.X.interpolate().bfill()
    windows = SlidingWindow(series.window_size, pad="edge", flatten=True).fit_transform(X)
    model = make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-3, 3, 13)))
    return fit_predict(model, windows, problem)


def boosting(series, problem, ahead=None, **settings):
    """Forecast with one gradient boosting model for all steps, which has the number of the step for a feature.

    `ahead` names the columns that hold the values of `horizon` rows later: those of `make_problem`, if None.
    """
    if ahead is None:
        ahead = [*series.known, *(["last_week"] if series.second_season else [])]
    X = problem.X.interpolate().bfill()
    steps = range(1, series.horizon + 1)
    features = {step: boosting_features(series, X, step, ahead) for step in steps}
    train, y = problem.train[problem.train >= series.window_size], problem.y.to_numpy()
    model = HistGradientBoostingRegressor(max_iter=300, early_stopping=False, random_state=0, **settings)
    model.fit(np.concatenate([features[step][train] for step in steps]), y[train].ravel(order="F"))
    return np.column_stack([model.predict(features[step][problem.test]) for step in steps])


def boosting_features(series, X, step, ahead):
    """Return the latest values, those of the last seasons for the step to come, and what is known of it."""
    target, season = X[series.target], series.season_length
    columns = [target.shift(lag) for lag in range(min(12, series.window_size))]
    first = -(-step // season)  # the latest of the seasons that are over by then
    n_seasons = series.window_size // season - -(-series.horizon // season) + 1  # that windows have for all steps
    columns += [target.shift(season * n - step) for n in range(first, first + n_seasons)]
    columns.append(target.rolling(season).mean())
    columns += [X[name].shift(series.horizon - step) for name in ahead]
    columns += [X[name] for name in X.columns.drop([series.target, *ahead])]
    return np.column_stack([*columns, np.full(len(X), step)])


def lstm(series, problem, **settings):
    windows = SlidingWindow(series.window_size).fit_transform(problem.X)
    return fit_predict(LSTMForecaster(**settings), windows, problem)


def fit_predict(model, windows, problem):
    # A pipeline would make the windows too, but could not leave out rows with an incomplete future.
    train, y = as_slice(problem.train), problem.y.to_numpy()
    return model.fit(windows[train], y[train]).predict(windows[problem.test])


def as_slice(rows):
    """Return rows without gaps as a slice, so that windows stay the views that they are in a pipeline."""
    return slice(rows[0], rows[-1] + 1) if len(rows) == rows[-1] + 1 - rows[0] else rows


def score(name, forecaster, settings):
    """Return the error on a series, and the seconds to fit and predict."""
    problem = make_problem(ALL[name])
    start = perf_counter()
    forecasts = forecaster(ALL[name], problem, **settings)
    seconds = perf_counter() - start
    return mean_absolute_error(problem.y.iloc[problem.test], forecasts), seconds


def study(names, variants, n_seeds, n_jobs):
    """Return a case for each series, with errors and seconds by candidate, as many as there are seeds."""
    candidates = [(NAIVE, seasonal_naive, {}), (RIDGE, ridge, {}), (BOOSTING, boosting, {})]
    for variant, settings in variants.items():
        candidates += [(f"{LSTM} {variant}", lstm, settings | {"random_state": seed}) for seed in range(n_seeds)]
    tasks = [(name, *candidate) for name in names for candidate in candidates]
    scores = Parallel(n_jobs, verbose=5)(
        delayed(score)(name, forecaster, settings) for name, _, forecaster, settings in tasks
    )
    cases = {name: describe(name) for name in names}
    for (name, candidate, *_), (error, seconds) in zip(tasks, scores, strict=True):
        cases[name]["values"].setdefault(candidate, []).append(error)
        cases[name]["seconds"].setdefault(candidate, []).append(seconds)
    return list(cases.values())


def describe(name):
    series, problem = ALL[name], make_problem(ALL[name])
    return {
        "case": name,
        "kind": series.kind,
        "source": series.source,
        "rows": len(series.table),
        "window_size": series.window_size,
        "horizon": series.horizon,
        "test_rows": len(problem.test),
        "unit": "MAE",
        "values": {},
        "seconds": {},
    }


def measure(quick):
    names = ["beer", "air_temperature"] if quick else ALL
    return study(names, {"default": {}}, n_seeds=1 if quick else 3, n_jobs=2)


def medians(cases):
    """Return a table of errors, a row for each series and a column for each candidate."""
    return pd.DataFrame(
        {case["case"]: {name: np.median(runs) for name, runs in case["values"].items()} for case in cases}
    ).T


GROUPS = {
    "Short series that the defaults were chosen on": SERIES | CONFIRMATION,
    "Long series that the defaults were chosen on": LONG,
    "Other long series": LONG_CONFIRMATION,
}


def table(cases):
    errors = medians(cases)
    baselines = errors.columns.intersection(BASELINES, sort=False)
    yield from series_table(cases)
    yield ""
    yield f"| series | candidate | MAE | {' | '.join(f'to {name}' for name in baselines)} | seconds |"
    yield f"|---|---|---:|{'---:|' * len(baselines)}---:|"
    for case in cases:
        for candidate, error in errors.loc[case["case"]].dropna().items():
            ratios = [f"{error / errors.loc[case['case'], baseline]:.2f}" for baseline in baselines]
            seconds = np.median(case["seconds"][candidate])
            yield f"| {case['case']} | {candidate} | {error:.4g} | {' | '.join(ratios)} | {seconds:.1f} |"
    for title, names in GROUPS.items():
        found = errors[errors.index.isin(list(names))].dropna(axis=1, how="all")
        if len(found):
            yield from ("", f"{title}:", "", *summary(found))


def series_table(cases):
    yield "| series | kind | source | rows | window | horizon | forecasts |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for case in cases:
        yield "| {case} | {kind} | {source} | {rows} | {window_size} | {horizon} | {test_rows} |".format(**case)


def summary(errors):
    """Return a table of each candidate's ratios to the baselines: geometric means, wins, and the worst."""
    baselines = errors.columns.intersection(BASELINES, sort=False)
    yield f"| candidate | series | {' | '.join(f'mean to {name} | wins' for name in baselines)} | worst to the best |"
    yield f"|---|---:|{'---:|---:|' * len(baselines)}---|"
    for candidate in errors.columns.difference([NAIVE], sort=False):
        found = errors[errors[candidate].notna()]
        columns = [candidate, str(len(found))]
        for baseline in baselines:
            ratios = found[candidate] / found[baseline]
            columns += [f"{gmean(ratios):.3f}", f"{(ratios < 1).sum()}"]
        worst = found[candidate] / found[baselines].min(axis=1)
        yield f"| {' | '.join(columns)} | {worst.max():.2f} ({worst.idxmax()}) |"


def kind_of(case):
    if "hourly" in case["kind"]:
        return "hourly, a daily season"
    has_trend = any(word in case["kind"] for word in ("trend", "growth", "random walk"))
    return "daily or rarer, a trend" if has_trend else "daily or rarer, no trend"


def answer(cases):
    errors = medians(cases)
    lstm, others = errors[DEFAULT], errors[list(BASELINES)]
    ratios = ", ".join(f"{gmean(lstm / others[name]):.2f} of {name}" for name in BASELINES)
    wins = (lstm < others.min(axis=1)).sum()
    return f"The LSTM is the most accurate on {wins} of {len(cases)} series; its error is {ratios} (geometric means)."


def plot(cases, path):
    """Draw the errors by kind of series, and a second picture of the LSTM on each series."""
    plot_kinds(cases, path.with_stem("accuracy_kinds"))
    plot_series(cases, path)


def group_of(case):
    """Return the kind of a series as the page on accuracy groups them."""
    if case["case"] in LONG_CONFIRMATION:
        return "a year of hours,\nput aside"
    if case["case"] in LONG:
        return "a year of hours,\nused for the defaults"
    limits = {250: "up to 250 rows", 1000: "250 to 1000 rows"}
    return next((name for limit, name in limits.items() if case["rows"] <= limit), "1000 to 3500 rows")


def plot_kinds(cases, path):
    """Draw the errors relative to the seasonal naive forecast: a dot for each series, and the geometric means."""
    from figures import STYLES, add_legend, new_figure, save, separate_rows, use_ratio_axis, use_rows

    errors = medians(cases)
    by_length = sorted(cases, key=lambda case: (case["case"] in LONG_CONFIRMATION, case["case"] in LONG, case["rows"]))
    figure, axes = new_figure(5)
    ax = axes[0, 0]
    rows = {}
    for case in by_length:
        rows.setdefault(group_of(case), []).append(case["case"])
    for shift, (name, column) in zip(
        (-0.25, 0, 0.25), ((RIDGE, RIDGE), (BOOSTING, BOOSTING), (LSTM, DEFAULT)), strict=True
    ):
        marker, color = STYLES[name]
        for row, members in enumerate(rows.values()):
            ratios = errors.loc[members, column] / errors.loc[members, NAIVE]
            ax.plot(
                ratios, [row + shift] * len(ratios), marker, color=color, alpha=0.35, markersize=5, markeredgewidth=0
            )
            label = name if row == 0 else None
            mean = gmean(ratios)
            ax.plot(mean, row + shift, marker, color=color, markersize=10, markeredgecolor="black", label=label)
            text_place = {"xycoords": ax.get_yaxis_transform(), "va": "center", "size": 9, "color": "0.2"}
            ax.annotate(f"{name} {mean:.2f}", (1.01, row + shift), **text_place)
    use_rows(ax, [f"{kind}\n({len(members)} series)" for kind, members in rows.items()])
    ax.grid(visible=False)
    separate_rows(ax, *range(1, len(rows)))
    use_ratio_axis(ax)
    ax.set_xlabel("error relative to the seasonal naive forecast (below 1: more accurate)")
    add_legend(figure, [ax], title="large: geometric mean, small: one series")
    save(figure, path)


def plot_series(cases, path):
    """Draw the error of the LSTM relative to the best of the others against the rows, and name what stands out."""
    from figures import BLUE, GREEN, ORANGE, new_figure, save

    errors = medians(cases)
    ratios = errors[DEFAULT] / errors[list(BASELINES)].min(axis=1)
    figure, axes = new_figure(4.2)
    ax = axes[0, 0]
    kinds = sorted({kind_of(case) for case in cases})
    for kind, marker, color in zip(kinds, "so^", (ORANGE, BLUE, GREEN), strict=False):
        members = [case for case in cases if kind_of(case) == kind]
        rows = [(1 - TEST_FRACTION) * case["rows"] for case in members]
        ax.loglog(rows, [ratios[case["case"]] for case in members], marker, color=color, label=kind, alpha=0.8)
    for case in cases:
        ratio = ratios[case["case"]]
        if not 0.8 < ratio < 1.1:
            place = ((1 - TEST_FRACTION) * case["rows"], ratio)
            ax.annotate(case["case"], place, (-6, 0), textcoords="offset points", ha="right", va="center", size=9)
    ax.axhline(1, color="0.3", linewidth=1, zorder=0)
    ax.set_xticks([100, 300, 1000, 3000, 10000], ["100", "300", "1000", "3000", "10000"])
    ax.set_yticks([0.7, 0.8, 1, 1.25, 1.5, 2], ["0.7", "0.8", "1", "1.25", "1.5", "2"])
    ax.minorticks_off()
    ax.set_xlim(20, 10000)
    ax.set_xlabel("training rows")
    ax.set_ylabel("error of the LSTM / least error of\nnaive, ridge, boosting")
    ax.legend(frameon=False)
    save(figure, path)


def merge(cases, path):
    """Return the cases that a file of results has, with what was measured now in the place of what it had."""
    known = {case["case"]: case for case in json.loads(path.read_text())["cases"]} if path.exists() else {}
    for case in cases:
        before = known.get(case["case"], {"values": {}, "seconds": {}})
        merged = {part: before[part] | case[part] for part in ("values", "seconds")}
        known[case["case"]] = case | merged
    return [known[name] for name in ALL if name in known]


def main():
    parser = argparse.ArgumentParser(description="Measure, keep what else the file of results has, print its tables.")
    parser.add_argument(
        "--variants", type=comma_separated, default=["default"], help=f"of {', '.join(VARIANTS)}, or none: ''"
    )
    parser.add_argument("--settings", type=json.loads, help="settings of another variant, as JSON")
    parser.add_argument("--series", type=comma_separated, default=list(ALL), help=f"of {', '.join(ALL)}")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--jobs", type=int, default=2, help="how many processes")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "accuracy.json")
    args = parser.parse_args()

    variants = {name: VARIANTS[name] for name in args.variants}
    if args.settings:
        variants[" ".join(f"{name}={value}" for name, value in args.settings.items())] = args.settings
    cases = merge(study(args.series, variants, args.seeds, args.jobs), args.output)

    from run import save

    save("accuracy", cases, args.output)
    print(*table(cases), sep="\n")


def comma_separated(text):
    return text.split(",") if text else []


if __name__ == "__main__":
    main()
