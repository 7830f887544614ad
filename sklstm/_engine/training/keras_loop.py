"""Keras' own training loop, driven by scikeras."""

from collections.abc import Sequence

import keras
from scikeras.wrappers import BaseWrapper

from ..batches import Batches


def fit_with_scikeras(
    model: keras.Model,
    batches: Batches,
    validation_batches: Batches | None,
    *,
    callbacks: Sequence[keras.callbacks.Callback],
    epochs: int,
    initial_epoch: int,
    verbose: int,
) -> dict[str, list[float]]:
    """Train a compiled model and return the history."""
    driver = _Driver(model, callbacks=callbacks, epochs=epochs - initial_epoch, verbose=verbose)
    validation = {} if validation_batches is None else {"validation_data": validation_batches}
    driver.fit(batches, None, initial_epoch=initial_epoch, **validation)
    return driver.history_


class _Identity:
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
        return _Identity()

    @property
    def target_encoder(self):
        return _Identity()

    def _validate_data(self, X=None, y=None, reset=False, y_numeric=False):
        return X, y

    def _check_model_compatibility(self, y):
        pass
