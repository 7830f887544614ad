"""Losses and optimizers, by their names."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ..._specs import IGNORED_CLASS
from .quantiles import quantile_tensor


def _cross_entropy(*, from_logits: bool = True, **params) -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits, ignore_class=IGNORED_CLASS, **params)


class CTCLoss(keras.losses.Loss):
    """Minus the logarithm of the probability of labels over all their paths (Graves et al. 2006).

    A row of the target has the number of steps of its sequence, its labels, and then padding.
    """

    def call(self, y_true, y_pred):
        """Return the loss of each row."""
        n_steps, labels = ops.cast(y_true[:, 0], "int32"), ops.cast(y_true[:, 1:], "int32")
        is_label = labels != IGNORED_CLASS
        n_labels = ops.sum(ops.cast(is_label, "int32"), axis=1)
        return ops.ctc_loss(ops.where(is_label, labels, 0), y_pred, n_labels, n_steps, mask_index=0)


class PinballLoss(keras.losses.Loss):
    """The mean pinball loss of quantiles (Koenker & Bassett 1978), over all of them and all outputs.

    A row of the target has a column for each output, one of the prediction the outputs that `quantile_tensor` takes.
    """

    def __init__(self, quantiles: tuple[float, ...], **params):
        super().__init__(**params)
        self.quantiles = quantiles

    def call(self, y_true, y_pred):
        """Return the loss of each row."""
        errors = ops.expand_dims(y_true, -1) - quantile_tensor(y_pred, self.quantiles)
        levels = np.asarray(self.quantiles, np.float32)
        losses = ops.maximum(ops.multiply(errors, levels), ops.multiply(errors, levels - 1))
        return ops.mean(losses, axis=(1, 2))


LOSSES: dict[str, Callable[..., keras.losses.Loss]] = {
    "absolute_error": keras.losses.MeanAbsoluteError,
    "cross_entropy": _cross_entropy,
    "ctc": CTCLoss,
    "huber": keras.losses.Huber,
    "quantile": PinballLoss,
    "squared_error": keras.losses.MeanSquaredError,
}


def make_loss(name: str, **params) -> keras.losses.Loss:
    """Return the loss of that name, averaged over the rows of a batch."""
    return LOSSES[name](name=name, dtype="float32", **params)


def make_optimizer(name: str, learning_rate: float, global_clipnorm: float | None) -> keras.optimizers.Optimizer:
    """Return the Keras optimizer of that name."""
    config = {"learning_rate": learning_rate, "global_clipnorm": global_clipnorm}
    return keras.optimizers.get({"class_name": name, "config": config})
