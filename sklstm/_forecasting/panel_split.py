"""Cross-validation of many series."""

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import TimeSeriesSplit
from sklearn.utils.validation import check_array, check_consistent_length

from .._windows.panel import Panel, panel_of_ids, read_panel
from .._windows.tables import as_pandas, is_pandas


class PanelTimeSeriesSplit(TimeSeriesSplit):
    """Time series cross-validator that splits all series at the same times.

    Each test set contains the rows of all series at consecutive times, and its training set the rows at earlier times.
    In contrast, :class:`~sklearn.model_selection.TimeSeriesSplit` splits by row, and would train on one series and test
    on the next.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits. Must be at least 2.

    groups : str or int, default=None
        The column or index level that identifies the series of each row, as in :class:`SlidingWindow`. If None, the
        `groups` passed to `split` are used, as from :func:`~sklearn.model_selection.cross_val_score`. Without either,
        all rows are one series.

    max_train_size : int, default=None
        Maximum number of times in a training set, which keeps the latest ones. If None, there is no maximum.

    test_size : int, default=None
        Number of times in each test set. If None, ``n_times // (n_splits + 1)``.

    gap : int, default=0
        Number of times between a training set and its test set. For targets up to `horizon` steps ahead, set
        ``gap=horizon - 1`` to keep training targets out of the test set.

    See Also
    --------
    backtest : Forecasts from a rolling origin.
    sklearn.model_selection.TimeSeriesSplit : Splits the rows of one series.

    Notes
    -----
    Times are read from the index. Without times, rows are counted backwards from the last row of each series, so that
    all series end at the same time.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklstm import PanelTimeSeriesSplit
    >>> days = pd.date_range("2024-01-01", periods=4)
    >>> X = pd.DataFrame({"shop": ["a"] * 4 + ["b"] * 3, "sales": range(7)}, index=days.append(days[1:]))
    >>> for train, test in PanelTimeSeriesSplit(n_splits=2, groups="shop", test_size=1).split(X):
    ...     print(train, test)
    [0 1 4] [2 5]
    [0 1 2 4 5] [3 6]
    """

    __metadata_request__split = {"groups": True}  # for scikit-learn's metadata routing

    def __init__(self, n_splits=5, *, groups=None, max_train_size=None, test_size=None, gap=0):
        super().__init__(n_splits, max_train_size=max_train_size, test_size=test_size, gap=gap)
        self.groups = groups

    def split(self, X, y=None, groups=None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the positions of the training rows and of the test rows of each split.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            The table. A column or an index level identifies the series, or `groups` does.

        y : array-like
            Ignored.

        groups : array-like of shape (n_samples,), default=None
            The series of each row. Only allowed if the parameter `groups` is None.

        Yields
        ------
        train : ndarray
            Positions of the training rows.

        test : ndarray
            Positions of the test rows.

        Raises
        ------
        ValueError
            If there are too few times for `n_splits`, if `X` is invalid as in :class:`SlidingWindow`, or if both
            `groups` are given.
        """
        steps = self._panel(X, groups).steps
        for train, test in super().split(np.arange(steps.max() + 1)):
            yield np.flatnonzero(np.isin(steps, train)), np.flatnonzero(np.isin(steps, test))

    def _panel(self, X, groups) -> Panel:
        """Return which series each row belongs to."""
        if groups is not None and self.groups is not None:
            raise ValueError(
                f"The series are given twice, by PanelTimeSeriesSplit(groups={self.groups!r}) and by groups of split."
            )
        table = as_pandas(X, "X")
        if not is_pandas(table):
            table = check_array(X, dtype=None, ensure_all_finite="allow-nan")
        if groups is None:
            return read_panel(table, self.groups, "X")
        check_consistent_length(table, groups)
        return panel_of_ids(table, groups, "X")
