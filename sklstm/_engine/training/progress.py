"""Progress: what sees the epochs of all networks of a fit."""

from collections.abc import Sequence
from threading import Lock

import keras

from ..._specs import TrainingSpec, Watcher
from ..networks.variables import read_variables, weight_variables

LOSSES = ["loss", "val_loss"]  # shown as they are; Keras' bar shows others on average over the epochs


class ProgressBar(Watcher):
    """One bar over the epochs of all networks, with the time left and the losses after the last epoch."""

    def __init__(self, n_networks: int, epochs: int):
        self._epochs = epochs
        self._n_done = 0
        self._bar = keras.utils.Progbar(n_networks * epochs, unit_name="epoch", stateful_metrics=LOSSES)

    def begin_epoch(self, network, epoch):
        """Wait: the bar moves at the end of an epoch."""

    def end_epoch(self, network, epoch, losses, weights):
        """Show one more epoch."""
        self._n_done += 1
        self._bar.update(self._n_done, list(losses.items()))
        return False

    def end_network(self, network, n_epochs):
        """Leave out the epochs that a network has not needed."""
        if n_epochs < self._epochs:
            self._bar.target -= self._epochs - n_epochs
            self._bar.update(self._n_done)


class Watched(keras.callbacks.Callback):
    """Lets watchers see the epochs of a network; those of other threads wait meanwhile.

    It acts between epochs alone, so that these stay compiled loops.
    """

    def __init__(self, watchers: Sequence[Watcher], training: TrainingSpec, lock: Lock):
        super().__init__()
        self._watchers = watchers
        self._network = training.number
        self._first_epoch = training.first_epoch
        self._n_epochs = 0
        self._lock = lock

    def on_epoch_begin(self, epoch, logs=None):
        with self._lock:
            for watcher in self._watchers:
                watcher.begin_epoch(self._network, epoch - self._first_epoch)

    def on_epoch_end(self, epoch, logs=None):
        self._n_epochs += 1
        with self._lock:
            for watcher in self._watchers:
                if watcher.end_epoch(self._network, epoch - self._first_epoch, dict(logs or {}), self._weights):
                    self.model.stop_training = True

    def on_train_end(self, logs=None):
        with self._lock:
            for watcher in self._watchers:
                watcher.end_network(self._network, self._n_epochs)

    def _weights(self) -> list:
        return read_variables(weight_variables(self.model))
