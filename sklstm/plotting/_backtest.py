"""Errors and coverage of a backtest, by step ahead and over time."""

from itertools import cycle
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._compat import check_matplotlib_support
from .._forecasting.backtest import backtest
from .._windows.tables import as_pandas
from .._windows.time_index import as_times
from ._panels import label_steps, make_grid, positions, time_name
from ._predictions import Backtest, choose, read_backtest

MAX_BINS = 40  # of origins: the mean of many rows each
FEW = 40  # points of a line, of which each has a mark
ERROR = {"color": "0.1", "linewidth": 1.2}
COLOR = "#0072B2"
MARKERS = "os^Dv"  # of levels of coverage, which one hue leaves alike
HEIGHT = 2.4


class BacktestDisplay:
    """Mean absolute error and empirical coverage of a backtest, by step ahead and over time.

    It is recommended to use :meth:`from_estimator` or :meth:`from_predictions` to create a display. All parameters are
    stored as attributes.

    Parameters
    ----------
    by_step : dict
        Values by step ahead: the arrays `steps` and `error` of shape (n_steps,), and `coverage`, a dict from each
        nominal coverage to an array of empirical coverages. Unknown values are NaN.

    by_origin : dict
        Values over time: the same arrays for groups of adjacent origins. `steps` has the middle origin of each group,
        as numbers, dates, durations or periods.

    target_name : str, default=None
        Name of the target, for the label of the errors.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (1, 2) or (2, 2)
        Axes of the panels: errors in the first row, coverage in the second one if there are intervals; by step ahead in
        the first column, over time in the second one.

    figure_ : matplotlib Figure
        Figure with the axes.

    error_lines_ : list of matplotlib Line2D
        The mean absolute error by step ahead, and over time.

    coverage_lines_ : list of matplotlib Line2D
        The empirical coverage: by step ahead for each nominal coverage, smallest first, then over time.

    nominal_lines_ : list of matplotlib Line2D
        The dashed line of each nominal coverage, in the order of `coverage_lines_`.

    legend_ : matplotlib Legend or None
        The legend of the coverage, if there are intervals.

    See Also
    --------
    sklstm.backtest : Forecasts of the past, from many origins.
    sklstm.metrics.interval_coverage : Computes the coverage.
    ForecastDisplay : Forecasts from some origins.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import SeasonalNaive, SlidingWindow
    >>> from sklstm.datasets import load_airline
    >>> from sklstm.plotting import BacktestDisplay
    >>> model = make_pipeline(SlidingWindow(12), SeasonalNaive(12))
    >>> display = BacktestDisplay.from_estimator(
    ...     model, load_airline().data, horizon=12, backtest_params={"refit_every": 12}
    ... )
    >>> display.axes_.shape
    (1, 2)
    >>> plt.show()
    """

    def __init__(self, by_step, by_origin, *, target_name=None):
        self.by_step = by_step
        self.by_origin = by_origin
        self.target_name = target_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        data,
        horizon=1,
        *,
        coverage=None,
        backtest_params=None,
        target=None,
        series=None,
        ax=None,
        line_kw=None,
        nominal_kw=None,
    ):
        """Create a display from a model and a series.

        Parameters
        ----------
        estimator : regressor or pipeline
            As `model` in :func:`~sklstm.backtest`.

        data : array-like or pandas object of shape (n_samples,) or (n_samples, n_features)
            As `series` in :func:`~sklstm.backtest`.

        horizon : int, default=1
            Number of steps to forecast from each origin.

        coverage : float or list of float, default=None
            Coverage of the prediction intervals, between 0 and 1, for a model with `predict_interval`. If None, no
            coverage is drawn.

        backtest_params : dict, default=None
            Other arguments of :func:`~sklstm.backtest`, such as ``{"stride": 24, "refit_every": 7}``.

        target : str or int, default=None
            See :meth:`from_predictions`.

        series : id or list of ids, default=None
            See :meth:`from_predictions`.

        ax : matplotlib Axes or array-like of Axes, default=None
            See :meth:`plot`.

        line_kw : dict, default=None
            See :meth:`plot`.

        nominal_kw : dict, default=None
            See :meth:`plot`.

        Returns
        -------
        display : :class:`~sklstm.plotting.BacktestDisplay`
            The display, drawn.

        Raises
        ------
        ValueError
            As in :func:`~sklstm.backtest` and :meth:`from_predictions`.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        params = (backtest_params or {}) | ({} if coverage is None else {"coverage": coverage})
        result = backtest(estimator, data, horizon, **params)
        return cls.from_predictions(result, target=target, series=series, ax=ax, line_kw=line_kw, nominal_kw=nominal_kw)

    @classmethod
    def from_predictions(
        cls, result, *, coverage=None, target=None, series=None, ax=None, line_kw=None, nominal_kw=None
    ):
        """Create a display from the result of a backtest.

        Parameters
        ----------
        result : DataFrame of shape (n_forecasts, n_columns) or :class:`~sklearn.utils.Bunch`
            The result of :func:`~sklstm.backtest`. Rows with a missing true value or prediction (NaN) are ignored.

        coverage : float or list of float, default=None
            Coverage of the intervals to draw, as in column names such as ``lower_80``. If None, all coverages.

        target : str or int, default=None
            The target to draw, if the backtest has several: errors in different units cannot be averaged. For a
            backtest of one target, its name for the label of the axis.

        series : id or list of ids, default=None
            The series to include, if there are several. If None, all series.

        ax : matplotlib Axes or array-like of Axes, default=None
            See :meth:`plot`.

        line_kw : dict, default=None
            See :meth:`plot`.

        nominal_kw : dict, default=None
            See :meth:`plot`.

        Returns
        -------
        display : :class:`~sklstm.plotting.BacktestDisplay`
            The display, drawn.

        Raises
        ------
        ValueError
            If `result` is not the result of a backtest, if there is no such target, series or coverage, or if no row
            has both a true value and a prediction.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> import pandas as pd
        >>> from sklstm.plotting import BacktestDisplay
        >>> result = pd.DataFrame(
        ...     {
        ...         "origin": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-01-02", "2024-01-02"]),
        ...         "step": [1, 2, 1, 2],
        ...         "truth": [5.0, 7.0, 6.0, 4.0],
        ...         "prediction": [5.0, 6.0, 5.0, 5.0],
        ...         "lower_80": [4.0, 4.0, 4.0, 3.0],
        ...         "upper_80": [6.0, 8.0, 5.5, 7.0],
        ...     }
        ... )
        >>> display = BacktestDisplay.from_predictions(result)
        >>> display.by_step["coverage"]
        {0.8: array([0.5, 1. ])}
        >>> plt.show()
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        rows = read_backtest(as_pandas(result, "result"), coverage)
        if rows.target is not None:
            names = list(dict.fromkeys(rows.target.tolist()))
            if target is None and len(names) > 1:
                raise ValueError(f"The backtest has the targets {names}. Choose one with target=.")
            if len(names := choose(names, target, "target")) > 1:
                raise ValueError(f"target must be one of the targets. Got {target!r}.")
            target, rows = names[0], rows.of(rows.target == names[0])
        if rows.series is not None and series is not None:
            rows = rows.of(np.isin(rows.series, choose(list(dict.fromkeys(rows.series.tolist())), series, "series")))
        if not (~np.isnan(rows.truth - rows.prediction)).any():
            raise ValueError("result has no row with both a truth and a prediction.")
        steps, step = np.unique(rows.step, return_inverse=True)
        origins, bins = _bins_of_origins(rows.origin)
        return cls(
            Bunch(steps=steps, **_means(rows, step, len(steps))),
            Bunch(steps=origins, **_means(rows, bins, len(origins))),
            target_name=None if target is None else str(target),
        ).plot(ax, line_kw=line_kw, nominal_kw=nominal_kw)

    def plot(self, ax=None, *, line_kw=None, nominal_kw=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to draw in: one for each panel, or one of a grid of subplots, which is then divided. If None, a new
            figure is made.

        line_kw : dict, default=None
            Keyword arguments for matplotlib's `plot`, for errors and coverage.

        nominal_kw : dict, default=None
            Keyword arguments for matplotlib's `axhline`, for the nominal coverage.

        Returns
        -------
        display : :class:`~sklstm.plotting.BacktestDisplay`
            The display.

        Raises
        ------
        ValueError
            If `ax` has the wrong number of axes, or cannot be divided.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        levels = sorted(self.by_step["coverage"])
        self.axes_ = make_grid(ax, [HEIGHT] * (2 if levels else 1), 2, width=9)
        self.figure_ = self.axes_[0, 0].figure
        self.error_lines_, self.coverage_lines_, self.nominal_lines_, self.legend_ = [], [], [], None
        for column, (means, name) in enumerate([(self.by_step, "step ahead"), (self.by_origin, "origin")]):
            top = self.axes_[0, column]
            self.error_lines_.append(_draw_line(top, means["steps"], means["error"], "o", **ERROR | (line_kw or {})))
            top.set_ylim(bottom=0)
            if levels:
                self._draw_coverage(self.axes_[1, column], means, levels, line_kw or {}, nominal_kw or {})
            label_steps(list(self.axes_[:, column]), means["steps"], time_name(means["steps"], name))
        error = "mean absolute error"
        self.axes_[0, 0].set_ylabel(error if self.target_name is None else f"{error}\nof {self.target_name}")
        for row in self.axes_:  # the same scale left and right
            lows, highs = zip(*(axes.get_ylim() for axes in row), strict=True)
            for axes in row:
                axes.set_ylim(min(lows), max(highs))
        if levels:
            self.axes_[1, 0].set_ylabel("coverage")
            self._draw_legend(len(levels))
        return self

    def _draw_coverage(self, axes, means, levels: list[float], line_kw: dict, nominal_kw: dict) -> None:
        from matplotlib.ticker import PercentFormatter

        for level, marker in zip(levels, cycle(MARKERS), strict=False):
            style = {"color": COLOR, "linewidth": 1.2, "label": f"{100 * level:g} % interval"}
            empirical = means["coverage"][level]
            self.coverage_lines_.append(_draw_line(axes, means["steps"], empirical, marker, **style | line_kw))
            nominal = {"color": "0.35", "linewidth": 0.9, "linestyle": "--", "zorder": 1}
            self.nominal_lines_.append(axes.axhline(level, **nominal | nominal_kw))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.set_ylim(top=1.02)

    def _draw_legend(self, n_levels: int) -> None:
        """Draw a legend beside the coverage, in the order of the lines from top to bottom."""
        handles = [*self.coverage_lines_[n_levels - 1 :: -1], self.nominal_lines_[0]]
        names = [*(line.get_label() for line in handles[:-1]), "nominal"]
        place = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
        self.legend_ = self.axes_[1, 1].legend(handles, names, frameon=False, fontsize="small", **place)


def _draw_line(axes, steps, values: np.ndarray, marker: str, **style) -> Any:
    """Draw a line, with marks if there are few points."""
    marks = {"marker": marker, "markersize": 3.5} if len(values) <= FEW else {}
    (line,) = axes.plot(positions(steps), values, **marks | style)
    return line


def _bins_of_origins(origin) -> tuple[Any, np.ndarray]:
    """Return the origin in the middle of each bin of adjacent origins, and the bin of each row."""
    if isinstance(origin, np.ndarray):
        different, code = np.unique(origin, return_inverse=True)
    else:
        code, different = origin.factorize(sort=_is_sortable(origin))
    n_bins = min(MAX_BINS, len(different))
    bins = np.arange(len(different)) * n_bins // len(different)
    middle = [int(np.flatnonzero(bins == one).mean()) for one in range(n_bins)]
    if not isinstance(origin, np.ndarray) and not _is_sortable(origin):
        return np.array(middle), bins[code]  # origins without a time are numbered
    return different[middle], bins[code]


def _is_sortable(origin) -> bool:
    """Tell whether the labels of origins are times."""
    return as_times(origin) is not None


def _means(rows: Backtest, group: np.ndarray, n_groups: int) -> dict[str, Any]:
    """Return the mean absolute error and the coverage of each level, in groups of rows; NaN in one without any."""

    def mean(values) -> np.ndarray:
        known = ~np.isnan(values)
        counts = np.bincount(group[known], minlength=n_groups)
        sums = np.bincount(group[known], values[known], minlength=n_groups)
        return np.divide(sums, counts, out=np.full(n_groups, np.nan), where=counts > 0)

    coverage = {}
    for level, (lower, upper) in rows.ends.items():
        inside = ((lower <= rows.truth) & (rows.truth <= upper)).astype(float)
        coverage[level] = mean(np.where(np.isnan(rows.truth) | np.isnan(lower) | np.isnan(upper), np.nan, inside))
    return {"error": mean(np.abs(rows.truth - rows.prediction)), "coverage": coverage}
