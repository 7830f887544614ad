"""The choice of the Keras backend."""

import os
import random
import sys

import numpy as np

DEFAULT = "jax"
SUPPORTED = ("jax", "tensorflow", "torch")


def _import_keras() -> str:
    """Import Keras, on JAX unless the user chose otherwise, and return the backend's name.

    The choice is ``KERAS_BACKEND``, or that of a Keras which is imported already. ``keras.json`` does not
    count: Keras writes that file itself, with TensorFlow in it, on every machine it first runs on.
    """
    chosen = "keras" in sys.modules or "KERAS_BACKEND" in os.environ
    random_states = random.getstate(), np.random.get_state()  # noqa: NPY002  # importing Keras or JAX draws from them
    if not chosen:
        os.environ["KERAS_BACKEND"] = DEFAULT
    try:
        import keras
    except ModuleNotFoundError as error:
        if error.name in SUPPORTED and error.name == os.environ.get("KERAS_BACKEND"):
            raise ImportError(
                f"KERAS_BACKEND={error.name!r} needs the package {error.name!r}, which is not installed. Install it, "
                f"as with pip install 'sklstm[{error.name}]', or unset KERAS_BACKEND to use {DEFAULT!r}."
            ) from error
        raise
    finally:
        random.setstate(random_states[0])
        np.random.set_state(random_states[1])  # noqa: NPY002
        if not chosen:
            del os.environ["KERAS_BACKEND"]
    name = keras.backend.backend()
    if name not in SUPPORTED:
        raise ImportError(f"sklstm runs on the Keras backends {SUPPORTED}, but Keras was set to {name!r}.")
    return name


NAME = _import_keras()
