"""Sliding windows over a series that keep its rows."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._compat import Interval, StrOptions, check_feature_names_in, fit_context
from .._state import VersionedEstimator, all_at_once, of_one_fit
from .._validation import check_table
from .arrays import window_view
from .time_index import check_comparable, check_order, following_labels, time_index, warn_of_gaps


def _is_flat(estimator: "SlidingWindow") -> bool:
    return estimator.flatten


def _rows_between(next_labels, first) -> tuple[int, bool]:
    """Return how many of the next labels come before the first one of other rows, and whether that is one of them."""
    if next_labels is None:
        return 0, False
    gap = int(next_labels.searchsorted(first))
    return gap, gap == len(next_labels) or next_labels[gap] == first


class SlidingWindow(TransformerMixin, VersionedEstimator):
    """Turn each row of a series into the window of rows that ends with it.

    Row ``t`` becomes the rows ``t - window_size + 1, ..., t``. There are as many windows as rows, so the
    transformer stands in a :class:`~sklearn.pipeline.Pipeline` and ``y`` stays aligned.

    Parameters
    ----------
    window_size : int, default=10
        Number of rows in a window. It may exceed the length of the series.

    pad : {"missing", "edge"}, default="missing"
        What stands for the rows before the first one: missing values (NaN), which
        :class:`LSTMForecaster` skips, or the first row, repeated.

    carry_over : bool, default=False
        Whether `transform` reaches back into the last rows that `fit` saw, for rows that directly follow them, as a
        test fold of :class:`~sklearn.model_selection.TimeSeriesSplit` follows its training fold. See Notes.

    flatten : bool, default=False
        Whether to lay a window's rows side by side, oldest first, for estimators that take tables.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen during `fit`, if they are all strings.

    See Also
    --------
    LSTMForecaster : Forecasts from windows.
    to_supervised : Makes the aligned target.

    Notes
    -----
    The windows of ``flatten=False`` are a read-only view of one padded copy of the series, float32 if the
    series is float32 and float64 otherwise: memory does not grow with ``window_size``.

    Windows are of adjacent rows. So the rows of a pandas object with an index of integers, dates, periods or durations
    must be in the order of time, each time once; where times have no regular step, a warning says so. The rows of an
    array are in order: a search that shuffles them, such as :class:`~sklearn.model_selection.HalvingGridSearchCV` with
    its default ``resource="n_samples"``, must not be used, since nothing can tell.

    ``carry_over=True`` keeps a copy of the fitted rows. It takes the gap between them and those to transform
    from the index if both are pandas objects with an index of integers, dates, periods or durations: a row
    ``k`` steps after the last fitted one has ``k - 1`` missing steps between them, and rows that start
    inside or before the fitted range get no carry-over. Behind a step that returns arrays there is no
    index; ``pipeline.set_output(transform="pandas")`` keeps it. Without an index, rows are taken to follow the
    fitted ones directly, unless they are the same series again: at least ``window_size`` rows that begin like the
    fitted ones, as far as both reach. So are rows with dates that have no frequency, with a warning.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import SlidingWindow
    >>> X = np.array([[1.0], [2.0], [3.0]])
    >>> SlidingWindow(window_size=2).fit_transform(X).shape
    (3, 2, 1)
    >>> SlidingWindow(window_size=2, flatten=True).fit_transform(X)
    array([[nan,  1.],
           [ 1.,  2.],
           [ 2.,  3.]])
    """

    _parameter_constraints: dict = {
        "window_size": [Interval(Integral, 1, None, closed="left")],
        "pad": [StrOptions({"missing", "edge"})],
        "carry_over": ["boolean"],
        "flatten": ["boolean"],
    }

    def __init__(self, window_size=10, *, pad="missing", carry_over=False, flatten=False):
        self.window_size = window_size
        self.pad = pad
        self.carry_over = carry_over
        self.flatten = flatten

    @fit_context(prefer_skip_nested_validation=True)
    @all_at_once
    def fit(self, X, y=None):
        """Learn the features, and with ``carry_over=True`` the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The series, oldest row first. Missing values are NaN.

        y : None
            Ignored.

        Returns
        -------
        self : SlidingWindow
            The fitted transformer.

        Raises
        ------
        ValueError
            If `X` is not a numeric table with at least one row and column, holds infinity, or has an index of several
            levels, or one of times that does not increase.

        Warns
        -----
        UserWarning
            If `X` has an index of times without a regular step: its rows are treated as adjacent.
        """
        table = self._check_series(X, reset=True)
        self._fitted_rows = table.copy() if self.carry_over else None
        if self.carry_over:
            self._fit_index(time_index(X))
        return self

    @of_one_fit
    def transform(self, X):
        """Return the window that ends with each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The series, oldest row first. Missing values are NaN.

        Returns
        -------
        windows : ndarray of shape (n_samples, window_size, n_features)
            Read-only. With ``flatten=True`` an array of shape
            (n_samples, window_size * n_features), or a DataFrame if `set_output` asks for one.

        Raises
        ------
        ValueError
            If `X` has other columns than in `fit`, or is no such table. With ``carry_over=True`` also if its times
            cannot be compared with those in `fit`.

        Warns
        -----
        UserWarning
            As in `fit`, and with ``carry_over=True`` if dates without a frequency do not tell how many rows lie between
            those in `fit` and `X`.
        """
        check_is_fitted(self)
        windows = window_view(self._padded(X), self.window_size)
        return windows.reshape(len(windows), -1) if self.flatten else windows

    def _padded(self, X) -> np.ndarray:
        """Return the validated rows, and before them those that their first window reaches back to."""
        table = self._check_series(X, reset=False)
        return np.concatenate([self._past(X, table), table])

    def _check_series(self, X, *, reset: bool) -> np.ndarray:
        table = check_table(self, X, reset=reset)
        check_order(X, "X")
        warn_of_gaps(X, "X")
        return table

    def _fit_index(self, index) -> None:
        self._last_label = None if index is None else index[-1:]
        self._next_labels = None if index is None else following_labels(index, self.window_size)

    def _past(self, X, table: np.ndarray) -> np.ndarray:
        """Return the rows before the first row of ``table`` that its window reaches back to."""
        n_past, n_features = self.window_size - 1, table.shape[1]
        past = np.empty((0, n_features), dtype=table.dtype)
        if self.carry_over and (gap := self._gap(X, table)) is not None:
            missing = np.full((gap, n_features), np.nan)
            past = np.concatenate([self._fitted_rows[-self.window_size :], missing], dtype=table.dtype)
            past = past[max(len(past) - n_past, 0) :]
        first = np.nan if self.pad == "missing" else np.concatenate([past, table[:1]])[0]
        padding = np.full((n_past - len(past), n_features), first, dtype=table.dtype)
        return np.concatenate([padding, past])

    def _gap(self, X, table: np.ndarray) -> int | None:
        """Return how many rows lie between the fitted ones and ``table``; None if it does not follow them."""
        if self._fitted_rows is None:
            raise ValueError("carry_over=True was set after fit, which did not keep the rows. Fit again.")
        index, last = time_index(X), self._last_label
        if index is not None and last is not None and index.inferred_type == last.inferred_type:
            check_comparable(index, last, "X", "the rows in fit")
            if index[0] <= last[0]:
                return None
            gap, known = _rows_between(self._next_labels, index[0])
            if not known:
                warnings.warn(
                    f"The rows in fit end with {last[0]}, those of X start with {index[0]}, and no whole number of "
                    f"steps lies between. They are treated as {gap} row(s) apart. Give the series a frequency first, "
                    "as with asfreq('D').",
                    UserWarning,
                    stacklevel=2,
                )
            return gap
        n_shared = min(len(table), len(self._fitted_rows))
        same = np.array_equal(table[:n_shared], self._fitted_rows[:n_shared], equal_nan=True)
        return None if same and len(table) >= self.window_size else 0

    @available_if(_is_flat)
    def get_feature_names_out(self, input_features=None):
        """Return a name such as ``sales_lag3`` for each column; only with ``flatten=True``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; those seen in `fit`, or else ``x0, x1, ...``, if None.

        Returns
        -------
        names : ndarray of shape (window_size * n_features,), dtype object
            ``lag0`` is the window's last row.
        """
        check_is_fitted(self)
        features = check_feature_names_in(self, input_features)
        steps = range(self.window_size - 1, -1, -1)
        return np.array([f"{feature}_lag{step}" for step in steps for feature in features], dtype=object)

    def set_output(self, *, transform=None):
        """Set the container of the output; it is an array all the same with ``flatten=False``.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            The container of flattened windows; None leaves it unchanged.

        Returns
        -------
        self : SlidingWindow
            The transformer.
        """
        # scikit-learn's own method is there only with get_feature_names_out, but a pipeline sets every step.
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
