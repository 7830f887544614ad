"""Accuracy of other libraries' LSTM on real series.

How accurate are the LSTMs of other libraries? Each library trains once on the first 80 % of a series, for 100 epochs in
batches of 32 windows, the maximum of `LSTMForecaster` by default, and forecasts from each row of the rest. Series,
windows and horizons are those of the [study of accuracy](#accuracy-on-real-series). The defaults of sklstm were chosen
on these series, which is an advantage for it.

Everything else is set as each library documents it:

- sklstm: the defaults.
- darts: `BlockRNNModel` after `Scaler`, as in its notebook "Multiple time series, pre-trained models and covariates",
  which leaves the network at the defaults.
- neuralforecast: `LSTM`, with the sizes and the scaler of its "Getting started".
- skforecast: `ForecasterRnn` with `MinMaxScaler`, as in its guide to deep learning, and the default network of
  `create_and_compile_model`, on TensorFlow.

One random state each. The other columns are covariates that are known up to the present. Missing values are
interpolated for all libraries but sklstm. Each library runs in its own process. The seconds are those of fit and
forecasts, without imports.
"""

import argparse
import math
import os
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from accuracy import (
    BOOSTING,
    NAIVE,
    RIDGE,
    boosting,
    comma_separated,
    describe,
    lstm,
    make_problem,
    medians,
    merge,
    ridge,
    score,
    seasonal_naive,
    table,
)
from harness import process
from real_series import SERIES
from scipy.stats import gmean
from sklearn.metrics import mean_absolute_error

EPOCHS, BATCH_SIZE = 100, 32
TRAINER = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}


def sklstm(series, problem):
    import sklstm._engine  # noqa: F401  # which the first fit would import

    return lambda: lstm(series, problem, random_state=0)


def darts(series, problem):
    from darts import TimeSeries
    from darts.dataprocessing.transformers import Scaler
    from darts.models import BlockRNNModel

    filled = filled_table(series).astype(np.float32)
    others = filled.columns.drop(series.target)

    def scaled(columns):
        whole = TimeSeries.from_values(filled[columns].to_numpy())
        scaler = Scaler()
        scaler.fit(whole[: problem.n_train])
        return scaler, scaler.transform(whole)

    def forecast():
        scaler, target = scaled([series.target])
        covariates = scaled(others)[1] if len(others) else None
        model = BlockRNNModel(
            model="LSTM",
            input_chunk_length=series.window_size,
            output_chunk_length=series.horizon,
            batch_size=BATCH_SIZE,
            n_epochs=EPOCHS,
            random_state=0,
            pl_trainer_kwargs=TRAINER,
        )
        model.fit(target[: problem.n_train], past_covariates=covariates, verbose=False)
        forecasts = model.historical_forecasts(
            target,
            past_covariates=covariates,
            start=problem.n_train,
            start_format="position",
            forecast_horizon=series.horizon,
            retrain=False,
            last_points_only=False,
            verbose=False,
        )
        return np.stack([scaler.inverse_transform(forecast).values()[:, 0] for forecast in forecasts])

    return forecast


def neuralforecast(series, problem):
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    filled = filled_table(series).rename(columns={series.target: "y"})
    others = list(filled.columns.drop("y"))

    def forecast():
        n_windows = problem.n_train - series.window_size - series.horizon + 1
        model = LSTM(
            h=series.horizon,
            input_size=series.window_size,
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
            filled.assign(unique_id=series.target, ds=range(len(filled))),
            n_windows=None,
            test_size=len(filled) - problem.n_train,
            step_size=1,
        )
        return forecasts.sort_values(["cutoff", "ds"])["LSTM"].to_numpy().reshape(-1, series.horizon)

    return forecast


