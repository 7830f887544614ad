"""Nothing leaks: the next values of a random walk are its last one and noise, and no evaluation may say otherwise."""

from functools import partial

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, TimeSeriesSplit, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from sklstm import LSTMForecaster, PanelTimeSeriesSplit, SeasonalNaive, SlidingWindow, backtest, to_supervised
from sklstm._base.splitting import blocks

N_ROWS = 200
WINDOW = 6
NETWORK = {"units": 4, "n_networks": 2, "epochs": 10, "learning_rate": 0.02, "random_state": 0}

NAIVE = make_pipeline(SlidingWindow(WINDOW), SeasonalNaive(1))
RIDGE = make_pipeline(SlidingWindow(WINDOW, flatten=True, pad="edge"), Ridge())
LSTM = make_pipeline(SlidingWindow(WINDOW), LSTMForecaster(**NETWORK))


HORIZONS = [12, pytest.param(1, marks=pytest.mark.thorough)]


def honest_walk(seed, horizon):
    return np.random.default_rng(seed).standard_normal((N_ROWS, 1)).cumsum(axis=0)


def walk_that_knows_the_future(seed, horizon):
    """Return a random walk and, as what happens to be known beside it, its value `horizon` steps later."""
    walk = honest_walk(seed, horizon)
    return np.hstack([walk, walk[np.minimum(np.arange(N_ROWS) + horizon, N_ROWS - 1)]])


def walk_in_windows(seed, horizon):
    """Return the windows of a random walk as the rows of a table, the last step first."""
    return sliding_window_view(honest_walk(seed, horizon)[:, 0], WINDOW)[:, ::-1]


def in_cross_validation(model, series, horizon, folds=None):
    """Return a model's mean absolute error in cross-validation, and that of persistence."""
    X, y = to_supervised(series, horizon, target=0)
    folds = folds or TimeSeriesSplit(3, gap=horizon - 1)
    errors = -cross_val_score(model, X, y, cv=folds, scoring="neg_mean_absolute_error", error_score="raise")
    persistence = [np.abs(y[test].T - X[test, 0]).mean() for _, test in folds.split(X)]
    return errors.mean(), np.mean(persistence)


def in_backtest(model, series, horizon):
    """Return a model's mean absolute error in a backtest with refits, and that of persistence."""
    result = backtest(model, series, horizon, target=0, first_origin=100, refit_every=45)
    persistence = series[result.origin, 0]
    return np.abs(result.truth - result.prediction).mean(), np.abs(result.truth - persistence).mean()


def in_early_stopping(series, horizon, n_networks=1):
    """Return the loss that early stopping sees after the last epoch, and that of persistence, for one block or more.

    The network alone learns the changes that follow from those so far; persistence is a forecast of none.
    """
    last = series[1:-horizon, :1]
    X = np.hstack([np.diff(series[:-horizon, :1], axis=0), series[1:-horizon, 1:] - last])
    y = to_supervised(series[1:, :1], horizon)[1].reshape(len(last), horizon) - last
    params = {"linear_skip": False, "normalize": True, "validation_fraction": 0.4, "n_networks": n_networks}
    model = LSTMForecaster(**NETWORK | params, n_iter_no_change=NETWORK["epochs"])
    model.fit(SlidingWindow(WINDOW).fit_transform(X), y)
    held_out = [
        y[split.validation] for split in blocks(np.arange(len(y)), np.arange(len(y)), 0.4, horizon - 1, n_networks)
    ]
    return model.history_["val_loss"][-1], np.abs(held_out / model.target_scale_).mean()


def beats_persistence(evaluate, horizon, make_series=honest_walk):
    """Tell whether a model's errors are below those of persistence by more than noise, over 20 series."""
    errors, persistence = np.transpose([evaluate(make_series(seed, horizon), horizon) for seed in range(20)])
    log_ratio = np.log(errors / persistence)
    return log_ratio.mean() < -3 * log_ratio.std(ddof=1) / np.sqrt(len(log_ratio)) - 1e-9


