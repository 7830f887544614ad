"""Training."""

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import cos, pi

import keras
import numpy as np

from ._batches import Batches, Rows
from ._network import Architecture, initial_weights
from ._programs import Recipe, borrowed_program

BATCH_HOOKS = [f"on{phase}_batch_{end}" for phase in ("", "_train", "_test") for end in ("begin", "end")]
WORK_OF_PART = 4096  # rows times units: enough to hide the cost of handing it to a thread
SIZE_OF_PART = 2**17  # rows times units times steps, for each of which the gradient takes memory
ROWS_OF_PART = 64  # with fewer, matrix products are slower than they need to be
ROWS_TO_VALIDATE = 512  # at once: with more, a batch takes more memory and no less time
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
    silent: bool = False,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    schedule: str = "constant",
    patience: int,
    tol: float,
    seed: int,
    callbacks: Sequence = (),
    verbose: int = 0,
) -> TrainedNetwork:
    """Train a network, from new weights, without output at first if ``silent``, or from where ``start`` ended.

    Everything random derives from ``seed`` and the number of epochs already trained: initial weights, the
    order of the rows in each epoch, and dropout.

    With ``validation_rows``, training stops once their loss has not fallen by ``tol`` for ``patience``
    epochs, and the weights with which it was lowest are restored.

    Raises
    ------
    ValueError
        If the loss or a weight is no longer finite.
    TypeError
        If ``callbacks`` hold or make something else.
    """
    history = start.history if start else {"loss": []}
    first_epoch = len(history["loss"])
    batches = Batches(training_rows, batch_size, _least_part(architecture, recipe))
    own_callbacks = _own_callbacks(callbacks)
    # What a user's own class does to the model is unknown.
    reusable = all(type(callback).__module__.startswith("keras.") for callback in own_callbacks)
    callbacks = [_Epochs(batches, seed), *own_callbacks]
    if schedule == "cosine":
        callbacks.insert(0, _CosineDecay(first_epoch, epochs))
    validation_batches = None
    if validation_rows is not None:
        validation_batches = Batches(validation_rows, min(batch_size, ROWS_TO_VALIDATE))
        callbacks += _early_stopping(patience, tol, epochs)
    with borrowed_program(architecture, recipe, reusable=reusable) as program, _global_state_kept():
        program.set_state(
            start.weights if start else initial_weights(architecture, _rng(seed, 0, WEIGHTS), silent=silent),
            start.optimizer_state if start else None,
            rng=_rng(seed, first_epoch, DROPOUT),
            learning_rate=learning_rate,
        )
        losses = _fit(
            program.model,
            batches,
            validation_batches,
            callbacks=callbacks,
            epochs=first_epoch + epochs,
            initial_epoch=first_epoch,
            verbose=verbose,
        )
        trained = TrainedNetwork(
            weights=program.weights(),
            optimizer_state=program.optimizer_state(),
            history={name: [*history.get(name, []), *values] for name, values in losses.items()},
        )
    _assert_finite(trained)
    return trained


def _fit(model: keras.Model, batches: Batches, validation_batches: Batches | None, **fit_args) -> dict:
    """Train a model in the fastest way that there is for the backend and the callbacks; return the history."""
    if keras.backend.backend() == "jax" and not any(map(_wants_batches, fit_args["callbacks"])):
        return model.fit_epochs(batches, validation_batches, **fit_args)
    # Only now, since scikeras imports TensorFlow wherever that is installed.
    from ._driver import fit_with_scikeras

    return fit_with_scikeras(model, batches, validation_batches, **fit_args)


def _least_part(architecture: Architecture, recipe: Recipe) -> int | None:
    """Return how many rows of a batch are worth a thread of their own; None if the batch has to stay whole.

    It depends on the shapes alone, so that the number of cores does not change a result.
    """
    # What is dropped is drawn for a whole batch, and where targets lack, the loss is the mean over those of a batch.
    if recipe.dropout or recipe.recurrent_dropout or architecture.pooling == "none":
        return None
    units = max(architecture.units)
    enough_work = WORK_OF_PART // units
    little_memory = SIZE_OF_PART // (units * architecture.n_steps)
    return max(ROWS_OF_PART, min(enough_work, max(little_memory, 2 * ROWS_OF_PART)))


def _wants_batches(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback does anything between batches."""
    for hook in BATCH_HOOKS:
        method = getattr(callback, hook)
        if getattr(method, "__func__", method) is not getattr(keras.callbacks.Callback, hook):
            return True
    return False


def _early_stopping(patience: int, tol: float, epochs: int) -> list[keras.callbacks.Callback]:
    """Return a callback that stops, and one that restores the best weights, be they better by `tol` or less."""
    monitor = {"monitor": "val_loss", "mode": "min"}
    return [
        keras.callbacks.EarlyStopping(**monitor, min_delta=tol, patience=patience),
        keras.callbacks.EarlyStopping(**monitor, patience=epochs, restore_best_weights=True),
    ]


def _global_state_kept() -> AbstractContextManager:
    """Return a context that leaves the backend's global random state as it was."""
    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.random.fork_rng(devices=[])  # Keras' loader of batches draws from it


def _assert_finite(trained: TrainedNetwork) -> None:
    losses = trained.history["loss"] + trained.history.get("val_loss", [])
    if not np.isfinite(losses).all() or not all(np.isfinite(w).all() for w in trained.weights):
        raise ValueError(
            f"The loss is no longer finite after epoch {len(trained.history['loss'])}. Try a smaller "
            "`learning_rate`, `normalize=True`, or data without extreme values."
        )


def _rng(seed: int, epoch: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, purpose])


class _Epochs(keras.callbacks.Callback):
    """Shuffle at the start of each epoch, and stop at the end of one whose loss is not finite."""

    def __init__(self, batches: Batches, seed: int):
        super().__init__()
        self._batches = batches
        self._seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        self._batches.shuffle(_rng(self._seed, epoch, SHUFFLING))

    def on_epoch_end(self, epoch, logs):
        if not np.isfinite(logs["loss"]):
            self.model.stop_training = True


class _CosineDecay(keras.callbacks.Callback):
    """Lower the learning rate along half a cosine, which would be zero after the last epoch (Loshchilov & Hutter 2017).

    Each epoch lowers the rate that it finds, so that what other callbacks do to it lasts.
    """

    def __init__(self, first_epoch: int, epochs: int):
        super().__init__()
        self._first_epoch = first_epoch
        self._epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        done = epoch - self._first_epoch
        if done:
            optimizer = self.model.optimizer
            found = keras.ops.convert_to_numpy(optimizer.learning_rate.value)
            optimizer.learning_rate = float(found) * self._part(done) / self._part(done - 1)

    def _part(self, done: int) -> float:
        return (1 + cos(pi * done / self._epochs)) / 2


def _own_callbacks(callbacks: Sequence) -> list[keras.callbacks.Callback]:
    """Return callbacks of this fit's own: copies of the given ones, and what factories make."""
    own = []
    for given in callbacks:
        callback = copy.deepcopy(given) if isinstance(given, keras.callbacks.Callback) else callable(given) and given()
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(f"`callbacks` must be Keras callbacks or callables that make them. Got {given!r}.")
        own.append(callback)
    return own
