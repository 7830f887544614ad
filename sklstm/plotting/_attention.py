"""The attention weights of a translation."""

import numpy as np
from sklearn.utils import check_array

from .._compat import check_matplotlib_support
from ._inputs import last_step
from ._panels import SEQUENTIAL, VISIBLE


class AttentionDisplay:
    """Heat map of the attention weights of a translation on the tokens of the text.

    It is recommended to use :meth:`from_estimator` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    weights : array-like of shape (n_written, n_read)
        The attention weights. Each row sums to one.

    written : list of str of length n_written
        The tokens of the translation; "" stands for the end.

    read : list of str of length n_read
        The tokens of the text; "" stands for the end.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the heat map.

    figure_ : matplotlib Figure
        Figure with the axes.

    mesh_ : matplotlib QuadMesh
        The heat map.

    colorbar_ : matplotlib Colorbar or None
        The colour bar.

    See Also
    --------
    sklstm.LSTMTranslator.attention_weights : The weights.

    References
    ----------
    Figure 3 of D. Bahdanau, K. Cho and Y. Bengio, "Neural machine translation by jointly learning to align and
    translate", ICLR, 2015.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklstm import LSTMTranslator
    >>> from sklstm.plotting import AttentionDisplay
    >>> model = LSTMTranslator(units=4, analyzer="word", epochs=2, random_state=0)
    >>> model = model.fit(["good day", "good night"], ["bonjour", "bonne nuit"])
    >>> display = AttentionDisplay.from_estimator(model, "good day")
    >>> display.read
    ['good', ' day', '']
    >>> plt.show()
    """

    def __init__(self, weights, *, written, read):
        self.weights = weights
        self.written = written
        self.read = read

    @classmethod
    def from_estimator(cls, estimator, text, *, ax=None, colorbar=True, mesh_kw=None):
        """Create a display from a fitted translator and a text.

        Parameters
        ----------
        estimator : estimator instance
            A fitted :class:`~sklstm.LSTMTranslator`, or a fitted :class:`~sklearn.pipeline.Pipeline` that ends with
            one; its other steps are applied to the text.

        text : str
            The text to translate.

        ax : matplotlib Axes, default=None
            See :meth:`plot`.

        colorbar : bool, default=True
            See :meth:`plot`.

        mesh_kw : dict, default=None
            See :meth:`plot`.

        Returns
        -------
        display : :class:`~sklstm.plotting.AttentionDisplay`
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        AttributeError
            If the estimator has no attention weights.
        ValueError
            If `text` is not a string, or the translator was fitted without attention.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        model = last_step(estimator, "attention_weights")
        if not isinstance(text, str):
            raise ValueError(f"text should be a string, got {text!r}.")
        texts = [text] if model is estimator else estimator[:-1].transform([text])
        (found,) = model.attention_weights(texts)
        return cls(**found).plot(ax, colorbar=colorbar, mesh_kw=mesh_kw)

    def plot(self, ax=None, *, colorbar=True, mesh_kw=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. If None, a new figure is made, with a size that fits the tokens.

        colorbar : bool, default=True
            Whether to draw a colour bar.

        mesh_kw : dict, default=None
            Keyword arguments for matplotlib's `pcolormesh`.

        Returns
        -------
        display : :class:`~sklstm.plotting.AttentionDisplay`
            The display.

        Raises
        ------
        ValueError
            If the shape of `weights` does not match the tokens.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        weights = check_array(self.weights, input_name="weights")
        if weights.shape != (len(self.written), len(self.read)):
            raise ValueError(
                f"weights should have the shape (n_written, n_read) = ({len(self.written)}, {len(self.read)}), got "
                f"{weights.shape}."
            )
        import matplotlib.pyplot as plt

        if ax is None:
            width, height = (float(np.clip(1.5 + 0.2 * n, 3, 16)) for n in weights.shape[::-1])
            _, ax = plt.subplots(figsize=(width + colorbar, height), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.mesh_ = ax.pcolormesh(
            weights, rasterized=True, **{"cmap": SEQUENTIAL, "vmin": 0, "vmax": 1} | (mesh_kw or {})
        )
        self.colorbar_ = self.figure_.colorbar(self.mesh_, ax=ax, label="attention weight") if colorbar else None
        rotation = 90 if max(map(len, self.read)) > 1 else 0
        labels = {"fontsize": 9, "parse_math": False}
        ax.set_xticks(np.arange(len(self.read)) + 0.5, _labels(self.read), rotation=rotation, **labels)
        ax.set_yticks(np.arange(len(self.written)) + 0.5, _labels(self.written), **labels)
        ax.tick_params(length=0)
        ax.invert_yaxis()
        ax.set(xlabel="text", ylabel="translation")
        return self


def _labels(tokens) -> list[str]:
    """Return tokens with visible spaces; the end, which is longer than a character, is a mark."""
    return ["".join(VISIBLE.get(character, character) for character in token) or "■" for token in tokens]
