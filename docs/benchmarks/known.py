"""Columns known ahead.

Does a forecast gain from the values of columns that are known for the steps to come? Three hourly series of those above
are forecast 24 hours ahead, in three variants: without `known` of `to_supervised`, with the calendar known ahead, and
with calendar and weather. The calendar is the hour on a circle and the weekend, and for `demand_victoria` the work
days. The table is the same: what is not known ahead is an input up to the present. All variants have the target of one
week before each step to come, `known={target: 168}`.

The weather is that observed, in the place of a forecast. So the gain of the weather is an upper limit: a real weather
forecast has errors.

The figures are mean absolute errors over the last 20 % of each series, relative to those of the seasonal naive
forecast, which repeats the last day. Each model is fitted once, on the rows before: `LSTMForecaster` with its defaults,
and ridge regression and gradient boosting as [above](#accuracy-on-real-series). The figure of the LSTM is the median of
three random states, with their range. Missing values are filled with the last value before, for all models. Rows whose
future has a gap neither train nor count. All rows to train on have full windows. Therefore the errors differ a little
from those above.

No setting was chosen on these errors. However, `nitrogen_oxides` is one of the series that the defaults of
`LSTMForecaster` were chosen on, and `demand_victoria` and `traffic` were looked at before, in the study of accuracy.

![Errors relative to the seasonal naive forecast, by what is known ahead](images/known.png)
"""

from statistics import median

import numpy as np
from accuracy import BOOSTING, LSTM, NAIVE, RIDGE, TEST_FRACTION, Problem, boosting, lstm, ridge, seasonal_naive
from real_series import ALL, CALENDAR
from sklearn.metrics import mean_absolute_error

from sklstm import to_supervised

NAMES = ["nitrogen_oxides", "demand_victoria", "traffic"]
CALENDAR_OR_WORK_DAYS = (*CALENDAR, "WorkDay")
WITHOUT, WITH_CALENDAR, WITH_ALL = VARIANTS = ("nothing", "calendar", "calendar and weather")
MODELS = (RIDGE, BOOSTING, LSTM)


def make_problem(series, variant):
    """Return a series as a supervised problem, and the names of the columns of values known ahead."""
    known = {series.target: series.second_season} | dict.fromkeys(columns_ahead(series, variant), 0)
    params = {"horizon": series.horizon, "target": series.target, "known": known}
    X, _ = to_supervised(series.table.ffill().bfill(), **params)
    _, y = to_supervised(series.table, **params)
    n_train = round((1 - TEST_FRACTION) * len(series.table))
    rows, is_known = np.asarray(y.index), y.notna().all(axis=1).to_numpy()
    has_full_window = np.arange(len(y)) >= series.window_size - 1
    # The future of the last training row ends where that of the first test row begins.
    train = np.flatnonzero(is_known & has_full_window & (rows < n_train - series.horizon))
    test = np.flatnonzero(is_known & (rows >= n_train - 1))
    return Problem(X, y, n_train, train, test), list(X.columns.difference(series.table.columns, sort=False))


def columns_ahead(series, variant):
    """Return the names of the columns that a variant knows ahead."""
    if variant == WITHOUT:
        return []
    return [name for name in series.known if variant == WITH_ALL or name in CALENDAR_OR_WORK_DAYS]


def study(name, n_seeds):
    """Return a case for a series, with the errors of each model and variant, as many as there are seeds."""
    series, values = ALL[name], {}
    for variant in VARIANTS:
        problem, ahead = make_problem(series, variant)
        forecasts = {
            NAIVE: [seasonal_naive(series, problem)],
            RIDGE: [ridge(series, problem)],
            BOOSTING: [boosting(series, problem, ahead)],
            LSTM: [lstm(series, problem, random_state=seed) for seed in range(n_seeds)],
        }
        for model, runs in forecasts.items():
            candidate = NAIVE if model == NAIVE else f"{model}, {variant}"
            values[candidate] = [float(mean_absolute_error(problem.y.iloc[problem.test], run)) for run in runs]
    return {
        "case": name,
        "target": series.target,
        "known": {variant: columns_ahead(series, variant) for variant in VARIANTS},
        "train_rows": len(problem.train),
        "test_rows": len(problem.test),
        "unit": "MAE",
        "values": values,
    }


def measure(quick):
    return [study(name, n_seeds=1 if quick else 3) for name in (NAMES[:1] if quick else NAMES)]


def relative(case, model, variant):
    """Return a model's errors, relative to that of the seasonal naive forecast."""
    (naive,) = case["values"][NAIVE]
    return [error / naive for error in case["values"][f"{model}, {variant}"]]


def table(cases):
    yield "| series | calendar | weather | rows to train on | forecasts | MAE of seasonal naive |"
    yield "|---|---|---|---:|---:|---:|"
    for case in cases:
        calendar, known = case["known"][WITH_CALENDAR], case["known"][WITH_ALL]
        weather = [name for name in known if name not in calendar]
        names = " | ".join(", ".join(f"`{name}`" for name in columns) for columns in (calendar, weather))
        naive = case["values"][NAIVE][0]
        yield f"| {case['case']} | {names} | {case['train_rows']} | {case['test_rows']} | {naive:.4g} |"
    yield from ("", "By what is known ahead:", "")
    yield f"| series | model | {' | '.join(VARIANTS)} | last / first |"
    yield f"|---|---|{'---:|' * (len(VARIANTS) + 1)}"
    for case in cases:
        for model in MODELS:
            errors = [relative(case, model, variant) for variant in VARIANTS]
            ratio = median(errors[-1]) / median(errors[0])
            yield f"| {case['case']} | {model} | {' | '.join(map(with_range, errors))} | {ratio:.2f} |"


def with_range(values):
    spread = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
    return f"{median(values):.3f}{spread}"


def plot(cases, path):
    """Draw the relative errors, a line for each series and model, and a dot on it for each variant."""
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")  # draws to a file and needs no display
    figure, axes = plt.subplots(len(cases), figsize=(8, 4.2), sharex=True, squeeze=False, layout="constrained")
    axes = axes[:, 0]
    for ax, case in zip(axes, cases, strict=True):
        for row, model in enumerate(MODELS):
            errors = [median(relative(case, model, variant)) for variant in VARIANTS]
            ax.plot(errors, [row] * len(errors), color="0.6", zorder=1)
            for variant, error, color in zip(VARIANTS, errors, ("white", "0.7", "black"), strict=True):
                label = variant if row == 0 else None
                ax.scatter(error, row, s=60, facecolor=color, edgecolor="black", label=label)
        ax.axvline(1, color="0.5", linestyle=":")
        ax.text(0.995, len(MODELS) // 2, NAIVE, color="0.3", size=9, ha="right", va="center")
        ax.set_yticks(range(len(MODELS)), MODELS)
        ax.set_ylim(len(MODELS) - 0.5, -0.5)
        ax.set_title(case["case"], loc="left", size=10)
    axes[-1].set_xlim(0.35, 1.02)
    axes[-1].set_xlabel("mean absolute error relative to the seasonal naive forecast")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, title="known ahead", loc="outside upper center", ncols=3, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
