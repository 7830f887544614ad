"""Sliding windows over a series that keep its rows."""

from collections.abc import Iterator
from numbers import Integral

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from .._compat import Interval, StrOptions, check_feature_names_in, fit_context
from .._state import VersionedEstimator, all_at_once, as_one_task, of_one_fit
from .._validation import check_numeric, check_table
from .arrays import window_view
from .carried import Carried
from .panel import Panel, read_panel
from .tables import as_pandas, is_pandas, without_column
from .windows import windows_of_panel


def _is_flat(estimator: "SlidingWindow") -> bool:
    return estimator.flatten


def _series(table: np.ndarray, panel: Panel) -> Iterator[tuple]:
    """Yield the id, the rows and the times of each series."""
    for number, start in enumerate(panel.starts):
        rows = panel.order[start : start + panel.sizes[number]]
        yield panel.ids[number], table[rows], None if panel.times is None else panel.times[rows]


class SlidingWindow(TransformerMixin, VersionedEstimator):
    """Turn each row of a series into the window of rows that ends with it.

    Row ``t`` becomes the rows ``t - window_size + 1, ..., t``. There are as many windows as rows, so ``y`` stays
    aligned in a :class:`~sklearn.pipeline.Pipeline`.

    Parameters
    ----------
    window_size : int, default=10
        Number of rows in a window. It may exceed the length of the series.

    groups : str or int, default=None
        The column or index level that identifies the series of each row, if there are several: a name in a DataFrame,
        or the position of a column in an array. Windows never span two series. The series may come in any order, even
        interleaved, as long as time increases within each. The column is not a feature.

    pad : {"missing", "edge"}, default="missing"
        Padding before the first row: missing values (NaN), which :class:`LSTMForecaster` masks, or copies of the first
        row.

    carry_over : bool, default=False
        Whether the first windows of `transform` include the last rows of `fit` if `X` follows them, as the test fold of
        a :class:`~sklearn.model_selection.TimeSeriesSplit` follows its training fold. The Notes describe gaps.

    flatten : bool, default=False
        Whether to concatenate the rows of a window, oldest first, for estimators that expect 2-D input.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen during `fit`, if they are all strings.

    See Also
    --------
    LSTMForecaster : Forecasts from windows.
    to_supervised : Makes the aligned target.

    Notes
    -----
    With ``flatten=False``, the windows are a read-only view of one padded copy of the series. The copy is float32 if
    the series is float32, and float64 otherwise. Memory does not grow with ``window_size``.

    A window consists of adjacent rows. The rows of a pandas object with an index of integers, dates, periods or
    durations must therefore be in the order of time, each time once. A warning is raised if the times have no regular
    step. The rows of an array are assumed to be in order. Do not use a search that shuffles rows, such as
    :class:`~sklearn.model_selection.HalvingGridSearchCV` with its default ``resource="n_samples"``: the shuffling
    cannot be detected.

    ``carry_over=True`` keeps a copy of the fitted rows. If both the fitted rows and the rows to transform are pandas
    objects with an index of integers, dates, periods or durations, the index determines the gap between them. A row
    ``k`` steps after the last fitted row is preceded by ``k - 1`` missing steps. Rows that start inside or before the
    fitted range get no carry-over. The index is lost after a step that returns arrays;
    ``pipeline.set_output(transform="pandas")`` keeps it. Without an index, the rows are assumed to follow the fitted
    rows directly, unless they are the same series again: as many rows as a window or as were fitted, which equal the
    fitted rows over their common length. If dates have no frequency, or do not lie a whole number of steps after the
    fitted rows, a warning tells the gap that is assumed.

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
        "groups": [str, Integral, None],
        "pad": [StrOptions({"missing", "edge"})],
        "carry_over": ["boolean"],
        "flatten": ["boolean"],
    }

    def __init__(self, window_size=10, *, groups=None, pad="missing", carry_over=False, flatten=False):
        self.window_size = window_size
        self.groups = groups
        self.pad = pad
        self.carry_over = carry_over
        self.flatten = flatten

    @fit_context(prefer_skip_nested_validation=True)
    @all_at_once
    @as_one_task
    def fit(self, X, y=None):
        """Store the features and, with ``carry_over=True``, the rows.

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
            If `X` is not a numeric table with at least one row and column, or holds infinity. If its index has several
            levels, or its times do not increase.

        Warns
        -----
        UserWarning
            If the times of the index have no regular step. The rows are then treated as adjacent.
        """
        table, panel = self._check_series(X, reset=True)
        self._id_column, self._has_integer_times = panel.column, len(panel.ids) > 1 and panel.has_integer_times
        self._carried = None
        if self.carry_over:
            self._carried = {id_: Carried(*rows) for id_, *rows in _series(table, panel)}
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
        windows : ndarray or Windows of shape (n_samples, window_size, n_features)
            Read-only windows. With `groups`, windows are built on indexing or by ``numpy.asarray``. With
            ``flatten=True``, an array of shape (n_samples, window_size * n_features), or a DataFrame if selected with
            `set_output`.

        Raises
        ------
        ValueError
            If `X` has other columns than in `fit`, or is invalid as in `fit`. With ``carry_over=True``, also if its
            times cannot be compared with the times in `fit`.

        Warns
        -----
        UserWarning
            As in `fit`. With ``carry_over=True``, also if the number of rows between `fit` and `X` is unknown, since
            the dates have no frequency.
        """
        check_is_fitted(self)
        table, panel = self._check_series(X, reset=False)
        pasts = [self._past(*series) for series in _series(table, panel)] if self.carry_over else None
        if self.groups is None:
            windows = window_view(self._padded(table, pasts), self.window_size)
        else:
            windows = windows_of_panel(table, panel, pasts, self.window_size, pad_edge=self.pad == "edge")
        return np.asarray(windows).reshape(len(windows), -1) if self.flatten else windows

    def _check_series(self, X, *, reset: bool) -> tuple[np.ndarray, Panel]:
        """Return the features, and which series the rows belong to."""
        if self.groups is None:
            return check_table(self, X, reset=reset), read_panel(X, None, "X")
        validate_data(self, X, reset=reset, skip_check_array=True)
        rows = as_pandas(X, "X")
        if not is_pandas(rows):
            rows = check_array(X, dtype=None, ensure_all_finite="allow-nan", estimator=self)
        panel = read_panel(rows, self.groups, "X", integers_are_times=not reset and self._has_integer_times)
        return check_numeric(without_column(rows, panel.column), name="X", estimator=self), panel

    def _padded(self, table: np.ndarray, pasts: list[np.ndarray] | None) -> np.ndarray:
        """Return the rows of one series, and before them those that their first window reaches back to."""
        past = pasts[0] if pasts else table[:0]
        first = np.nan if self.pad == "missing" else np.concatenate([past, table[:1]])[0]
        padding = np.full((self.window_size - 1 - len(past), table.shape[1]), first, dtype=table.dtype)
        return np.concatenate([padding, past, table])

    def _past(self, id_, table: np.ndarray, times) -> np.ndarray:
        """Return the fitted rows before those of a series that its first window reaches back to."""
        if self._carried is None:
            raise ValueError("carry_over=True was set after fit, which did not keep the rows. Fit again.")
        carried = self._carried.get(id_)
        gap = None if carried is None else carried.gap(table, times, self.window_size)
        if gap is None:
            return table[:0]
        missing = np.full((gap, table.shape[1]), np.nan)
        past = np.concatenate([carried.rows[-self.window_size :], missing], dtype=table.dtype)
        return past[max(len(past) - self.window_size + 1, 0) :]

    @available_if(_is_flat)
    def get_feature_names_out(self, input_features=None):
        """Return a name such as ``sales_lag3`` for each column.

        Only available with ``flatten=True``.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the features. If None, the names seen in `fit` or, without names, ``x0, x1, ...``.

        Returns
        -------
        names : ndarray of shape (window_size * n_features,), dtype object
            Names of the columns, without the column of `groups`. ``lag0`` is the last row of the window.
        """
        check_is_fitted(self)
        features = list(check_feature_names_in(self, input_features))
        if self._id_column is not None:
            del features[self._id_column]
        steps = range(self.window_size - 1, -1, -1)
        return np.array([f"{feature}_lag{step}" for step in steps for feature in features], dtype=object)

    def set_output(self, *, transform=None):
        """Set the container of the output. With ``flatten=False``, the output is always an array.

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

    def __getstate__(self):
        state = super().__getstate__()
        if state.get("_carried"):  # as lists, since keys in a file of skops are texts
            carried = state["_carried"].items()
            state["_carried"] = [[id_, series.to_plain()] for id_, series in carried]
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if getattr(self, "_carried", None):
            self._carried = {id_: Carried.from_plain(plain) for id_, plain in self._carried}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