def skforecast(series, problem):
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    from skforecast.deep_learning import ForecasterRnn, create_and_compile_model
    from skforecast.model_selection import TimeSeriesFold, backtesting_forecaster_multiseries
    from sklearn.preprocessing import MinMaxScaler

    filled = filled_table(series)

    def forecast():
        keras.utils.set_random_seed(0)
        network = create_and_compile_model(
            series=filled,
            lags=series.window_size,
            steps=series.horizon,
            levels=series.target,
            compile_kwargs={"optimizer": keras.optimizers.Adam(), "loss": keras.losses.MeanSquaredError()},
        )
        forecaster = ForecasterRnn(
            estimator=network,
            levels=series.target,
            lags=series.window_size,
            transformer_series=MinMaxScaler(),
            fit_kwargs={"epochs": EPOCHS, "batch_size": BATCH_SIZE, "verbose": 0},
        )
        folds = TimeSeriesFold(
            steps=series.horizon,
            initial_train_size=problem.n_train,
            fold_stride=1,
            refit=False,
            allow_incomplete_fold=False,
        )
        _, forecasts = backtesting_forecaster_multiseries(
            forecaster, filled, folds, metric="mean_absolute_error", levels=series.target, show_progress=False
        )
        return forecasts["pred"].to_numpy().reshape(-1, series.horizon)

    return forecast


CONTENDERS = {"sklstm": sklstm, "darts": darts, "neuralforecast": neuralforecast, "skforecast": skforecast}


def filled_table(series):
    return series.table.interpolate()


def prepare(contender, name):
    """Import what a library needs; return a function that returns its error on a series, and its seconds."""
    series, problem = SERIES[name], make_problem(SERIES[name])
    forecast = CONTENDERS[contender](series, problem)

    def measure():
        start = perf_counter()
        forecasts = forecast()
        seconds = perf_counter() - start
        if len(forecasts) > len(problem.test):  # those of rows with an incomplete future
            forecasts = forecasts[problem.test - (problem.n_train - 1)]
        return mean_absolute_error(problem.y.iloc[problem.test], forecasts), seconds

    return measure


def measure_series(name, contenders):
    case = describe(name)
    baselines = {NAIVE: seasonal_naive, RIDGE: ridge, BOOSTING: boosting}
    scores = {baseline: score(name, forecaster, {}) for baseline, forecaster in baselines.items()}
    for contender in contenders:
        with process(partial(prepare, contender, name)) as measure:
            scores[contender] = measure()
    case["values"] = {candidate: [error] for candidate, (error, _) in scores.items()}
    case["seconds"] = {candidate: [seconds] for candidate, (_, seconds) in scores.items()}
    return case


def measure(quick):
    return [measure_series(name, CONTENDERS) for name in (["beer"] if quick else SERIES)]


def answer(cases):
    errors = medians(cases)
    ratios = ", ".join(f"{name} {gmean(errors[name] / errors[RIDGE]):.2f}" for name in CONTENDERS)
    return f"Errors relative to ridge regression, geometric means: {ratios}."


def plot(cases, path):
    """Draw the errors relative to the seasonal naive forecast, a row for each series."""
    from figures import add_legend, new_figure, plot_dots, save, separate_rows, use_ratio_axis

    errors = medians(cases)
    ratios = errors.div(errors[NAIVE], axis=0)
    ratios.loc["geometric mean"] = gmean(ratios)
    figure, axes = new_figure(5.6)
    ax = axes[0, 0]
    plot_dots(ax, list(ratios.index), {name: ratios[name] for name in (RIDGE, *reversed(CONTENDERS))})
    separate_rows(ax, len(cases))
    use_ratio_axis(ax)
    ax.set_xlabel("error relative to the seasonal naive forecast (below 1: more accurate)")
    add_legend(figure, [ax])
    save(figure, path)


def main():
    parser = argparse.ArgumentParser(description="Measure, keep what else the file of results has, print its tables.")
    parser.add_argument(
        "--contenders", type=comma_separated, default=list(CONTENDERS), help=f"of {', '.join(CONTENDERS)}"
    )
    parser.add_argument("--series", type=comma_separated, default=list(SERIES), help=f"of {', '.join(SERIES)}")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "accuracy_peers.json")
    args = parser.parse_args()

    from run import save

    for name in args.series:
        cases = merge([measure_series(name, args.contenders)], args.output)
        save("accuracy_peers", cases, args.output)
    print(*table(cases), sep="\n")


if __name__ == "__main__":
    main()
