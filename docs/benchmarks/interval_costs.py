"""What intervals cost.

How much longer do intervals take? The fit of `LSTMForecaster` with `loss="quantile"`, nine quantiles, is compared with
that with `loss="absolute_error"`. The intervals of `ConformalForecaster` for 10,000 rows are compared with the
predictions of the same network.

**Fit**: a sine of 1,000 points, windows of 50, 50 units, 20 epochs, one network without linear model and early
stopping. The first fit of a process is not timed.

**Intervals**: 24 steps ahead, from windows of 50.
"""

from functools import partial

import numpy as np
from harness import compare, stopwatch

PLAIN = {"n_networks": 1, "linear_skip": False, "early_stopping": False, "normalize": True}
POINT, QUANTILES = "absolute error", "nine quantiles"
PREDICT, INTERVALS = "predict", "predict_interval"


def fit(loss, n_points):
    from sklstm import LSTMForecaster, SlidingWindow, to_supervised
    from sklstm.datasets import make_sine

    X, y = to_supervised(make_sine(n_points))
    windows = SlidingWindow(50).fit_transform(X)
    model = LSTMForecaster(units=50, epochs=20, loss=loss, random_state=0, **PLAIN).fit(windows, y)
    return stopwatch(model.fit, windows, y)


def intervals(method, n_rows):
    from sklearn.pipeline import make_pipeline

    from sklstm import ConformalForecaster, LSTMForecaster, SlidingWindow, to_supervised

    series = np.random.default_rng(0).standard_normal(n_rows + 24)
    X, y = to_supervised(series, horizon=24)
    network = LSTMForecaster(units=50, epochs=1, loss="quantile", random_state=0, **PLAIN)
    model = ConformalForecaster(make_pipeline(SlidingWindow(50), network), refit=False).fit(X[:2000], y[:2000])
    predict = getattr(model, method)
    predict(X)
    return stopwatch(predict, X)


def measure(quick):
    n_points, n_rows = (200, 2000) if quick else (1000, 10_000)
    contenders = {POINT: partial(fit, "absolute_error", n_points), QUANTILES: partial(fit, "quantile", n_points)}
    contenders |= {method: partial(intervals, method, n_rows) for method in (PREDICT, INTERVALS)}
    point, quantiles, predict, with_ends = compare(contenders, runs=3 if quick else 9).values()
    return [
        {
            "case": "fit on a sine",
            "unit": "s",
            "values": {"sklstm": quantiles, POINT: point},
            "goals": {POINT: "<= 1.15"},
        },
        {
            "case": "intervals of 10,000 rows",
            "unit": "s",
            "values": {"sklstm": with_ends, PREDICT: predict},
            "goals": {PREDICT: "<= 1.3"},
        },
    ]
