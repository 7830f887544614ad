"""Losses and optimizers, by their names."""

from collections.abc import Callable

import keras

from ..._specs import IGNORED_CLASS


def _cross_entropy(*, from_logits: bool = True, **params) -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits, ignore_class=IGNORED_CLASS, **params)


LOSSES: dict[str, Callable[..., keras.losses.Loss]] = {
    "absolute_error": keras.losses.MeanAbsoluteError,
    "cross_entropy": _cross_entropy,
    "huber": keras.losses.Huber,
    "squared_error": keras.losses.MeanSquaredError,
}


def make_loss(name: str, **params) -> keras.losses.Loss:
    """Return the loss of that name, averaged over the rows of a batch."""
    return LOSSES[name](name=name, dtype="float32", **params)


def make_optimizer(name: str, learning_rate: float, global_clipnorm: float | None) -> keras.optimizers.Optimizer:
    """Return the Keras optimizer of that name."""
    config = {"learning_rate": learning_rate, "global_clipnorm": global_clipnorm}
    return keras.optimizers.get({"class_name": name, "config": config})
