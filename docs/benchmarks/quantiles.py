"""Quantiles of forecasts beside other libraries.

How good are forecasts of quantiles? The measure is the pinball loss, averaged over nine quantiles, all steps and all
rows of the last 20 % of a series. Each model is fitted once, on the rows before. `ridge` and `LSTM` are calibrated by
`ConformalForecaster`, and the other libraries train with the losses for quantiles that they document.

**Quantiles**: {levels}.

**Data**: series, windows and horizons of the [study of accuracy](#accuracy-on-real-series). The defaults of sklstm were
chosen on these series, which is an advantage for it.

**Models**

- `ridge` is `RidgeCV` on standardised windows. Its intervals have the same width for all rows.
- `LSTM` is `LSTMForecaster(loss="quantile")` with its defaults.
- `LSTM raw` has the quantiles of the same network without calibration, fitted on all training rows.
- `seasonal naive` is calibrated, too.
- `neuralforecast` is `LSTM` with `MQLoss`.
- `darts` is `BlockRNNModel` with `QuantileRegression`, whose quantiles are predicted, not sampled.

No calibration uses values of the test part. The other libraries train for 100 epochs in batches of 32 windows, as in
the [comparison of their errors](#accuracy-of-other-libraries-lstm-on-real-series). Missing values are interpolated for
all models but `LSTM`. One random state each. The two other libraries were left out on three series, where they take
long; their means are over the other 13. Other work ran at the same time, so no times are shown.
"""

import argparse
import json
import math
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from accuracy import comma_separated, describe, make_problem
from accuracy_peers import BATCH_SIZE, EPOCHS, TRAINER, filled_table
from harness import process
from real_series import SERIES
from scipy.stats import gmean
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_pinball_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
COVERAGES = (0.95, 0.9, 0.8, 0.5)
__doc__ = __doc__.format(levels=", ".join(map(str, LEVELS)))


def conformal(model, X, problem):
    """Return the quantiles of the test rows by intervals, and the prediction between them."""
    from sklstm import ConformalForecaster

    def forecast():
        end = problem.n_train - 1  # the row that the first test forecast starts from
        y = problem.y.to_numpy()
        known = np.where(np.isin(np.arange(len(y)), problem.train)[:, np.newaxis], y, np.nan)
        fitted = ConformalForecaster(model).fit(X[:end], known[:end])
        intervals = fitted.predict_interval(X, COVERAGES)[problem.test]
        middle = fitted.predict(X)[problem.test].reshape(len(problem.test), -1)
        return np.concatenate([intervals[:, :, 0], middle[..., np.newaxis], intervals[:, :, 1, ::-1]], axis=2)

    return forecast


def filled(problem):
    return problem.X.interpolate().bfill()


def ridge(series, problem):
    from sklstm import SlidingWindow

    window = SlidingWindow(series.window_size, flatten=True, pad="edge")
    model = make_pipeline(StandardScaler(), window, RidgeCV(alphas=np.logspace(-3, 3, 13)))
    return conformal(model, filled(problem), problem)


def naive(series, problem):
    from sklstm import SeasonalNaive, SlidingWindow

    target = problem.X.columns.get_loc(series.target)
    model = make_pipeline(SlidingWindow(series.window_size), SeasonalNaive(series.season_length, target=target))
    return conformal(model, filled(problem), problem)


def lstm(series, problem):
    import sklstm._engine  # noqa: F401  # which the first fit would import
    from sklstm import LSTMForecaster, SlidingWindow

    network = LSTMForecaster(loss="quantile", quantiles=LEVELS, random_state=0)
    return conformal(make_pipeline(SlidingWindow(series.window_size), network), problem.X, problem)


def raw_lstm(series, problem):
    import sklstm._engine  # noqa: F401
    from sklstm import LSTMForecaster, SlidingWindow

    def forecast():
        windows, y = SlidingWindow(series.window_size).fit_transform(problem.X), problem.y.to_numpy()
        network = LSTMForecaster(loss="quantile", quantiles=LEVELS, random_state=0)
        return network.fit(windows[problem.train], y[problem.train]).predict_quantiles(windows[problem.test])

    return forecast


