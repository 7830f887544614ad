"""Forecasts and their intervals, beside the observed values."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from .._compat import check_matplotlib_support
from .._forecasting.forecast import forecast
from .._forecasting.prediction import groups_of
from .._forecasting.targets import predicted_columns
from .._windows.long_table import read_long_table
from .._windows.tables import as_pandas, is_pandas
from ._panels import draw_values, label_steps, make_panels, positions, shades
from ._predictions import all_times, check_panels, is_backtest, panels_of_backtest, panels_of_forecast

HEIGHT = 2.2  # of a panel, in inches
SINGLE_HEIGHT = 3.3
FORECAST = {"color": "#00436B", "linewidth": 1.6, "linestyle": (0, (3.5, 1.2)), "zorder": 3}  # dashes, in grey too
OBSERVED = {"label": "observed", "color": "0.1", "linewidth": 0.9, "zorder": 2.5}
LABEL = {"rotation": 0, "horizontalalignment": "right", "verticalalignment": "center"}
FEW = 12  # steps, each of which has a mark


class ForecastDisplay:
    """Forecasts with their prediction intervals, beside the observed values.

    It is recommended to use :meth:`from_estimator` or :meth:`from_predictions` to create a display. All parameters are
    stored as attributes.

    Parameters
    ----------
    panels : list of dict
        The panels from top to bottom, one for each series and target. Each dict (or :class:`~sklearn.utils.Bunch`) has

        name : str, the label of the panel
        forecasts : list of dict, one for each origin, with the arrays `times` and `prediction` of shape (n_steps,), and
        with `bands`, a dict from each coverage to the arrays of lower and upper ends
        observed : tuple of the arrays `times` and `values` of shape (n_observed,), or None; missing values are NaN

        Times are numbers, dates, durations or periods, such as an index of pandas.

    step_name : str, default=None
        Label of the time axis. If None, "step" for numbers, "time (s)" for durations and "time" for other times.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the first panel.

    axes_ : list of matplotlib Axes
        Axes of all panels, from top to bottom.

    figure_ : matplotlib Figure
        Figure with the axes.

    lines_ : list of matplotlib Line2D
        The line of each forecast, panel by panel, from the first origin to the last one.

    observed_lines_ : list of matplotlib Line2D
        The line of the observed values of each panel that has any.

    bands_ : list of matplotlib PolyCollection
        The bands of each forecast in the order of `lines_`, with the widest band of a forecast first.

    legend_ : matplotlib Legend
        The legend, above the first panel.

    See Also
    --------
    sklstm.forecast : Forecasts the steps that follow a series.
    sklstm.backtest : Forecasts of the past, from many origins.
    BacktestDisplay : Errors and coverage of many forecasts.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import SeasonalNaive, SlidingWindow, to_supervised
    >>> from sklstm.datasets import load_airline
    >>> from sklstm.plotting import ForecastDisplay
    >>> passengers = load_airline().data
    >>> model = make_pipeline(SlidingWindow(12), SeasonalNaive(12)).fit(*to_supervised(passengers))
    >>> display = ForecastDisplay.from_estimator(model, passengers, steps=24)
    >>> [text.get_text() for text in display.legend_.get_texts()]
    ['observed', 'forecast']
    >>> plt.show()
    """

    def __init__(self, panels, *, step_name=None):
        self.panels = panels
        self.step_name = step_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        history,
        steps,
        *,
        coverage=None,
        target=None,
        known=None,
        future=None,
        truth=None,
        series=None,
        n_history=None,
        ax=None,
        line_kw=None,
        observed_kw=None,
        band_kw=None,
    ):
        """Create a display from a fitted model and the history of a series.

        Parameters
        ----------
        estimator : fitted regressor or pipeline
            As `model` in :func:`~sklstm.forecast`.

        history : array-like or pandas object of shape (n_samples,) or (n_samples, n_features)
            The series so far, oldest row first. The axis shows the dates of a pandas index.

        steps : int
            Number of steps to forecast.

        coverage : float or list of float, default=None
            Coverage of the prediction intervals, between 0 and 1, for a model with `predict_interval`. If None, no
            intervals are drawn.

        target : str or int, or list of them, default=None
            The columns that the model predicts, as in :func:`~sklstm.forecast`.

        known : str or int, list of them, or dict, default=None
            The columns known ahead, as in :func:`~sklstm.forecast`.

        future : array-like or DataFrame of shape (n_future, n_columns), default=None
            The future values of columns, as in :func:`~sklstm.forecast`.

        truth : array-like or pandas object, default=None
            The true values of the forecast, as in :meth:`from_predictions`.

        series : id or list of ids, default=None
            The series to draw, for a model of several series. If None, all series.

        n_history : int, default=None
            Number of rows at the end of the history to draw. If None, ``3 * steps``.

        ax : matplotlib Axes or array-like of Axes, default=None
            See :meth:`plot`.

        line_kw : dict, default=None
            See :meth:`plot`.

        observed_kw : dict, default=None
            See :meth:`plot`.

        band_kw : dict, default=None
            See :meth:`plot`.

        Returns
        -------
        display : :class:`~sklstm.plotting.ForecastDisplay`
            The display, drawn.

        Raises
        ------
        ValueError
            As in :func:`~sklstm.forecast` and :meth:`from_predictions`.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        history = as_pandas(history, "history")
        intervals = {} if coverage is None else {"coverage": coverage}
        prediction = forecast(estimator, history, steps, target=target, known=known, future=future, **intervals)
        groups = groups_of(estimator)
        if target is None and not is_pandas(prediction):  # an array names no targets, but the model may
            table = read_long_table(history, groups, "history")
            target = [table.names[column] for column in predicted_columns(estimator, table, None, "history")]
        return cls.from_predictions(
            prediction,
            history=history,
            truth=truth,
            coverage=coverage,
            target=target,
            groups=groups,
            series=series,
            n_history=n_history,
            ax=ax,
            line_kw=line_kw,
            observed_kw=observed_kw,
            band_kw=band_kw,
        )

    @classmethod
    def from_predictions(
        cls,
        prediction,
        *,
        history=None,
        truth=None,
        coverage=None,
        target=None,
        groups=None,
        series=None,
        origins=None,
        n_history=None,
        ax=None,
        line_kw=None,
        observed_kw=None,
        band_kw=None,
    ):
        """Create a display from the result of :func:`~sklstm.forecast` or :func:`~sklstm.backtest`.

        Parameters
        ----------
        prediction : array-like or DataFrame of shape (n_rows, n_columns), or :class:`~sklearn.utils.Bunch`
            The result of :func:`~sklstm.forecast`, or of :func:`~sklstm.backtest`, with forecasts from several origins
            and the true values.

        history : array-like or pandas object of shape (n_samples,) or (n_samples, n_features), default=None
            The series so far. For a backtest, the whole series, whose index has the times of the steps. A backtest
            of an array, or whose origins are periods, does not require it, nor does one whose origins are integers with
            a step of 1 from row to row, if the result shows this step: by consecutive origins or overlapping forecasts.

        truth : array-like or pandas object of shape (n_true,) or (n_true, n_columns), default=None
            True values of a forecast. The rows of a pandas object are matched by time, and the rows of an array are in
            order. Missing values are NaN. A backtest already has true values.

        coverage : float or list of float, default=None
            Coverage of the intervals to draw, as in column names such as ``demand_lower_80``. If None, all coverages.
            The columns of an array have no names. For each target, they are the point forecast, then the lower and the
            upper end for each `coverage`.

        target : str or int, or list of them, default=None
            The targets to draw. If None, all targets. An array or a backtest of one target has no target names:
            `target` then selects their columns in `history` and `truth`.

        groups : str or int, default=None
            The column or index level that identifies the series of each row, as in :func:`~sklstm.to_supervised`. A
            backtest in a DataFrame does not require it.

        series : id or list of ids, default=None
            The series to draw, if there are several. If None, all series.

        origins : label or list of labels, default=None
            The origins of a backtest to draw. If None, the latest origins whose forecasts do not overlap: six, or as
            many as cover 48 steps.

        n_history : int, default=None
            Number of rows to draw before the first forecast. If None, three times the number of steps of a forecast.

        ax : matplotlib Axes or array-like of Axes, default=None
            See :meth:`plot`.

        line_kw : dict, default=None
            See :meth:`plot`.

        observed_kw : dict, default=None
            See :meth:`plot`.

        band_kw : dict, default=None
            See :meth:`plot`.

        Returns
        -------
        display : :class:`~sklstm.plotting.ForecastDisplay`
            The display, drawn.

        Raises
        ------
        ValueError
            If there is no such target, series, origin or coverage, if the times of `prediction`, `history` and `truth`
            cannot be compared, if a backtest requires `history`, or if there would be more than twelve panels.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> import pandas as pd
        >>> from sklstm.plotting import ForecastDisplay
        >>> history = pd.DataFrame({"demand": [5.0, 6.0, 4.0, 7.0]}, pd.period_range("2024-01", periods=4, freq="M"))
        >>> prediction = pd.DataFrame(
        ...     {"demand": [6.0, 5.0], "demand_lower_80": [5.0, 3.0], "demand_upper_80": [7.0, 7.0]},
        ...     index=pd.period_range("2024-05", periods=2, freq="M"),
        ... )
        >>> display = ForecastDisplay.from_predictions(prediction, history=history, truth=[6.5, 4.0])
        >>> [text.get_text() for text in display.legend_.get_texts()]
        ['observed', 'forecast', '80 % interval']
        >>> plt.show()
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        if n_history is not None:
            check_scalar(n_history, "n_history", Integral, min_val=0)
        prediction, history = as_pandas(prediction, "prediction"), as_pandas(history, "history")
        chosen = {"coverage": coverage, "target": target, "groups": groups, "series": series, "n_history": n_history}
        if is_backtest(prediction):
            if truth is not None:
                raise ValueError("prediction is the result of a backtest, which has its true values. Leave truth out.")
            panels = panels_of_backtest(prediction, history=history, origins=origins, **chosen)
        elif origins is not None:
            raise ValueError("prediction is not the result of a backtest, so it has one origin. Leave origins out.")
        else:
            panels = panels_of_forecast(prediction, history=history, truth=truth, **chosen)
        return cls(panels).plot(ax, line_kw=line_kw, observed_kw=observed_kw, band_kw=band_kw)

    def plot(self, ax=None, *, line_kw=None, observed_kw=None, band_kw=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to draw in: one for each panel, or one of a grid of subplots, which is then divided. If None, a new
            figure is made.

        line_kw : dict, default=None
            Keyword arguments for matplotlib's `plot`, for the forecasts.

        observed_kw : dict, default=None
            Keyword arguments for matplotlib's `plot`, for the observed values.

        band_kw : dict, default=None
            Keyword arguments for matplotlib's `fill_between`. By default, bands have one hue, and bands of a larger
            coverage are lighter.

        Returns
        -------
        display : :class:`~sklstm.plotting.ForecastDisplay`
            The display.

        Raises
        ------
        ValueError
            If there is no panel or there are more than twelve, or if `ax` has the wrong number of axes or cannot be
            divided.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        panels = check_panels(self.panels)
        times = all_times(panels)
        heights = [SINGLE_HEIGHT if len(panels) == 1 else HEIGHT] * len(panels)
        self.axes_ = make_panels(ax, heights, times)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        self.lines_, self.observed_lines_, self.bands_ = [], [], []
        levels = sorted({level for panel in panels for one in panel.forecasts for level in one.bands})
        styles = {
            level: {"facecolor": color, "linewidth": 0, "zorder": 1 - level} | (band_kw or {})
            for level, color in zip(levels, shades(len(levels)), strict=True)
        }
        width = _width(times)
        for axes, panel in zip(self.axes_, panels, strict=True):
            if panel.observed is not None:
                style = OBSERVED | (observed_kw or {})
                self.observed_lines_.append(draw_values(axes, *panel.observed, panel.name, **style))
            axes.set_ylabel(panel.name, **LABEL)
            limits = _limits(panel)
            for one in panel.forecasts:
                self._draw_forecast(axes, one, width, limits, styles, line_kw or {})
                if len(panel.forecasts) > 1 and len(one.times) > 1:
                    border = positions(one.times)[0] - width / 2
                    axes.axvline(border, color="0.75", linewidth=0.8, linestyle=":", zorder=0)
            if limits is not None:
                axes.set_ylim(*limits)
        label_steps(self.axes_, times, self.step_name)
        self._draw_legend()
        return self

    def _draw_forecast(self, axes, one, width: float, limits, styles: dict[float, dict], line_kw: dict) -> None:
        """Draw the line of a forecast and its bands, the widest one first."""
        at = positions(one.times)
        for level in sorted(one.bands, reverse=True):
            label = {"label": f"{100 * level:g} % interval"}
            self.bands_.append(_draw_band(axes, at, width, one.bands[level], limits, **label | styles[level]))
        marks = {"marker": "o", "markersize": 3.5} if len(at) <= FEW else {}
        self.lines_ += axes.plot(at, one.prediction, **{"label": "forecast"} | FORECAST | marks | line_kw)

    def _draw_legend(self) -> None:
        """Draw a legend of the different artists above the first panel."""
        drawn = [*self.observed_lines_[:1], *self.lines_[:1], *self.bands_[::-1]]
        handles = list({artist.get_label(): artist for artist in drawn}.values())
        place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
        self.legend_ = self.ax_.legend(handles=handles, ncols=len(handles), frameon=False, fontsize="small", **place)


def _width(times) -> float:
    """Return the width of a step."""
    between = np.diff(positions(times))
    return float(np.median(between)) if len(between) else 1.0


def _draw_band(axes, at: np.ndarray, width: float, ends: tuple, limits: tuple | None, **style) -> Any:
    """Draw a band; a step alone is nearly as wide as a step, and what has no end reaches the border of the panel."""
    lower, upper = (np.asarray(end, dtype=float) for end in ends)
    if limits is not None:
        margin = 10 * (limits[1] - limits[0])
        lower, upper = (np.clip(end, limits[0] - margin, limits[1] + margin) for end in (lower, upper))
    known = ~(np.isnan(lower) | np.isnan(upper))
    around = np.concatenate([[False], known, [False]])
    alone = known & ~around[:-2] & ~around[2:]
    ends_of = np.repeat(
        np.arange(len(at)), np.where(alone, 2, 1)
    )  # a step without neighbours has a left and a right end
    sides = np.zeros(len(ends_of))
    first = np.flatnonzero(alone) + np.arange(alone.sum())
    sides[first], sides[first + 1] = -0.4, 0.4
    at, lower, upper, known = (values[ends_of] for values in (at, lower, upper, known))
    at = at + sides * width
    return axes.fill_between(at, lower, upper, where=known, **style)


def _limits(panel) -> tuple[float, float] | None:
    """Return the limits of the axis of values if a band has no end, and None if matplotlib finds them."""
    ends = [np.ravel(end) for one in panel.forecasts for band in one.bands.values() for end in band]
    if not ends or not np.isinf(np.concatenate(ends)).any():
        return None
    parts = [np.asarray(one.prediction, dtype=float) for one in panel.forecasts] + ends
    parts += [] if panel.observed is None else [np.asarray(panel.observed[1], dtype=float)]
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    margin = 0.1 * (high - low) or 1.0
    return float(low - margin), float(high + margin)
