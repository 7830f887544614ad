"""The relevance of each step and feature for a prediction."""

from html import escape
from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length

from .._compat import check_matplotlib_support
from ._inputs import last_step, read_window
from ._panels import (
    are_characters,
    are_tokens,
    draw_mesh,
    draw_values,
    edges,
    label_steps,
    make_panels,
    mark_missing,
    name_features,
    positions,
)

RAISES, LOWERS = "#D55E00", "#0072B2"  # colour-blind readers tell them apart, and none needs to: bars have directions
RGB = {True: "213,94,0", False: "0,114,178"}  # the same, by whether they raise the prediction
VALUE_HEIGHT, BAR_HEIGHT = 1.0, 1.3  # of panels, in inches
SMALL = 0.05  # of the largest relevance: less is not underlined


class RelevanceDisplay:
    """Relevance of each step and feature for one prediction, below the window.

    A positive relevance raises the prediction above the prediction for the baseline, and a negative relevance lowers
    it. The relevances of all steps and features sum to the difference between the two predictions.

    It is recommended to use :meth:`from_estimator` to create a display. All parameters are stored as attributes.
    Notebooks also show a display of tokens as coloured text.

    Parameters
    ----------
    relevance : array-like of shape (n_steps, n_features)
        The relevance for one prediction: a row of the result of `input_relevance`.

    values : array-like of shape (n_steps, n_features), default=None
        The window to draw above the relevance. Missing values are NaN.

    steps : array-like of shape (n_steps,), default=None
        The steps: numbers, dates, durations or periods, such as a pandas index, or the tokens of a text. If None,
        positions from 0.

    feature_names : list of str of length n_features, default=None
        Names of the features.

    output_name : str, default=None
        Name of the output, for the title.

    unit : str, default=None
        Unit of the prediction and of the relevance.

    step_name : str, default=None
        Label of the time axis. If None, "step", "time", "time (s)", "character" or "token", depending on `steps`:
        durations are shown in seconds.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        All axes, from top to bottom.

    figure_ : matplotlib Figure
        Figure with the axes.

    bars_ : list of matplotlib BarContainer
        The bars of each feature, with ``kind="bar"``.

    lines_ : list of matplotlib Line2D
        The line of each feature of the window.

    mesh_ : matplotlib QuadMesh or None
        The heat map, with ``kind="heatmap"``. Its array has a row for each feature.

    See Also
    --------
    GatesDisplay : Gates and states of an LSTM layer over time.
    sklearn.inspection.permutation_importance : Importance of each feature for the score of a model.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from sklstm.plotting import RelevanceDisplay
    >>> relevance = np.array([[0.0, 0.1], [-0.2, 0.0], [0.5, 0.1]])
    >>> window = np.array([[20.0, 0.0], [18.0, 0.0], [25.0, 1.0]])
    >>> display = RelevanceDisplay(relevance, values=window, feature_names=["temperature", "holiday"]).plot()
    >>> display.axes_[0].get_title()
    'Relevance, +0.5 in all'
    >>> plt.show()

    A text as HTML:

    >>> html = RelevanceDisplay([[0.3], [-0.1]], steps=["good", "film"]).to_html()
    """

    def __init__(
        self,
        relevance,
        *,
        values=None,
        steps=None,
        feature_names=None,
        output_name=None,
        unit=None,
        step_name=None,
    ):
        self.relevance = relevance
        self.values = values
        self.steps = steps
        self.feature_names = feature_names
        self.output_name = output_name
        self.unit = unit
        self.step_name = step_name

    @classmethod
    def from_estimator(
        cls, estimator, X, *, output=None, row=-1, ax=None, kind="bar", line_kw=None, bar_kw=None, mesh_kw=None
    ):
        """Create a display from a fitted estimator and its input.

        Parameters
        ----------
        estimator : estimator instance
            A fitted LSTM estimator with `input_relevance`, or a fitted :class:`~sklearn.pipeline.Pipeline` that ends
            with one.

        X : array-like or list of str
            Input as in `predict` of the estimator: the series for a pipeline with :class:`~sklstm.SlidingWindow`, or
            windows, or documents. For a series, the axis shows the dates of a pandas index. Above the relevance is the
            window that the last step of the pipeline reads.

        output : int, str or class label, default=None
            The position of the output, its name, or the class. If None, the first output, or the predicted class.

        row : int, default=-1
            The row of `X` whose prediction is explained.

        ax : matplotlib Axes or array-like of Axes, default=None
            See :meth:`plot`.

        kind : {"bar", "heatmap"}, default="bar"
            See :meth:`plot`.

        line_kw : dict, default=None
            See :meth:`plot`.

        bar_kw : dict, default=None
            See :meth:`plot`.

        mesh_kw : dict, default=None
            See :meth:`plot`.

        Returns
        -------
        display : :class:`~sklstm.plotting.RelevanceDisplay`
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        AttributeError
            If the estimator has no `input_relevance`.
        ValueError
            If there is no such output or row, or if `X` is invalid as in `predict`.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        _check_kind(kind)
        model = last_step(estimator, "input_relevance")
        shown = read_window(estimator, X, row)
        is_classifier = hasattr(model, "classes_")
        if output is None:
            output = model.predict(shown.windows)[0] if is_classifier else 0
        relevance = model.input_relevance(shown.windows, output=output)
        return cls(
            relevance[0, shown.first :],
            values=shown.values,
            steps=shown.steps,
            feature_names=shown.feature_names,
            output_name=_output_name(model, output),
            unit="probability" if is_classifier else None,
            step_name=shown.step_name,
        ).plot(ax, kind=kind, line_kw=line_kw, bar_kw=bar_kw, mesh_kw=mesh_kw)

    def plot(self, ax=None, *, kind="bar", line_kw=None, bar_kw=None, mesh_kw=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to draw in: one for each panel, or one of a grid of subplots, which is then divided. If None, a new
            figure is made.

        kind : {"bar", "heatmap"}, default="bar"
            With "bar", each feature has a bar plot, below its values. With "heatmap", a heat map has a row for each
            feature, below the values of all features. The scales of both are symmetric around zero.

        line_kw : dict, default=None
            Keyword arguments for matplotlib's `plot`, for the lines of the window.

        bar_kw : dict, default=None
            Keyword arguments for matplotlib's `bar`.

        mesh_kw : dict, default=None
            Keyword arguments for matplotlib's `pcolormesh`.

        Returns
        -------
        display : :class:`~sklstm.plotting.RelevanceDisplay`
            The display.

        Raises
        ------
        ValueError
            If the arrays differ in length, if there is no such `kind`, or if `ax` has the wrong number of axes or
            cannot be divided.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        _check_kind(kind)
        relevance, values, steps, names = self._check_arrays()
        n_lines = 0 if values is None else len(names)
        heights = [VALUE_HEIGHT, BAR_HEIGHT] * len(names) if n_lines else [2 * BAR_HEIGHT / len(names)] * len(names)
        if kind == "heatmap":
            heights = [VALUE_HEIGHT] * n_lines + [0.3 * len(names) + 0.2]
        self.axes_ = make_panels(ax, heights, steps)
        self.figure_ = self.axes_[-1].figure
        missing = np.zeros(len(relevance), dtype=bool)
        self.lines_ = []
        if values is not None:
            missing = np.isnan(values).any(axis=1)
            panels = self.axes_[::2] if kind == "bar" else self.axes_[:-1]
            for panel, column, name in zip(panels, values.T, names, strict=True):
                self.lines_.append(draw_values(panel, steps, column, name, **line_kw or {}))
                mark_missing(panel, steps, missing)
        title = "Relevance" if self.output_name is None else f"Relevance for {self.output_name}"
        self.axes_[0].set_title(f"{title}, {relevance.sum():+.3g} in all")
        label = "relevance" if self.unit is None else f"relevance\n({self.unit})"
        label_steps(self.axes_, steps, self.step_name)
        if kind == "bar":
            self._draw_bars(steps, relevance, missing, names, label, **bar_kw or {})
        else:
            self._draw_heat_map(steps, relevance, missing, names, label, **mesh_kw or {})
        return self

    def to_html(self, *, separator=None):
        """Return the text as HTML, coloured by the relevance of its tokens.

        Tokens that raise the prediction have a solid underline, and tokens that lower it a dotted underline. The
        tooltip of a token shows its relevance. The text keeps the colour of the page, light or dark.

        Parameters
        ----------
        separator : str, default=None
            The separator of tokens. If None, there is none between characters, and a space between longer tokens.

        Returns
        -------
        html : str
            An HTML element.

        Raises
        ------
        ValueError
            If the steps are not tokens.
        """
        relevance, _, steps, _ = self._check_arrays()
        if not are_tokens(steps):
            raise ValueError("to_html needs the tokens of a text: steps must be a list of str.")
        if separator is None:
            separator = "" if are_characters(steps) else " "
        sums = relevance.sum(axis=1)
        largest = float(np.abs(sums).max()) or 1.0
        unit = "" if self.unit is None else f" {self.unit}"
        tokens = escape(separator).join(
            _html_token(token, value, value / largest, unit) for token, value in zip(steps, sums, strict=True)
        )
        name = "the prediction" if self.output_name is None else escape(self.output_name)
        return (
            f'<div style="line-height:2;white-space:pre-wrap">{tokens}\n'
            f"<small>{_html_token('raises', largest, 1, unit)} and {_html_token('lowers', -largest, -1, unit)} "
            f"{name}; {sums.sum():+.3g}{escape(unit)} in all</small></div>"
        )

    def _repr_html_(self) -> str | None:
        return self.to_html() if self.steps is not None and are_tokens(self.steps) else None

    def _check_arrays(self) -> tuple[np.ndarray, np.ndarray | None, Any, list[str]]:
        """Return the relevance, the values, the steps and the names of features."""
        relevance = check_array(self.relevance, dtype=np.float64, input_name="relevance", estimator=self)
        steps = np.arange(len(relevance)) if self.steps is None else self.steps
        check_consistent_length(relevance, steps)
        names = name_features(self.feature_names, relevance.shape[1])
        check_consistent_length(relevance.T, names)
        if self.values is None:
            return relevance, None, steps, names
        values = check_array(self.values, ensure_all_finite="allow-nan", input_name="values", estimator=self)
        if values.shape != relevance.shape:
            raise ValueError(f"values has the shape {values.shape}, but relevance has {relevance.shape}.")
        return relevance, values, steps, names

    def _draw_bars(self, steps, relevance, missing, names, label, **bar_kw) -> None:
        self.bars_, self.mesh_ = [], None
        panels = self.axes_[1::2] if self.lines_ else self.axes_
        widths = np.diff(edges(positions(steps)))
        limit = 1.1 * float(np.abs(relevance).max()) or 1.0
        for panel, column, name in zip(panels, relevance.T, names, strict=True):
            style = {"width": 0.8 * widths, "color": np.where(column > 0, RAISES, LOWERS)}
            self.bars_.append(panel.bar(positions(steps), column, **style | bar_kw))
            panel.axhline(0, color="0.25", linewidth=0.8)
            panel.set_ylim(-limit, limit)
            panel.set_ylabel(label if self.lines_ or len(names) == 1 else f"{name}\n{label}")
            mark_missing(panel, steps, missing)

    def _draw_heat_map(self, steps, relevance, missing, names, label, **mesh_kw) -> None:
        self.bars_ = []
        limit = float(np.abs(relevance).max()) or 1.0
        shown = np.where(missing[:, np.newaxis], np.nan, relevance)
        self.mesh_ = draw_mesh(self.axes_[-1], steps, shown, **{"vmin": -limit, "vmax": limit} | mesh_kw)
        self.axes_[-1].set_yticks(range(len(names)), names)
        self.figure_.colorbar(self.mesh_, ax=list(self.axes_), label=label, pad=0.02)


def _check_kind(kind: str) -> None:
    if kind not in ("bar", "heatmap"):
        raise ValueError(f"kind must be 'bar' or 'heatmap'. Got {kind!r} instead.")


def _output_name(model, output) -> str:
    """Return what an output is called: a class, or the column of a target with names."""
    if hasattr(model, "classes_"):
        return f"class {output}"
    if isinstance(output, str):
        return output
    names = getattr(model, "_target_names", None)
    return str(names[output]) if names else f"output {output}"


def _html_token(token: str, value: float, share: float, unit: str) -> str:
    """Return a token with a background by its share of the largest relevance, and an underline by its sign."""
    style = f"background:rgba({RGB[value > 0]},{0.5 * abs(share):.2f})"
    if abs(share) >= SMALL:
        style += f";border-bottom:2px {'solid' if value > 0 else 'dotted'}"
    return f'<span style="{style}" title="{value:+.3g}{escape(unit)}">{escape(token)}</span>'
