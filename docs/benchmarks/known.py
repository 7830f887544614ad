"""Columns known ahead.

How much does a forecast gain from columns that are known ahead? Three hourly series are forecast 24 hours ahead:
without `known` of `to_supervised`, with the calendar known ahead, and with calendar and weather. Each model is fitted
once, on the first 80 % of a series. The errors are relative to that of the seasonal naive forecast.

**Columns**: the calendar is the hour as sine and cosine and the weekend, and for `demand_victoria` the work days. All
variants read the same table. Columns that are not known ahead are inputs up to the present. All variants have the
target of one week before each step, `known={target: 168}`.

**Weather**: the observed weather replaces a weather forecast. The gain of the weather is therefore an upper limit.

**Models**: `LSTMForecaster` with its defaults, and ridge regression and gradient boosting as
[above](#accuracy-on-real-series). The figure of the LSTM is the median of three random states, with their range.

**Missing values**: the last value before is used, for all models. Rows with a missing value in their future are used
neither for training nor for evaluation. All training rows have full windows. The errors therefore differ a little from
those above.

**Choices**: no setting was chosen on these errors. However, `nitrogen_oxides` is one of the series that the defaults of
`LSTMForecaster` were chosen on, and `demand_victoria` and `traffic` were looked at before, in the study of accuracy.
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


def answer(cases):
    found = []
    for case in cases:
        first, *_, last = (median(relative(case, LSTM, variant)) for variant in VARIANTS)
        found.append(f"{case['case']} {first:.2f} to {last:.2f}")
    return f"Calendar and weather change the relative error of the LSTM: {', '.join(found)}."


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
    from figures import add_legend, new_figure, save, use_rows

    figure, axes = new_figure(4.2, len(cases), sharex=True)
    axes = axes[:, 0]
    for ax, case in zip(axes, cases, strict=True):
        for row, model in enumerate(MODELS):
            errors = [median(relative(case, model, variant)) for variant in VARIANTS]
            ax.plot(errors, [row] * len(errors), color="0.6", zorder=1)
            for variant, error, color in zip(VARIANTS, errors, ("white", "0.7", "black"), strict=True):
                label = variant if row == 0 else None
                ax.scatter(error, row, s=60, facecolor=color, edgecolor="black", label=label)
        ax.axvline(1, color="0.3", linewidth=1)
        ax.text(0.995, len(MODELS) // 2, NAIVE, color="0.3", size=9, ha="right", va="center")
        use_rows(ax, MODELS)
        ax.grid(visible=False)
        ax.set_title(case["case"], loc="left", size=10)
    axes[-1].set_xlim(0.35, 1.02)
    axes[-1].set_xlabel("mean absolute error relative to the seasonal naive forecast")
    add_legend(figure, axes, title="known ahead")
    save(figure, path)
