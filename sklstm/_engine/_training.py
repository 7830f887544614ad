"""Training, driven by scikeras."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from scikeras.wrappers import BaseWrapper

from ._batches import Batches, Rows
from ._network import Architecture, initial_weights
from ._programs import Recipe, borrowed_program

WEIGHTS, SHUFFLING, DROPOUT = range(3)  # what random numbers are drawn for


@dataclass(frozen=True)
class TrainedNetwork:
    """The outcome of training, and all that is needed to go on with it."""

    weights: list[np.ndarray]
    optimizer_state: list[np.ndarray] | None  # None: to be started anew
    history: dict[str, list[float]]


def train(
    architecture: Architecture,
    recipe: Recipe,
    training_rows: Rows,
    validation_rows: Rows | None = None,
    *,
    start: TrainedNetwork | None = None,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    patience: int,
    tol: float,
    seed: int,
    callbacks: Sequence = (),
    verbose: int = 0,
) -> TrainedNetwork:
    """Train a network, from new weights or from where ``start`` ended.

    Everything random derives from ``seed`` and the number of epochs already trained: initial weights, the
    order of the rows in each epoch, and dropout.

    With ``validation_rows``, training stops once their loss has not fallen by ``tol`` for ``patience``
    epochs, and the best weights are restored.

    Raises
    ------
    ValueError
        If the loss is no longer finite.
    TypeError
        If a factory among ``callbacks`` returns something else.
    """
    history = start.history if start else {"loss": []}
    first_epoch = len(history["loss"])
    batches = Batches(training_rows, batch_size)
    callbacks = [_Epochs(batches, seed), *_own_callbacks(callbacks)]
    fit_args = {}
    if validation_rows is not None:
        fit_args["validation_data"] = Batches(validation_rows, batch_size)
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor="val_loss", mode="min", min_delta=tol, patience=patience, restore_best_weights=True
            )
        )
    with borrowed_program(architecture, recipe) as program:
        program.set_state(
            start.weights if start else initial_weights(architecture, _rng(seed, 0, WEIGHTS)),
            start.optimizer_state if start else None,
            rng=_rng(seed, first_epoch, DROPOUT),
            learning_rate=learning_rate,
        )
        driver = _Driver(program.model, callbacks=callbacks, epochs=epochs, verbose=verbose)
        driver.fit(batches, None, initial_epoch=first_epoch, **fit_args)
        new = driver.history_
        if not np.isfinite(new["loss"]).all():
            raise ValueError(
                f"The loss is no longer finite in epoch {first_epoch + len(new['loss'])}. Try a smaller "
                "`learning_rate`, `normalize=True`, or targets without extreme values."
            )
        return TrainedNetwork(
            weights=program.weights(),
            optimizer_state=program.optimizer_state(),
            history={name: [*history.get(name, []), *map(float, values)] for name, values in new.items()},
        )


def _rng(seed: int, epoch: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, purpose])


class _Epochs(keras.callbacks.Callback):
    """Shuffle at the start of each epoch; report the exact loss, and stop if it is not finite, at its end."""

    def __init__(self, batches: Batches, seed: int):
        super().__init__()
        self._batches = batches
        self._seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        self._batches.shuffle(_rng(self._seed, epoch, SHUFFLING))

    def on_epoch_end(self, epoch, logs):
        # The callbacks that follow, Keras' history among them, see what this one leaves in the logs.
        logs["loss"] = logs.pop("row_loss")
        if "val_row_loss" in logs:
            logs["val_loss"] = logs.pop("val_row_loss")
        if not np.isfinite(logs["loss"]):
            self.model.stop_training = True


def _own_callbacks(callbacks: Sequence) -> list[keras.callbacks.Callback]:
    """Return callbacks of this fit's own: copies of the given ones, and what factories make."""
    own = [copy.deepcopy(c) if isinstance(c, keras.callbacks.Callback) else c() for c in callbacks]
    for given, callback in zip(callbacks, own, strict=True):
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                "`callbacks` must be Keras callbacks or factories of them, but the factory "
                f"{given!r} returned {callback!r}."
            )
    return own


class _Unchanged:
    """An encoder for what is encoded already."""

    def fit(self, data):
        return self

    def transform(self, data):
        return data


class _Driver(BaseWrapper):
    """scikeras' training loop, for a model that is built and batches that are validated already."""

    def __init__(self, model=None, *, callbacks=None, epochs=1, verbose=0):
        super().__init__(model, callbacks=callbacks, epochs=epochs, verbose=verbose, shuffle=False)

    @property
    def feature_encoder(self):
        return _Unchanged()

    @property
    def target_encoder(self):
        return _Unchanged()

    def _validate_data(self, X=None, y=None, reset=False, y_numeric=False):
        return X, y

    def _check_model_compatibility(self, y):
        pass
