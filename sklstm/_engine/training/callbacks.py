"""Callbacks: those of every training, and copies of the user's."""

import copy
import operator
from collections.abc import Sequence
from math import cos, pi

import keras
import numpy as np

from ..._specs import TrainingSpec
from ..batches import Batches
from .checkpoints import check_loadable
from .seeds import SHUFFLING, rng_for

# Classes of Keras that change nothing but weights, the learning rate, and whether to stop.
HARMLESS = {
    keras.callbacks.CSVLogger,
    keras.callbacks.EarlyStopping,
    keras.callbacks.History,
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.ProgbarLogger,
    keras.callbacks.ReduceLROnPlateau,
    keras.callbacks.RemoteMonitor,
    keras.callbacks.TerminateOnNaN,
}
WRITES_FILE = (keras.callbacks.CSVLogger, keras.callbacks.ModelCheckpoint, keras.callbacks.TensorBoard)
BATCH_HOOKS = [f"on{phase}_batch_{end}" for phase in ("", "_train", "_test") for end in ("begin", "end")]


class TrainingCallbacks:
    """All callbacks of a training, in the order in which they are called.

    `own` are copies of the user's, and `watched` what tells the progress.
    """

    def __init__(self, training: TrainingSpec, batches: Batches, *, validates: bool, own: Sequence, watched: Sequence):
        self._epochs = _Epochs(batches, training)
        self._early_stopping = _early_stopping(training) if validates else []
        self._history = keras.callbacks.History()
        cosine = training.learning_rate_schedule == "cosine"
        schedule = [_CosineDecay(training.first_epoch, training.epochs)] if cosine else []
        self.all = [self._epochs, *schedule, *own, *self._early_stopping, self._history, *watched]

    @property
    def training_began(self) -> bool:
        """Tell whether an epoch began, before which all callbacks saw the beginning of training."""
        return self._epochs.began

    @property
    def history(self) -> dict[str, list[float]]:
        """Return the losses after each epoch."""
        return self._history.history

    def end_interrupted_training(self) -> None:
        """Let callbacks see the end of a training, and the engine's own that of an epoch which they have missed."""
        epoch, logs = self._epochs.last_ended
        if logs and epoch not in self._history.epoch:
            for callback in (*self._early_stopping, self._history):
                callback.on_epoch_end(epoch, logs)
        for callback in self._early_stopping if self._epochs.training_ended else self.all:
            callback.on_train_end(logs)


def copies_of(callbacks: Sequence, n_networks: int) -> list[keras.callbacks.Callback]:
    """Return a network's own callbacks: copies of the given ones, and what factories make.

    Raises
    ------
    TypeError
        If they hold or make something else.
    ValueError
        If one cannot work here.
    """
    own = []
    for given in callbacks:
        callback = copy.deepcopy(given) if isinstance(given, keras.callbacks.Callback) else callable(given) and given()
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(f"`callbacks` must be Keras callbacks or callables that make them. Got {given!r}.")
        if isinstance(callback, keras.callbacks.ModelCheckpoint) and not callback.save_weights_only:
            check_loadable(callback.filepath)
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            raise ValueError(
                f"`callbacks` hold {type(callback).__name__}, which cannot resume a fit: its files have neither the "
                "history nor the statistics of the data. Train in parts instead: call `fit` with warm_start=True, or "
                "`partial_fit`, and pickle the estimator after each call."
            )
        if isinstance(callback, WRITES_FILE) and n_networks > 1:
            raise ValueError(
                f"`callbacks` hold {type(callback).__name__}, whose file each of the n_networks={n_networks} networks "
                "of a fit would write. Set n_networks=1, or leave the callback out."
            )
        own.append(callback)
    return own


def may_change_models(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback may change of a model, or its optimizer, what the next fit does not set anew."""
    return type(callback) not in HARMLESS


def acts_between_batches(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback does anything between batches."""
    for hook in BATCH_HOOKS:
        method = getattr(callback, hook)
        if getattr(method, "__func__", method) is not getattr(keras.callbacks.Callback, hook):
            return True
    return False


class _Epochs(keras.callbacks.Callback):
    """Shuffle at the start of each epoch, and stop at the end of one whose loss is not finite.

    As the first callback of all, it knows what others may not have seen yet when training is interrupted.
    """

    def __init__(self, batches: Batches, training: TrainingSpec):
        super().__init__()
        self._batches = batches
        self._training = training
        self.began = self.training_ended = False
        self.last_ended: tuple[int, dict] = (-1, {})

    def on_epoch_begin(self, epoch, logs=None):
        self.began = True
        self._batches.shuffle(rng_for(SHUFFLING, self._training, epoch))

    def on_epoch_end(self, epoch, logs):
        self.last_ended = epoch, logs
        if not np.isfinite(logs["loss"]):
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.training_ended = True


class _CosineDecay(keras.callbacks.Callback):
    """Decay the learning rate along a cosine to zero after the last epoch (Loshchilov & Hutter 2017).

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
            optimizer.learning_rate = float(found) * self._fraction(done) / self._fraction(done - 1)

    def _fraction(self, done: int) -> float:
        return (1 + cos(pi * done / self._epochs)) / 2


def _early_stopping(training: TrainingSpec) -> list[keras.callbacks.Callback]:
    """Return a callback that stops, and one that restores the best weights, be they better by `tol` or less."""
    return [
        _stop_after(training.n_iter_no_change, training.tol),
        _stop_after(training.epochs, 0.0, restore_best_weights=True),
    ]


def _stop_after(patience: int, min_delta: float, **params) -> keras.callbacks.EarlyStopping:
    """Return Keras' callback, which compares losses as they are, and not in the precision of Keras' ``floatx``."""
    callback = keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience, **params)
    callback.monitor_op, callback.min_delta = operator.lt, -min_delta
    return callback
