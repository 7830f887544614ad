"""The precision of what is built."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import keras

_lock = RLock()  # since Keras' floatx belongs to all threads


@contextmanager
def float32_by_default() -> Iterator[None]:
    """Build in float32, whatever Keras' ``floatx`` and dtype policy are; to be used as a decorator, too.

    Layers and losses are told their precision. But an optimizer's learning rate, the metrics and the model itself can
    only take the default one, and a model is kept for later fits.
    """
    with _lock:
        floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        try:
            yield
        finally:
            keras.config.set_floatx(floatx)
            keras.config.set_dtype_policy(policy)
