"""Cross-validation of many series."""

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import TimeSeriesSplit
from sklearn.utils.validation import check_array, check_consistent_length

from .._windows.panel import Panel, panel_of_ids, read_panel
from .._windows.tables import as_pandas, is_pandas


class PanelTimeSeriesSplit(TimeSeriesSplit):
    """Cross-validator that cuts all series at the same times.

    Each split tests on the rows of some times, whatever series they belong to, and trains on those of earlier times.
    scikit-learn's :class:`~sklearn.model_selection.TimeSeriesSplit` cuts between rows, which would train on one series
    and test on the next.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits. Must be at least 2.

    groups : str or int, default=None
        What tells the series of each row, as in :class:`SlidingWindow`. If None, it is `groups` of `split`, which
        :func:`~sklearn.model_selection.cross_val_score` passes on, or else all rows are one series.

    max_train_size : int, default=None
        The most times in a training set, the latest ones; all, if None.

    test_size : int, default=None
        Number of times in each test set; those of the whole table over ``n_splits + 1``, if None.

    gap : int, default=0
        Number of times between a training set and its test set. With a target that reaches `horizon` steps ahead,
        ``gap=horizon - 1`` keeps the targets that are trained on apart from those of the test.

    See Also
    --------
    backtest : Forecasts from a rolling origin.
    sklearn.model_selection.TimeSeriesSplit : The same for one series.

    Notes
    -----
    Times are those of the index. Rows without times are counted from the last row of each series back, so that all
    series end at the same time.

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
        """Yield the rows to train on and the rows to test on of each split.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            The table, with the ids in a column or a level of the index.

        y : array-like
            Ignored.

        groups : array-like of shape (n_samples,), default=None
            The series of each row; only if the parameter `groups` is None.

        Yields
        ------
        train : ndarray
            Positions of the training rows.

        test : ndarray
            Positions of the test rows.

        Raises
        ------
        ValueError
            If there are too few times for so many splits, if `X` is invalid as in :class:`SlidingWindow`, or if the
            series are given twice.
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