def darts(series, problem):
    from darts import TimeSeries
    from darts.models import BlockRNNModel
    from darts.utils.likelihood_models import QuantileRegression
    from sklearn.preprocessing import MinMaxScaler  # which darts' Scaler scales by

    table = filled_table(series).astype(np.float32)
    scaler = MinMaxScaler().fit(table[: problem.n_train])
    scaled = table.copy()
    scaled[:] = scaler.transform(table)
    target = TimeSeries.from_values(scaled[[series.target]].to_numpy())
    others = scaled.drop(columns=series.target)
    covariates = TimeSeries.from_values(others.to_numpy()) if others.shape[1] else None
    place = table.columns.get_loc(series.target)

    def forecast():
        model = BlockRNNModel(
            model="LSTM",
            input_chunk_length=series.window_size,
            output_chunk_length=series.horizon,
            batch_size=BATCH_SIZE,
            n_epochs=EPOCHS,
            likelihood=QuantileRegression(list(LEVELS)),
            random_state=0,
            pl_trainer_kwargs=TRAINER,
        )
        past = None if covariates is None else covariates[: problem.n_train]
        model.fit(target[: problem.n_train], past_covariates=past, verbose=False)
        forecasts = model.historical_forecasts(
            target,
            past_covariates=covariates,
            start=problem.n_train,
            start_format="position",
            forecast_horizon=series.horizon,
            retrain=False,
            last_points_only=False,
            predict_likelihood_parameters=True,
            verbose=False,
        )
        values = np.stack([forecast.values() for forecast in forecasts])
        return (values - scaler.min_[place]) / scaler.scale_[place]

    return forecast


def neuralforecast(series, problem):
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MQLoss
    from neuralforecast.models import LSTM

    table = filled_table(series).rename(columns={series.target: "y"})
    others = list(table.columns.drop("y"))

    def forecast():
        n_windows = problem.n_train - series.window_size - series.horizon + 1
        model = LSTM(
            h=series.horizon,
            input_size=series.window_size,
            loss=MQLoss(quantiles=list(LEVELS)),
            encoder_hidden_size=64,
            decoder_hidden_size=64,
            scaler_type="standard",
            hist_exog_list=others,
            windows_batch_size=BATCH_SIZE,
            max_steps=EPOCHS * math.ceil(n_windows / BATCH_SIZE),  # which it counts instead of epochs
            enable_checkpointing=False,
            **TRAINER,
        )
        forecasts = NeuralForecast(models=[model], freq=1).cross_validation(
            table.assign(unique_id=series.target, ds=range(len(table))),
            n_windows=None,
            test_size=len(table) - problem.n_train,
            step_size=1,
        )
        columns = [column for column in forecasts.columns if column.startswith("LSTM")]  # one for each level, in order
        forecasts = forecasts.sort_values(["cutoff", "ds"])[columns]
        return forecasts.to_numpy().reshape(-1, series.horizon, len(LEVELS))

    return forecast


CONTENDERS = {
    "seasonal naive": naive,
    "ridge": ridge,
    "LSTM": lstm,
    "LSTM raw": raw_lstm,
    "neuralforecast": neuralforecast,
    "darts": darts,
}


def prepare(contender, name):
    """Import what a library needs; return a function that returns its loss, its coverages, and its seconds."""
    series, problem = SERIES[name], make_problem(SERIES[name])
    forecast = CONTENDERS[contender](series, problem)

    def measure():
        start = perf_counter()
        quantiles = forecast()
        seconds = perf_counter() - start
        if len(quantiles) > len(problem.test):  # those of rows with an incomplete future
            quantiles = quantiles[problem.test - (problem.n_train - 1)]
        truth = problem.y.to_numpy()[problem.test]
        losses = [mean_pinball_loss(truth, quantiles[..., i], alpha=level) for i, level in enumerate(LEVELS)]
        inside = [
            float(np.mean((quantiles[..., i] <= truth) & (truth <= quantiles[..., -1 - i])))
            for i in range(len(COVERAGES))
        ]
        return float(np.mean(losses)), inside, seconds

    return measure


