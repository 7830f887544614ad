"""Forecasts of the steps that follow a series."""

import warnings
from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state, check_scalar

from .._windows.long_table import one_series
from .._windows.tables import as_given, as_pandas, as_table, frame, is_pandas, other_columns, take_rows
from .._windows.time_index import time_index, warn_of_gaps
from .forecaster import LSTMForecaster
from .future import check_future, missing_future, warn_of_unused_future, with_all_columns, with_continued_index
from .intervals import as_it_is_now, beside, checked_coverages, interval_model, names_beside, point_model
from .known import fitted_known_columns
from .panels import forecast_panel
from .prediction import groups_of, last_prediction, receptive_field
from .recursion import recursion
from .targets import predicted_columns, unwrapped


class Outlook(NamedTuple):
    """Forecasts, what the model has read at their origins, and how to make a table of them."""

    points: np.ndarray  # (n_series, steps, n_targets)
    X: Any
    rows: np.ndarray  # (n_series,) of the origins in X
    names: Any  # (n_targets,)
    as_table: Callable[[np.ndarray, list], Any]  # from rows of all series and the names of their columns


def forecast(model, history, steps, *, target=None, known=None, future=None, coverage=None, verbose=0):
    """Forecast the steps that follow a series.

    From the end of the series, the model predicts a block of steps at once: the `horizon` of :func:`to_supervised`. If
    more steps are requested, the block is appended to the series, and the model predicts the next block. A model with
    ``horizon=1`` thus forecasts recursively, step by step. A model of several series, with `groups` of
    :class:`SlidingWindow`, forecasts all of them.

    Parameters
    ----------
    model : fitted regressor or pipeline
        Any model that returns a prediction for each row, fitted on the ``X`` and ``y`` of :func:`to_supervised`.

    history : array-like, pandas or polars object of shape (n_samples,) or (n_samples, n_features)
        The series so far, oldest row first, with the columns in the fit of the model.

    steps : int
        Number of steps to forecast.

    target : str or int, or list of them, default=None
        The columns that the model predicts, as in :func:`to_supervised`. If None, the only column, the columns named in
        the ``y`` of an :class:`LSTMForecaster` or :class:`SeasonalNaive`, or the features that `SeasonalNaive`
        forecasts.

    known : str or int, list of them, or dict, default=None
        The columns known ahead, as in :func:`to_supervised`. If None, they are inferred from the names of the features
        seen in `fit`. A model fitted on an array has no such names.

    future : array-like or DataFrame of shape (n_future, n_columns), default=None
        The future values of the columns known ahead. If the model needs more than one block, the future values of all
        columns that it does not predict. Columns known ahead need whole blocks: a model with ``horizon=24`` needs 24
        rows for 1 to 24 steps, and 48 rows for 25 steps. The rows and columns of an array are in order, starting with
        the first step ahead. The columns of a DataFrame are matched by name, and its rows by label if `history` has an
        index of times. If this index has no frequency, as with working days, the rows after the end of `history` are
        used, and the forecast has their labels. For several series, rows are also matched by id.

    coverage : float or sequence of float, default=None
        Probability that an interval contains the true value, or several probabilities, in the open interval (0, 1).
        Only for :class:`ConformalForecaster`. If None, no intervals are returned.

    verbose : int, default=0
        Verbosity of joblib's progress messages, one for each block.

    Returns
    -------
    predictions : ndarray or DataFrame of shape (steps, n_targets) or (steps, n_targets * (1 + 2 * n_coverages))
        The forecast in the units of the series. A DataFrame of the same library if `history` is a pandas or polars
        object. A pandas index of integers or periods, or of dates or durations with a frequency, is continued. Several
        series follow each other with `steps` rows each, and their ids are in the first column or the index level. With
        `coverage`, each column is followed by the lower and upper bound of each interval. In a DataFrame, they have
        names such as ``sales_lower_80`` and ``sales_upper_80``.

    Raises
    ------
    ValueError
        If the predicted columns or the columns known ahead are ambiguous, or differ from those in `fit`. If `future` is
        needed and missing, lacks rows, columns or values known ahead, or is given although all columns are predicted.
        If the outputs of the model cannot be steps of the targets. If `history` is not longer than a lag, or `history`
        or `future` is invalid as in :func:`to_supervised`. If `coverage` is given and the model has no intervals, or
        none for so many steps or this coverage.

    Warns
    -----
    UserWarning
        If `future` has no effect, since the model predicts all steps at once. If windows are shorter than the horizon
        of columns known ahead, so that they lack the values of the first steps. If some values of the last row of
        `history` are missing, so that an LSTM skips it. If the times of `history` have no regular step, or are text, as
        in :func:`to_supervised`.

    See Also
    --------
    to_supervised : Makes ``X`` and ``y`` for the fit of the model.
    sample_paths : Draws sample paths of the next steps.

    Notes
    -----
    A value known ahead affects the step at its own time: a promotion affects the sales of the same day. The other
    columns of `future` are observed at their time, like the rows of `history`, and affect the steps after it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklstm import forecast, to_supervised
    >>> series = np.arange(10.0)
    >>> model = LinearRegression().fit(*to_supervised(series))
    >>> forecast(model, series, steps=3).round(6)
    array([[10.],
           [11.],
           [12.]])
    """
    check_scalar(steps, "steps", Integral, min_val=1)
    coverages, model = checked_coverages(model, coverage), as_it_is_now(model)
    outlook = _outlook(model, history, steps, target=target, known=known, future=future, verbose=verbose)
    _warn_of_masked_origins(model, outlook)
    intervals = None
    if coverages:
        of_intervals = interval_model(model)
        basis = of_intervals._basis(outlook.X, outlook.rows, outlook.points)
        intervals = np.concatenate(of_intervals._step_intervals(basis, outlook.points, coverages))
    values, names = beside(np.concatenate(outlook.points), intervals), names_beside(outlook.names, coverages)
    return as_given(outlook.as_table(values, names), history)


