"""The losses of a training, epoch by epoch."""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length

from .._compat import check_matplotlib_support
from .._text.transcriber import LSTMTranscriber
from ._inputs import last_step

STYLES = ({"color": "#0072B2"}, {"color": "#D55E00", "linestyle": "--"})  # told from each other in grey, too


class LossCurveDisplay:
    """Training and validation loss by epoch.

    It is recommended to use :meth:`from_estimator` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    loss_curve : array-like of shape (n_epochs,)
        The training loss after each epoch.

    validation_loss_curve : array-like of shape (n_epochs,), default=None
        The validation loss after each epoch.

    loss_name : str, default=None
        Label of the loss axis. If None, "loss".

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.

    figure_ : matplotlib Figure
        Figure with the axes.

    lines_ : list of matplotlib Line2D
        The curves of the training loss and, if there is one, of the validation loss.

    minimum_ : matplotlib Line2D or None
        The mark of the lowest validation loss.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores by the number of training rows.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import LSTMForecaster, SlidingWindow, to_supervised
    >>> from sklstm.datasets import load_airline
    >>> from sklstm.plotting import LossCurveDisplay
    >>> model = make_pipeline(SlidingWindow(12), LSTMForecaster(units=8, epochs=2, random_state=0))
    >>> model = model.fit(*to_supervised(load_airline().data))
    >>> display = LossCurveDisplay.from_estimator(model, log_scale=True)
    >>> [line.get_label() for line in display.lines_]
    ['training', 'validation']
    >>> plt.show()
    """

    def __init__(self, loss_curve, *, validation_loss_curve=None, loss_name=None):
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.loss_name = loss_name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, log_scale=False, line_kw=None):
        """Create a display from a fitted estimator.

        Parameters
        ----------
        estimator : estimator instance
            A fitted LSTM estimator with ``history_``, or a fitted :class:`~sklearn.pipeline.Pipeline` that ends with
            one. For several networks, the losses are averaged.

        ax : matplotlib Axes, default=None
            See :meth:`plot`.

        log_scale : bool, default=False
            See :meth:`plot`.

        line_kw : dict, default=None
            See :meth:`plot`.

        Returns
        -------
        display : :class:`~sklstm.plotting.LossCurveDisplay`
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        AttributeError
            If the estimator has no ``history_``.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        model = last_step(estimator, "history_")
        return cls(
            model.history_["loss"],
            validation_loss_curve=model.history_.get("val_loss"),
            loss_name=_loss_name(model),
        ).plot(ax, log_scale=log_scale, line_kw=line_kw)

    def plot(self, ax=None, *, log_scale=False, line_kw=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. If None, a new figure is made.

        log_scale : bool, default=False
            Whether the loss axis is logarithmic, to show progress at small losses.

        line_kw : dict, default=None
            Keyword arguments for matplotlib's `plot`, for both curves.

        Returns
        -------
        display : :class:`~sklstm.plotting.LossCurveDisplay`
            The display.

        Raises
        ------
        ValueError
            If there is no loss, or the curves differ in length.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        curves = self._check_curves()
        import matplotlib.pyplot as plt
        from matplotlib.ticker import MaxNLocator

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_, self.lines_, self.minimum_ = ax, ax.figure, [], None
        for (label, losses), style in zip(curves.items(), STYLES, strict=False):
            marker = "." if len(losses) == 1 else None
            epochs = np.arange(1, len(losses) + 1)
            self.lines_ += ax.plot(epochs, losses, **{"label": label, "marker": marker} | style | (line_kw or {}))
        if len(curves) == 2 and not np.isnan(losses).all():
            self._mark_minimum(losses)
        if log_scale:
            ax.set_yscale("log")
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
        ax.set(xlabel="epoch", ylabel=self.loss_name or "loss")
        ax.legend()
        return self

    def _check_curves(self) -> dict[str, np.ndarray]:
        """Return the losses of each curve by its label."""
        curves = {"training": self.loss_curve, "validation": self.validation_loss_curve}
        checked = {
            label: check_array(losses, ensure_2d=False, ensure_all_finite=False, input_name=f"{label} loss")
            for label, losses in curves.items()
            if losses is not None
        }
        check_consistent_length(*checked.values())
        return checked

    def _mark_minimum(self, losses: np.ndarray) -> None:
        best = int(np.nanargmin(losses))
        label = f"lowest validation loss: {losses[best]:.3g} after epoch {best + 1}"
        (self.minimum_,) = self.ax_.plot(
            [best + 1], [losses[best]], linestyle="none", marker="o", markersize=8, color="black", label=label
        )
        self.minimum_.set_markerfacecolor("none")


def _loss_name(model) -> str:
    """Return what the loss of an estimator is."""
    if isinstance(model, LSTMTranscriber):
        return "negative log-likelihood of a text (nats)"
    if not hasattr(model, "loss"):
        return "cross-entropy (nats)"
    name = "pinball loss" if model.loss == "quantile" else str(model.loss).replace("_", " ")
    return f"{name} of the standardised target" if model.normalize else name