def measure_series(name, contenders):
    case = describe(name) | {"unit": "pinball loss", "coverage": {}}
    for contender in contenders:
        with process(partial(prepare, contender, name)) as measure:
            loss, inside, seconds = measure()
        case["values"][contender], case["coverage"][contender], case["seconds"][contender] = [loss], inside, [seconds]
    return case


def measure(quick):
    return [measure_series(name, CONTENDERS) for name in (["beer"] if quick else SERIES)]


def ratios_to(other, cases):
    """Return the losses of each contender relative to those of another, NaN where they were not measured."""
    found = [contender for contender in CONTENDERS if any(contender in case["values"] for case in cases)]
    losses = {name: np.array([case["values"].get(name, [np.nan])[0] for case in cases]) for name in found}
    return {name: losses[name] / losses[other] for name in found}


def answer(cases):
    means = {name: gmean(ratios, nan_policy="omit") for name, ratios in ratios_to("ridge", cases).items()}
    found = ", ".join(f"{name} {mean:.2f}" for name, mean in means.items() if name != "ridge")
    return f"Pinball losses relative to ridge regression, geometric means: {found}."


def plot(cases, path):
    """Draw the losses relative to those of ridge regression, a row for each series."""
    from figures import add_legend, new_figure, plot_dots, save, separate_rows, use_ratio_axis

    ratios = {
        name: [*values, gmean(values, nan_policy="omit")]
        for name, values in ratios_to("ridge", cases).items()
        if name not in ("ridge", "LSTM raw")
    }
    figure, axes = new_figure(5.6)
    ax = axes[0, 0]
    order = sorted(ratios, key=lambda name: name == "LSTM")
    plot_dots(ax, [*(case["case"] for case in cases), "geometric mean"], {name: ratios[name] for name in order})
    separate_rows(ax, len(cases))
    use_ratio_axis(ax)
    ax.set_xlabel("pinball loss relative to ridge regression (below 1: better)")
    add_legend(figure, [ax])
    save(figure, path)


def table(cases):
    by_other = {other: ratios_to(other, cases) for other in ("ridge", "LSTM")}
    found = list(by_other["ridge"])
    yield f"| pinball loss relative to ridge | {' | '.join(found)} |"
    yield f"|---|{'---:|' * len(found)}"
    for row, case in enumerate(cases):
        ratios = [by_other["ridge"][name][row] for name in found]
        yield f"| {case['case']} | {' | '.join('' if np.isnan(ratio) else f'{ratio:.2f}' for ratio in ratios)} |"
    for title, other in (("geometric mean", "ridge"), ("geometric mean, relative to LSTM", "LSTM")):
        means = [gmean(by_other[other][name], nan_policy="omit") for name in found]
        yield f"| {title} | {' | '.join(f'{mean:.3f}' for mean in means)} |"
    for i, coverage in enumerate(COVERAGES):
        means = [np.mean([case["coverage"][name][i] for case in cases if name in case["coverage"]]) for name in found]
        yield f"| coverage of {100 * coverage:g} % intervals, mean | {' | '.join(f'{mean:.3f}' for mean in means)} |"


def main():
    parser = argparse.ArgumentParser(description="Measure, keep what else the file of results has, print its table.")
    parser.add_argument("--contenders", type=comma_separated, default=list(CONTENDERS))
    parser.add_argument("--series", type=comma_separated, default=list(SERIES))
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "quantiles.json")
    args = parser.parse_args()

    from run import save

    for name in args.series:
        case = measure_series(name, args.contenders)
        known = (
            {found["case"]: found for found in json.loads(args.output.read_text())["cases"]}
            if args.output.exists()
            else {}
        )
        before = known.get(name, {"values": {}, "coverage": {}, "seconds": {}})
        merged = {part: before[part] | case[part] for part in ("values", "coverage", "seconds")}
        known[name] = case | merged
        save("quantiles", [known[name] for name in SERIES if name in known], args.output)
    print(*table([known[name] for name in SERIES if name in known]), sep="\n")


if __name__ == "__main__":
    main()