def sample_paths(
    model, history, steps, n_paths=1000, *, target=None, known=None, future=None, random_state=None, verbose=0
):
    """Draw sample paths of the steps that follow a series.

    A path is the forecast plus the errors of the model from one calibration row at all steps. It thus keeps the
    dependence between the errors of different steps. Quantiles over paths give intervals for sums or maxima over steps.

    Parameters
    ----------
    model : ConformalForecaster
        The fitted model, or a fitted search over such models.

    history : array-like, pandas or polars object of shape (n_samples,) or (n_samples, n_features)
        The series so far, as in :func:`forecast`.

    steps : int
        Number of steps in a path.

    n_paths : int, default=1000
        Number of paths to draw.

    target : str or int, or list of them, default=None
        The columns that the model predicts, as in :func:`forecast`.

    known : str or int, list of them, or dict, default=None
        The columns known ahead, as in :func:`forecast`.

    future : array-like or DataFrame of shape (n_future, n_columns), default=None
        The future values of columns, as in :func:`forecast`.

    random_state : int, RandomState instance or None, default=None
        Determines which calibration rows are drawn.

    verbose : int, default=0
        Verbosity of joblib's progress messages, as in :func:`forecast`.

    Returns
    -------
    paths : ndarray of shape (n_paths, steps, n_targets) or (n_paths, n_series, steps, n_targets)
        The paths in the units of the series. For several series, the second axis has them in the order of
        :func:`forecast`.

    Raises
    ------
    ValueError
        As in :func:`forecast`. If the model is not a :class:`ConformalForecaster`, or its calibration covers fewer
        steps.

    See Also
    --------
    forecast : Forecasts with an interval for each step.

    Notes
    -----
    At all times, paths use the same errors, in units of the `scale` of :class:`ConformalForecaster`. Their spread does
    not follow the predicted quantiles. Paths of several series are drawn independently of each other.

    Examples
    --------
    An 80 % interval for the total number of passengers in the next quarter:

    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import ConformalForecaster, SlidingWindow, sample_paths, to_supervised
    >>> from sklstm.datasets import load_airline
    >>> passengers = load_airline().data
    >>> model = ConformalForecaster(make_pipeline(SlidingWindow(12, flatten=True, pad="edge"), Ridge()))
    >>> model = model.fit(*to_supervised(passengers, horizon=3))
    >>> paths = sample_paths(model, passengers, steps=3, random_state=0)
    >>> low, high = np.quantile(paths.sum(axis=1), [0.1, 0.9])
    >>> bool(1200 < low < high < 1700)
    True
    """
    check_scalar(steps, "steps", Integral, min_val=1)
    check_scalar(n_paths, "n_paths", Integral, min_val=1)
    model = as_it_is_now(model)
    of_intervals = interval_model(model)
    if of_intervals is None:
        raise ValueError(f"model must be a ConformalForecaster. Got {type(model).__name__}.")
    outlook = _outlook(model, history, steps, target=target, known=known, future=future, verbose=verbose)
    basis = of_intervals._basis(outlook.X, outlook.rows, outlook.points)
    paths = of_intervals._paths(basis, outlook.points, n_paths, check_random_state(random_state))
    return paths if groups_of(model) is not None else paths[:, 0]


