import os
from importlib.metadata import version
from pathlib import Path

# Before SciPy is imported: without it scikit-learn skips its array API checks.
os.environ["SCIPY_ARRAY_API"] = "1"
# Before JAX is imported: tests compile the same programs again and again, in this run and in the next one. With jax
# 0.5.0, programs from its cache gave wrong predictions.
if tuple(map(int, version("jax").split(".")[:2])) >= (0, 10):
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "jax"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

# Compilation takes most of the time of the tests, and its optimisations most of that.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import numpy as np
import pytest
from hypothesis import settings

from sklstm import LSTMForecaster, _engine  # noqa: F401  # the engine, before a test imports Keras itself

# A machine with other work is no fault of an example's.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items):
    """Mark tests as thorough that are so elsewhere: on other backends than JAX, and on the lowest versions."""
    if os.environ.get("KERAS_BACKEND", "jax") != "jax" or version("jax") == "0.5.0":
        for item in items:
            if any(mark.kwargs.get("thorough") for mark in item.iter_markers("backend")):
                item.add_marker("thorough")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def tiny():
    """Return a function that makes forecasters which fit in a moment, with nothing but one network."""
    defaults = {
        "units": 4,
        "n_networks": 1,
        "loss": "squared_error",
        "epochs": 2,
        "linear_skip": False,
        "learning_rate_schedule": "constant",
        "early_stopping": False,
        "normalize": True,
        "random_state": 0,
    }

    def make(**params):
        return LSTMForecaster(**defaults | params)

    return make


@pytest.fixture
def windows(rng):
    """Return windows of two features, of which some steps are missing, and a target that depends on them."""
    X = rng.standard_normal((40, 6, 2))
    y = X[:, -1, 0] + X[:, -2, 1]
    X[:4, :3] = np.nan
    X[7, 4, 1] = np.nan
    return X, y
