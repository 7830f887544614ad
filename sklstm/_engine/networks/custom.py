"""Networks of one's own: a function of the user's, or one of `ready`, builds them of Keras layers."""

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock

import keras
import numpy as np

from ..._specs import NetworkSpec
from ..runtime.precision import float32_by_default
from .ready import READY
from .variables import read_variables, weight_variables

_lock = RLock()  # of Python's random state, which is one for all threads


def build_custom(spec: NetworkSpec, windows, mask, *, dropout: float, recurrent_dropout: float, seed: int):
    """Return what the output layer sees of windows without missing values, and of a mask of the steps that are present.

    The layers are those of a model of its own, so that no name of them meets one of the package's.

    Raises
    ------
    TypeError, ValueError
        If the function takes other parameters, or what it returns is no network.
    """
    custom = spec.custom
    assert custom is not None  # or else another builder is asked
    build = READY[custom.build] if isinstance(custom.build, str) else custom.build
    settings = {
        "units": spec.units[0] if len(spec.units) == 1 else spec.units,
        "bidirectional": spec.bidirectional,
        "dropout": dropout,
        "recurrent_dropout": recurrent_dropout,
    }
    params = _params(build, settings, dict(custom.params))
    inputs = [
        keras.Input(windows.shape[1:], dtype="float32", name="windows"),
        keras.Input(mask.shape[1:], dtype="bool", name="mask"),
    ]
    with _drawn_from(seed):
        states = build(*inputs, **params)
    _check_states(states, _name(build), 3 if spec.pooling == "none" else 2)
    try:
        model = keras.Model(inputs, states, name="network")
    except ValueError as error:
        raise ValueError(f"network={_name(build)} must make what it returns of its first argument: {error}") from error
    _use_seeds(model)
    return model([windows, mask])


@float32_by_default()
def custom_weights(spec: NetworkSpec, rng: np.random.Generator, connect: Callable) -> tuple[list[np.ndarray], int]:
    """Return the weights that Keras initialises layers with, and how many numbers the output layer sees.

    `connect` returns symbolic inputs, and the states for a seed.
    """
    inputs, states = connect(int(rng.integers(2**31)))
    model = keras.Model(inputs, states)
    return read_variables(weight_variables(model)), states.shape[-1]


def _name(build: Callable) -> str:
    return getattr(build, "__name__", repr(build))


def _params(build: Callable, settings: dict, params: dict) -> dict:
    """Return the user's parameters of a function, and the settings of the estimator that it asks for by their names."""
    names = inspect.signature(build).parameters
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in names.values())
    unknown = [] if takes_any else [name for name in params if name not in names]
    if unknown:
        others = [name for name in list(names)[2:] if name not in settings]
        raise ValueError(f"network_params has {unknown}, while network={_name(build)} takes {others}.")
    return {name: value for name, value in settings.items() if name in names} | params


@contextmanager
def _drawn_from(seed: int) -> Iterator[None]:
    """Give Keras a random state for the seeds of layers that have none, and leave Python's as it was."""
    with _lock:
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)


def _use_seeds(model: keras.Model) -> None:
    """Let layers to which the user gave no seed draw by the state of their generators, as they do but on PyTorch."""
    for layer in model._flatten_layers():
        generator = getattr(layer, "seed_generator", None)
        if generator is not None and generator._initial_seed is None:
            generator._initial_seed = 0


def _check_states(states, name: str, n_dims: int) -> None:
    """Check that a function has returned a tensor that the output layer can read."""
    expected = "(n_samples, n_numbers)" if n_dims == 2 else "(n_samples, n_steps, n_numbers)"
    if not isinstance(states, keras.KerasTensor):
        raise TypeError(
            f"network={name} must return a tensor of shape {expected}, made by Keras layers of its first argument. Got "
            f"{type(states).__name__} instead."
        )
    if len(states.shape) != n_dims or None in states.shape[1:]:
        cure = " For the last state alone, set return_sequences=False in the last layer." if n_dims == 2 else ""
        raise ValueError(
            f"network={name} must return a tensor of shape {expected}. Got the shape {states.shape} instead.{cure}"
        )
