"""Accuracy by the rows of training.

The long series on which the defaults were chosen, with the same windows, forecasts and test rows as above. Each model
learns from the last so many rows before the test, or from all. The errors are relative to those of the seasonal naive
forecast on the same rows: geometric means over the series of a kind.

![Errors relative to the seasonal naive forecast by the number of rows to train on](images/accuracy_by_rows.png)
"""

import argparse

import numpy as np
from accuracy import BOOSTING, LSTM, NAIVE, RIDGE, boosting, lstm, make_problem, ridge, seasonal_naive
from joblib import Parallel, delayed
from real_series import LONG
from scipy.stats import gmean
from sklearn.metrics import mean_absolute_error

SIZES = [300, 600, 1200, 2400, 4800]
CANDIDATES = {RIDGE: (ridge, {}), BOOSTING: (boosting, {}), LSTM: (lstm, {"random_state": 0})}
KINDS = {
    "weather": ["temperature_new_york", "wind_newark", "irradiance"],
    "people and traffic": ["glucose", "late_departures", "nitrogen_oxides"],
}


def error(name, n_rows, candidate):
    """Return a model's error relative to that of the naive forecast."""
    series, problem = LONG[name], make_problem(LONG[name])
    forecaster, settings = CANDIDATES[candidate]
    truth = problem.y.iloc[problem.test]
    naive = mean_absolute_error(truth, seasonal_naive(series, problem))
    forecasts = forecaster(series, problem._replace(train=problem.train[-n_rows:]), **settings)
    return mean_absolute_error(truth, forecasts) / naive


def measure(quick):
    names = ["glucose"] if quick else list(LONG)
    sizes = SIZES[:2] if quick else SIZES
    tasks = [(name, size, candidate) for name in names for size in sizes for candidate in CANDIDATES]
    tasks = [task for task in tasks if task[1] <= len(make_problem(LONG[task[0]]).train)]
    errors = dict(zip(tasks, Parallel(2, verbose=5)(delayed(error)(*task) for task in tasks), strict=True))
    cases = []
    for kind, members in KINDS.items():
        for candidate in CANDIDATES:
            values = {}
            for size in sizes:
                found = [errors[name, size, candidate] for name in members if (name, size, candidate) in errors]
                if found:
                    values[str(size)] = [gmean(found)]
            cases.append({"case": f"{kind}, {candidate}", "unit": f"relative to {NAIVE}", "values": values})
    return cases


def table(cases):
    yield f"| kind, model | {' | '.join(f'{size} rows' for size in SIZES)} |"
    yield f"|---|{'---:|' * len(SIZES)}"
    for case in cases:
        errors = [f"{case['values'][str(size)][0]:.2f}" if str(size) in case["values"] else "" for size in SIZES]
        yield f"| {case['case']} | {' | '.join(errors)} |"


def plot(cases, path):
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")  # draws to a file and needs no display
    figure, axes = plt.subplots(1, len(KINDS), figsize=(9, 3.6), sharey=True, layout="constrained")
    for ax, kind in zip(axes, KINDS, strict=True):
        for color, candidate in enumerate(CANDIDATES):
            (values,) = (case["values"] for case in cases if case["case"] == f"{kind}, {candidate}")
            sizes = np.array([int(size) for size in values])
            ax.semilogx(sizes, [runs[0] for runs in values.values()], "o-", color=f"C{color}", label=candidate)
        ax.axhline(1, color="0.5", linestyle=":", label=NAIVE)
        ax.set_xticks(SIZES, [str(size) for size in SIZES])
        ax.minorticks_off()
        ax.set_title(kind)
        ax.set_xlabel("rows of training")
    axes[0].set_ylabel(f"error relative to {NAIVE}")
    axes[0].legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure, and print the table.")
    parser.add_argument("--quick", action="store_true", help="one series and few rows")
    print(*table(measure(parser.parse_args().quick)), sep="\n")
