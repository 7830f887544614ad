"""Rolling origins of a backtest, fits on what is known at one, and forecasts from all of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed

from .._compat import check_method_params
from .._validation import check_numeric, has_target
from .._windows.sliding_window import SlidingWindow
from .forecaster import LSTMForecaster
from .prediction import rows_of
from .seasonal_naive import SeasonalNaive


class Schedule(NamedTuple):
    """The parameters of `backtest` that tell from when to forecast, when to fit, and in how many processes."""

    first_origin: int | None
    stride: int
    refit_every: int | None = None
    max_train_size: int | None = None
    n_jobs: int | None = None
    verbose: int = 0


class Forecasts(NamedTuple):
    """Forecasts from the rows of some origins, beside the true values."""

    origins: np.ndarray  # (n_rows,) the rows in the table
    truth: np.ndarray  # (n_rows, horizon, n_targets)
    predictions: np.ndarray  # (n_rows, horizon, n_targets)
    intervals: np.ndarray | None  # (n_rows, horizon, n_targets, 2, n_coverages)
    columns: Sequence[int] = ()  # the targets, by position

    @classmethod
    def joined(cls, parts: list["Forecasts"], columns: list[int]) -> "Forecasts":
        """Return the forecasts of several fits."""
        origins, truth, predictions = (np.concatenate([part[i] for part in parts]) for i in range(3))
        intervals = [part.intervals for part in parts if part.intervals is not None]
        return cls(origins, truth, predictions, np.concatenate(intervals) if intervals else None, columns)


def rolling_origins(
    n_rows: int, horizon: int, n_behind: int, first_origin: int | None, stride: int, *, refit: bool
) -> np.ndarray:
    """Return the positions of the rows to forecast from, each with `n_behind` rows behind it."""
    earliest, last = (horizon if refit else 0), n_rows - 1 - n_behind
    if last < earliest:
        raise ValueError(
            f"Found a series of {n_rows} row(s), while a minimum of {earliest + n_behind + 1} is required by a "
            f"backtest with horizon={horizon}{' and refits' if refit else ''}."
        )
    if first_origin is None:
        first_origin = (earliest + last) // 2
    if not earliest <= first_origin <= last:
        raise ValueError(
            f"first_origin={first_origin} is out of range: in a series of {n_rows} rows with horizon={horizon}, "
            f"origins lie in the range [{earliest}, {last}]."
        )
    return np.arange(first_origin, last + 1, stride)


def fit_where_known(model, X, y, **fit_params):
    """Fit a model on the rows whose target is complete, and the transformers of a pipeline on all rows."""
    known = np.flatnonzero(has_target(check_numeric(y, name="y", estimator=None, ensure_2d=False)))
    reads_windows = any(isinstance(value, SlidingWindow) for value in model.get_params().values())
    if len(known) == len(y) or isinstance(model, LSTMForecaster | SeasonalNaive):
        return model.fit(X, y, **fit_params)
    has_transformers = isinstance(model, Pipeline) and len(model) > 1
    if has_transformers and not isinstance(model[-1], LSTMForecaster | SeasonalNaive) and not fit_params:
        transformers = model[:-1]
        X = transformers.fit_transform(X, y)
        model.steps[:-1] = transformers.steps
        model[-1].fit(rows_of(X, known), rows_of(y, known))
        return model
    if reads_windows:  # the regressor in it leaves out such rows by itself, or tells that it cannot
        return model.fit(X, y, **fit_params)
    return model.fit(rows_of(X, known), rows_of(y, known), **check_method_params(X, fit_params, indices=known))


def in_parallel(function: Callable, calls: Iterable[tuple], *, n_jobs: int | None, verbose: int) -> list:
    """Return what a function returns for each tuple of arguments.

    Dask stores a large argument on a single worker, and cancels the calls that need it if this worker is lost. What is
    in a tuple is sent with the call.
    """
    return Parallel(n_jobs=n_jobs, verbose=verbose)(delayed(_call)(function, arguments) for arguments in calls)


def _call(function: Callable, arguments: tuple) -> Any:
    return function(*arguments)