# A backtest cuts the rows alike for any model, so that of LSTMs is thorough.
LSTM_IN_BACKTEST = pytest.param(in_backtest, LSTM, id="in_backtest-lstm", marks=pytest.mark.thorough)


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize(
    ("evaluate", "model"),
    [
        pytest.param(in_cross_validation, NAIVE, id="in_cross_validation-naive"),
        pytest.param(in_cross_validation, RIDGE, id="in_cross_validation-ridge"),
        pytest.param(in_cross_validation, LSTM, id="in_cross_validation-lstm"),
        pytest.param(in_backtest, NAIVE, id="in_backtest-naive"),
        pytest.param(in_backtest, RIDGE, id="in_backtest-ridge"),
        LSTM_IN_BACKTEST,
    ],
)
def test_nothing_beats_persistence_on_a_random_walk(evaluate, model, horizon):
    assert not beats_persistence(lambda *args: evaluate(model, *args), horizon)


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("n_networks", [1, 2])
def test_early_stopping_sees_nothing_that_beats_persistence(n_networks, horizon):
    assert not beats_persistence(partial(in_early_stopping, n_networks=n_networks), horizon)


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize(
    ("evaluate", "model"),
    [
        pytest.param(in_cross_validation, RIDGE, id="in_cross_validation-ridge"),
        pytest.param(in_cross_validation, LSTM, id="in_cross_validation-lstm"),
        pytest.param(in_backtest, RIDGE, id="in_backtest-ridge"),
        LSTM_IN_BACKTEST,
    ],
)
def test_a_known_future_is_caught(evaluate, model, horizon):
    assert beats_persistence(lambda *args: evaluate(model, *args), horizon, walk_that_knows_the_future)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_a_known_future_is_caught_in_early_stopping(horizon):
    assert beats_persistence(in_early_stopping, horizon, walk_that_knows_the_future)


def test_shuffled_folds_are_caught():
    """Windows made first and shuffled then: neighbors of a row share most of the 12 steps that follow it."""
    model = KNeighborsRegressor(5)
    shuffled = KFold(3, shuffle=True, random_state=0)
    assert beats_persistence(lambda *args: in_cross_validation(model, *args, shuffled), 12, walk_in_windows)
    assert not beats_persistence(lambda *args: in_cross_validation(model, *args), 12, walk_in_windows)


# Many series


def walks_of_one_market(seed, horizon):
    """Return two random walks that move alike, one after the other, with their ids behind them."""
    walk = honest_walk(seed, horizon)
    return np.hstack([np.vstack([walk, walk]), np.repeat([[0.0], [1.0]], N_ROWS, axis=0)])


def in_folds_of_a_panel(model, panel, horizon, folds):
    """Return the same as `in_cross_validation` of a table of two series."""
    X, y = to_supervised(panel, horizon, target=0, groups=1)
    errors = -cross_val_score(model, X, y, cv=folds, scoring="neg_mean_absolute_error", error_score="raise")
    persistence = [np.abs(y[test].T - X[test, 0]).mean() for _, test in folds.split(X)]
    return errors.mean(), np.mean(persistence)


NEIGHBORS = make_pipeline(SlidingWindow(WINDOW, groups=1, flatten=True, pad="edge"), KNeighborsRegressor(2))
LSTM_OF_PANEL = make_pipeline(SlidingWindow(WINDOW, groups=1), LSTMForecaster(**NETWORK))


@pytest.mark.parametrize("model", [NEIGHBORS, LSTM_OF_PANEL], ids=["neighbors", "lstm"])
def test_no_series_tells_the_future_of_another(model):
    folds = PanelTimeSeriesSplit(3, groups=1, gap=11)
    evaluate = partial(in_folds_of_a_panel, folds=folds)
    assert not beats_persistence(partial(evaluate, model), 12, walks_of_one_market)


def test_folds_that_cut_between_rows_are_caught():
    """The first series tells how the second one goes on."""
    evaluate = partial(in_folds_of_a_panel, NEIGHBORS, folds=TimeSeriesSplit(2, test_size=80, gap=11))
    assert beats_persistence(evaluate, 12, walks_of_one_market)
