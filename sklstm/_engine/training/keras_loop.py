"""Keras' own training loop, driven by scikeras."""

from collections.abc import Sequence
from time import monotonic

import keras
from scikeras.wrappers import BaseWrapper

from ..batches import Batches
from ..buckets import BucketedBatches
from ..networks.variables import assign_variables, read_variables, weight_variables

SECONDS_BETWEEN_COPIES = 1.0  # of the state, in an epoch: what an interrupt costs at most


def fit_with_scikeras(
    model: keras.Model,
    batches: Batches | BucketedBatches,
    validation_batches: Batches | BucketedBatches | None,
    *,
    callbacks: Sequence[keras.callbacks.Callback],
    epochs: int,
    initial_epoch: int,
    verbose: int,
) -> None:
    """Train a compiled model.

    An interrupt leaves it with the state after the last epoch, or after a batch since then.
    """
    kept = _KeptState()
    driver = _Driver(model, callbacks=[kept, *callbacks], epochs=epochs - initial_epoch, verbose=verbose)
    validation = {} if validation_batches is None else {"validation_data": _of_any_length(validation_batches)}
    try:
        driver.fit(_of_any_length(batches), None, initial_epoch=initial_epoch, **validation)
    except KeyboardInterrupt:
        kept.restore()
        raise


def _of_any_length(batches: Batches | BucketedBatches):
    """Return batches for Keras' loop, which on TensorFlow takes the shapes of all from the first two unless told."""
    if keras.backend.backend() != "tensorflow" or not isinstance(batches, BucketedBatches):
        return batches
    import tensorflow

    def spec(array):
        return tensorflow.TensorSpec([None, None, *array.shape[2:]][: array.ndim], array.dtype)

    inputs, y, weight = batches[0]
    signature = {name: spec(array) for name, array in inputs.items()}, spec(y), spec(weight)
    dataset = tensorflow.data.Dataset.from_generator(
        lambda: (batches[i] for i in range(len(batches))), output_signature=signature
    )
    return dataset.apply(tensorflow.data.experimental.assert_cardinality(len(batches)))


class _KeptState(keras.callbacks.Callback):
    """Keeps copies of a model's state, since an interrupt within a step leaves some variables changed, or deleted."""

    def __init__(self):
        super().__init__()
        self._state = None
        self._last_copy = 0.0

    def restore(self) -> None:
        """Give the model the last copy, if there is one."""
        if self._state is not None:
            weights, optimizer_state = self._state
            assign_variables(weight_variables(self.model), weights)
            assign_variables(self.model.optimizer.variables, optimizer_state)

    def on_epoch_begin(self, epoch, logs=None):
        self._copy()

    def on_train_batch_end(self, batch, logs=None):
        if monotonic() - self._last_copy > SECONDS_BETWEEN_COPIES:
            self._copy()

    def on_epoch_end(self, epoch, logs=None):
        self._copy()

    def _copy(self) -> None:
        model = self.model  # which Keras brings up to date with its loop
        self._state = read_variables(weight_variables(model)), read_variables(model.optimizer.variables)
        self._last_copy = monotonic()


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