def _outlook(model, history, steps: int, *, target, known, future, verbose: int) -> Outlook:
    check_scalar(verbose, "verbose", Integral, min_val=0)
    groups = groups_of(model)
    future = as_pandas(future, "future")
    if groups is not None:
        chosen = {"target": target, "known": known, "groups": groups}
        return Outlook(*forecast_panel(model, history, steps, future, **chosen, verbose=verbose))
    table = as_table(history, "history")
    warn_of_gaps(table, "history")
    columns = predicted_columns(model, one_series(table), target, "history")
    ahead = fitted_known_columns(model, one_series(table), known, columns)
    ahead.check_history(len(table), "history")
    n_rows, has_times = ahead.n_rows_of_future(steps), time_index(table) is not None
    labels = None
    if is_pandas(table):
        table, labels = with_continued_index(table, future, n_rows)
    others = other_columns(table, columns)
    needed = ahead.needed(others, steps)
    is_given = future is not None
    if is_given:
        future = check_future(table, needed, future, n_rows, labels, by_label=has_times)
        ahead.check_future(future, needed)
    elif ahead.positions:
        raise missing_future(one_series(table), needed, n_rows)
    future = with_all_columns(future, needed, others, table, n_rows, labels)
    model = point_model(model)
    X, _ = ahead.split(table, columns, future)
    block = last_prediction(model, X, len(columns))
    ahead.check_block(len(block))
    if len(block) < steps and others and not is_given:
        raise missing_future(one_series(table), others, n_rows)
    if len(block) >= steps and is_given and not ahead.positions:
        warn_of_unused_future(len(block))
    points = recursion(model, table, columns, ahead, block, future, steps, verbose=verbose)[np.newaxis]
    origin = np.array([len(X) - 1])
    if labels is None:
        return Outlook(points, X, origin, columns, lambda values, _: values)
    names = table.columns[columns]
    return Outlook(points, X, origin, names, partial(_as_frame, labels[:steps], names))


def _warn_of_masked_origins(model, outlook: Outlook) -> None:
    """Warn if an LSTM skips the last row of a series, since some of its values are missing."""
    model = unwrapped(model)
    if receptive_field(model) is None or not isinstance(model[-1], LSTMForecaster):
        return
    rows = take_rows(outlook.X, outlook.rows)
    missing = rows.isna().to_numpy() if is_pandas(rows) else rows != rows
    partial = missing.any(axis=1) & (missing.sum(axis=1) < missing.shape[1] - (groups_of(model) is not None))
    if partial.any():
        columns = np.flatnonzero(missing[partial].any(axis=0))
        names = [rows.columns[column] if is_pandas(rows) else int(column) for column in columns]
        of = f" of {partial.sum()} of {len(partial)} series" if len(partial) > 1 else ""
        warnings.warn(
            f"The last row{of} of history has missing values in the column(s) {names}. The networks skip such rows, "
            "with the other values in them. Fill missing values first, as with history.ffill().",
            UserWarning,
            stacklevel=3,
        )


def _as_frame(labels, columns, values: np.ndarray, names: list) -> Any:
    """Return rows as a DataFrame, whose columns are an index like that of the targets."""
    if len(names) > len(columns):
        columns = columns.from_tuples(names, names=columns.names) if columns.nlevels > 1 else names
    return frame(values, labels, columns)
