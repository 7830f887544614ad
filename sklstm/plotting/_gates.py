"""Gates and states of an LSTM layer over time."""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length

from .._anomalies.detector import LSTMAnomalyDetector
from .._compat import check_matplotlib_support
from .._inspection.gates import GATES, select_positions
from ._inputs import as_floats, has_series, last_step, read_rows, read_window
from ._panels import draw_mesh, draw_values, label_steps, make_panels, name_features

SIGNED = ("candidate", "cell_state", "hidden_state")
MAX_UNIT_LABELS = 25
PERCENTILE = 99  # of a state's values in the range of colours: a few large ones would leave all others grey


class GatesDisplay:
    """Heat map of a gate or state of an LSTM layer over time, below the series.

    It is recommended to use :meth:`from_estimator` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    values : array-like of shape (n_steps, n_units)
        The gate or state of each unit at each step. Missing steps are NaN.

    gate : str, default="cell_state"
        The name of the gate or state: "input_gate", "forget_gate", "output_gate", "candidate", "cell_state" or
        "hidden_state".

    steps : array-like of shape (n_steps,), default=None
        The steps: numbers, dates, durations or periods, such as a pandas index, or the tokens of a text. If None,
        positions from 0.

    series : array-like of shape (n_steps, n_features), default=None
        The series to draw above the heat map. Missing values are NaN.

    feature_names : list of str of length n_features, default=None
        Names of the features of `series`.

    unit_numbers : array-like of shape (n_units,), default=None
        Numbers of the units in their layer. If None, positions from 0.

    step_name : str, default=None
        Label of the time axis. If None, "step", "time", "time (s)", "character" or "token", depending on `steps`:
        durations are shown in seconds.

    title : str, default=None
        Title of the figure. If None, the name of the gate.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the heat map.

    axes_ : list of matplotlib Axes
        All axes, from top to bottom: one for each feature of `series`, then `ax_`.

    figure_ : matplotlib Figure
        Figure with the axes.

    mesh_ : matplotlib QuadMesh
        The heat map. Its array has a row for each unit, in the order of `units_`.

    lines_ : list of matplotlib Line2D
        The line of each feature.

    colorbar_ : matplotlib Colorbar
        The colour bar.

    units_ : ndarray of shape (n_units,)
        Numbers of the units in the order of the heat map, from top to bottom.

    See Also
    --------
    sklstm.LSTMForecaster.gates : Computes gates and states.
    RelevanceDisplay : Relevance of each step and feature for a prediction.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import LSTMForecaster, SlidingWindow, to_supervised
    >>> from sklstm.datasets import load_airline
    >>> from sklstm.plotting import GatesDisplay
    >>> passengers = load_airline().data
    >>> model = make_pipeline(SlidingWindow(12), LSTMForecaster(units=8, epochs=2, random_state=0))
    >>> model = model.fit(*to_supervised(passengers))
    >>> display = GatesDisplay.from_estimator(model, passengers, gate="forget_gate")
    >>> display.mesh_.get_array().shape  # of 8 units in 144 months
    (8, 144)
    >>> plt.show()
    """

    def __init__(
        self,
        values,
        *,
        gate="cell_state",
        steps=None,
        series=None,
        feature_names=None,
        unit_numbers=None,
        step_name=None,
        title=None,
    ):
        self.values = values
        self.gate = gate
        self.steps = steps
        self.series = series
        self.feature_names = feature_names
        self.unit_numbers = unit_numbers
        self.step_name = step_name
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        gate="cell_state",
        layer=-1,
        direction="forward",
        network=0,
        units=None,
        row=None,
        ax=None,
        sort_units=True,
        line_kw=None,
        mesh_kw=None,
    ):
        """Create a display from a fitted estimator and its input.

        Parameters
        ----------
        estimator : estimator instance
            A fitted LSTM estimator, or a fitted :class:`~sklearn.pipeline.Pipeline` that ends with one.

        X : array-like or list of str
            Input as in `predict` of the estimator: the series for a pipeline with :class:`~sklstm.SlidingWindow`, or
            windows, or documents. For a series, the axis shows the dates of a pandas index. Above the heat map are the
            columns of `X` or, with `row`, the window that the last step of the pipeline reads.

        gate : {"input_gate", "forget_gate", "output_gate", "candidate", "cell_state", "hidden_state"}, \
                default="cell_state"
            The gate or state.

        layer : int, default=-1
            The layer, from 0 for the first one; -1 is the last one.

        direction : {"forward", "backward"}, default="forward"
            The direction in which the layer reads.

        network : int, default=0
            The network, if the estimator has several.

        units : int, slice or array-like of int of shape (n_selected,), default=None
            Positions of the units. If None, all units.

        row : int, default=None
            The row of `X` whose window or document is drawn, step by step. If None, all rows of a series are drawn,
            each with the last step of its window; of windows and documents, the last row is drawn. An
            :class:`~sklstm.LSTMAnomalyDetector` does not read the last step of a window, so each row shows the last
            step read from the window of the next row, and the last row is empty.

        ax : matplotlib Axes or array-like of Axes, default=None
            See :meth:`plot`.

        sort_units : bool, default=True
            See :meth:`plot`.

        line_kw : dict, default=None
            See :meth:`plot`.

        mesh_kw : dict, default=None
            See :meth:`plot`.

        Returns
        -------
        display : :class:`~sklstm.plotting.GatesDisplay`
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        AttributeError
            If the estimator has no gates.
        ValueError
            If there is no such gate, layer, direction, network, unit or row, if the layer reads other steps than those
            of `X`, as behind convolutions, if `X` has several series and `row` is None, or if `X` is invalid as in
            `predict`.

        Examples
        --------
        The characters of a text:

        >>> import matplotlib.pyplot as plt
        >>> from sklstm import LSTMTextGenerator
        >>> from sklstm.plotting import GatesDisplay
        >>> model = LSTMTextGenerator(units=8, epochs=2, random_state=0).fit(["so what? " * 100])
        >>> display = GatesDisplay.from_estimator(model, ["so what?"])
        >>> [label.get_text() for label in display.ax_.get_xticklabels()]
        ['s', 'o', '␣', 'w', 'h', 'a', 't', '?']
        >>> plt.show()
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if gate not in GATES:
            raise ValueError(f"gate must be one of {list(GATES)}. Got {gate!r} instead.")
        model = last_step(estimator, "gates")
        if getattr(getattr(model, "forecaster_", model), "network", None) == "lstm_fcn":
            raise ValueError(
                "The LSTM of network='lstm_fcn' reads features, not steps: there is no time to draw along."
            )
        selection = {"layer": layer, "direction": direction, "network": network}
        n_unread = 1 if isinstance(model, LSTMAnomalyDetector) else 0
        if row is None and has_series(estimator):
            shown = read_rows(estimator, X)
            states = model.gates(shown.windows, steps=-1, **selection)[gate][n_unread:, 0]
            if _moves_missing_steps(model):
                states[_missing_steps(model, shown.windows[: len(states), -1:])[:, 0]] = np.nan
        else:
            shown = read_window(estimator, X, -1 if row is None else row)
            states = model.gates(shown.windows, **selection)[gate][0]
            if len(states) + n_unread != shown.first + len(shown.steps):
                raise ValueError(
                    f"The layer reads {len(states)} steps, while windows have {shown.first + len(shown.steps)}: the "
                    "layers before it change the sequence. Draw what model.gates(X) returns."
                )
            if _moves_missing_steps(model):
                states = _moved_back(states, _missing_steps(model, shown.windows)[0, : len(states)])
        unread = np.full((n_unread, states.shape[1]), np.nan)
        numbers = select_positions("units", units, states.shape[1])
        return cls(
            np.concatenate([states, unread])[shown.first :, numbers],
            gate=gate,
            steps=shown.steps,
            series=shown.values,
            feature_names=shown.feature_names,
            unit_numbers=numbers,
            step_name=shown.step_name,
            title=_title(gate, layer, direction, network),
        ).plot(ax, sort_units=sort_units, line_kw=line_kw, mesh_kw=mesh_kw)

    def plot(self, ax=None, *, sort_units=True, line_kw=None, mesh_kw=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to draw in: one for each feature and one for the heat map, or one of a grid of subplots, which is then
            divided if there is a series. If None, a new figure is made.

        sort_units : bool, default=True
            Whether to sort the units, from top to bottom, by the step at which they deviate most from their mean over
            time. If False, they have the order of `values`.

        line_kw : dict, default=None
            Keyword arguments for matplotlib's `plot`, for the lines of the series.

        mesh_kw : dict, default=None
            Keyword arguments for matplotlib's `pcolormesh`, such as ``{"cmap": "gray", "vmin": 0.5}``. By default,
            the colours of gates range from 0 to 1. For the candidate and states, the range is symmetric around zero and
            contains 99 % of the values.

        Returns
        -------
        display : :class:`~sklstm.plotting.GatesDisplay`
            The display.

        Raises
        ------
        ValueError
            If the arrays differ in length, or if `ax` has the wrong number of axes or cannot be divided.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        values, series, steps, numbers = self._check_arrays()
        names = name_features(self.feature_names, series.shape[1])
        self.axes_ = make_panels(ax, [*[1.1] * series.shape[1], 3.2], steps)
        self.ax_ = self.axes_[-1]
        self.figure_ = self.ax_.figure
        self.lines_ = [
            draw_values(panel, steps, column, name, **line_kw or {})
            for panel, column, name in zip(self.axes_, series.T, names, strict=False)
        ]
        order = _order_of_time(values) if sort_units else np.arange(len(numbers))
        self.units_ = numbers[order]
        limits = {} if "norm" in (mesh_kw or {}) else _limits(self.gate, values)
        self.mesh_ = draw_mesh(self.ax_, steps, values[:, order], **limits | (mesh_kw or {}))
        self._label(steps)
        return self

    def _check_arrays(self) -> tuple:
        values = check_array(self.values, ensure_all_finite="allow-nan", input_name="values", estimator=self)
        steps = np.arange(len(values)) if self.steps is None else self.steps
        series = np.empty((len(values), 0))
        if self.series is not None:
            series = check_array(
                self.series, ensure_all_finite="allow-nan", ensure_2d=False, input_name="series", estimator=self
            )
            series = series.reshape(len(series), -1)
        check_consistent_length(values, series, steps)
        numbers = np.arange(values.shape[1]) if self.unit_numbers is None else np.asarray(self.unit_numbers)
        check_consistent_length(values.T, numbers)
        return values, series, steps, numbers

    def _label(self, steps) -> None:
        name = self.gate.replace("_", " ")
        self.axes_[0].set_title(self.title or name.capitalize())
        every = -(-len(self.units_) // MAX_UNIT_LABELS)
        self.ax_.set_yticks(range(0, len(self.units_), every), self.units_[::every], fontsize="small")
        self.ax_.set_ylabel("unit")
        label_steps(self.axes_, steps, self.step_name)
        extend = "both" if self.gate in SIGNED else "neither"
        self.colorbar_ = self.figure_.colorbar(self.mesh_, ax=list(self.axes_), label=name, extend=extend, pad=0.02)


def _moves_missing_steps(model) -> bool:
    """Tell whether the fitted network moves missing steps from the end of a sequence to its start."""
    network = getattr(getattr(model, "forecaster_", model), "_network", {})
    return network.get("custom", {}).get("build") == "conv_lstm"


def _missing_steps(model, windows) -> np.ndarray:
    """Tell which steps the network does not read. A detector fills in those of which some features are missing."""
    is_missing = np.isnan(as_floats(windows)).reshape(*np.shape(windows)[:2], -1)
    return is_missing.all(axis=2) if isinstance(model, LSTMAnomalyDetector) else is_missing.any(axis=2)


def _moved_back(states: np.ndarray, is_missing: np.ndarray) -> np.ndarray:
    """Return states in the order of the window, with missing steps at the end again."""
    n_behind = 0 if is_missing.all() else int(np.argmin(is_missing[::-1]))
    return np.roll(states, -n_behind, axis=0)


def _title(gate: str, layer, direction: str, network) -> str:
    """Return the name of the gate, and which network, layer and direction it is of if not those by default."""
    parts = [f"network {network}"] if network != 0 else []
    parts += [f"layer {layer}"] if layer != -1 else []
    parts += [direction] if direction != "forward" else []
    name = gate.replace("_", " ").capitalize()
    return f"{name} ({', '.join(parts)})" if parts else name


def _order_of_time(values: np.ndarray) -> np.ndarray:
    """Return the units by the step at which each deviates most from its mean."""
    present = ~np.isnan(values).any(axis=1)
    deviations = np.abs(values[present] - values[present].mean(axis=0)) if present.any() else values
    return np.argsort(np.argmax(deviations, axis=0), kind="stable")


def _limits(gate: str, values: np.ndarray) -> dict[str, float]:
    """Return the range of a heat map: that of a gate or, with a sign, one around zero."""
    if gate not in SIGNED:
        return {"vmin": 0.0, "vmax": 1.0}
    present = np.abs(values[~np.isnan(values)])
    limit = (float(np.percentile(present, PERCENTILE)) if len(present) else 0.0) or 1.0
    return {"vmin": -limit, "vmax": limit}
