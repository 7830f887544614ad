"""Accuracy on real series.

The mean absolute error (MAE) of forecasts that reach `horizon` steps ahead, over all steps from every row of the last
20 % of a series, of models that were fitted once, on the rows before. `seasonal naive` repeats the last season that was
observed, or the last value of a series without a season. `ridge` is `RidgeCV` on the standardised windows, the same
ones that the LSTM reads. `LSTM` is `LSTMForecaster`, the median of its seeds. The seconds are those of fit and
prediction in one of two processes; the first fits of a process also import and compile.

The defaults of `LSTMForecaster` were chosen on sixteen of the series, by these very errors, which makes those a little
too good; the others had no part in it.

Gaps stay in what the LSTM reads, and are interpolated linearly for the others, which so learn of the value after the
gap. Rows whose future has a gap neither train nor count.

`python docs/benchmarks/accuracy.py --help` tells how to measure some series or settings only.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from real_series import ALL, CONFIRMATION, SERIES
from scipy.stats import gmean
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMForecaster, SlidingWindow, to_supervised

TEST_FRACTION = 0.2
NAIVE, RIDGE, LSTM = "seasonal naive", "ridge", "LSTM"
BARE = {
    "linear_skip": False,
    "learning_rate_schedule": "constant",
    "global_clipnorm": None,
    "early_stopping": False,
}
VARIANTS = {
    "default": {},
    "without linear path": {"linear_skip": False},
    "without falling rate": {"learning_rate_schedule": "constant"},
    "without clipping": {"global_clipnorm": None},
    "without early stopping": {"early_stopping": False},
    "with linear path only": BARE | {"linear_skip": True},
    "with falling rate only": BARE | {"learning_rate_schedule": "cosine"},
    "with clipping only": BARE | {"global_clipnorm": 1.0},
    "with early stopping only": BARE | {"early_stopping": True},
    "with none of the four": BARE,
    "batches of 128": {"batch_size": 128},
    "learning rate 0.001": {"learning_rate": 0.001},
    "patience 20": {"n_iter_no_change": 20},
    "at most 50 epochs": {"epochs": 50},
    "at most 200 epochs": {"epochs": 200},
    "absolute error": {"loss": "absolute_error"},
    "dropout 0.2": {"dropout": 0.2},
}


class Problem(NamedTuple):
    """A series as a supervised problem: the first `n_train` rows of the series, and the rows to train and test on."""

    X: pd.DataFrame
    y: pd.DataFrame
    n_train: int
    train: np.ndarray
    test: np.ndarray


def make_problem(series):
    X, y = to_supervised(series.table, series.horizon, target=series.target)
    n_train = round((1 - TEST_FRACTION) * len(series.table))
    rows = np.flatnonzero(y.notna().all(axis=1))
    # The future of the last training row ends where that of the first test row begins.
    return Problem(X, y, n_train, train=rows[rows < n_train - series.horizon], test=rows[rows >= n_train - 1])


def seasonal_naive(series, problem):
    values = problem.X[series.target].interpolate()
    season = series.season_length
    forecasts = [values.shift(season - 1 - step % season) for step in range(series.horizon)]
    return pd.concat(forecasts, axis=1).to_numpy()[problem.test]


def ridge(series, problem):
    windows = SlidingWindow(series.window_size, pad="edge", flatten=True).fit_transform(problem.X.interpolate())
    model = make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-3, 3, 13)))
    return fit_predict(model, windows, problem)


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
    candidates = [(NAIVE, seasonal_naive, {}), (RIDGE, ridge, {})]
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


def table(cases):
    errors = medians(cases)
    yield from series_table(cases)
    yield ""
    yield "| series | candidate | MAE | to seasonal naive | to ridge | seconds |"
    yield "|---|---|---:|---:|---:|---:|"
    for case in cases:
        for candidate, error in errors.loc[case["case"]].dropna().items():
            ratios = [f"{error / errors.loc[case['case'], baseline]:.2f}" for baseline in (NAIVE, RIDGE)]
            seconds = np.median(case["seconds"][candidate])
            yield f"| {case['case']} | {candidate} | {error:.4g} | {' | '.join(ratios)} | {seconds:.1f} |"
    for title, names in {"The series that the defaults were chosen on": SERIES, "Other series": CONFIRMATION}.items():
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
    yield "| candidate | series | mean to seasonal naive | wins | mean to ridge | wins | worst to the better of both |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    for candidate in errors.columns.difference([NAIVE], sort=False):
        found = errors[errors[candidate].notna()]
        columns = [candidate, str(len(found))]
        for baseline in (NAIVE, RIDGE):
            ratios = found[candidate] / found[baseline]
            columns += [f"{gmean(ratios):.3f}", f"{(ratios < 1).sum()}"]
        worst = found[candidate] / found[[NAIVE, RIDGE]].min(axis=1)
        yield f"| {' | '.join(columns)} | {worst.max():.2f} ({worst.idxmax()}) |"


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
