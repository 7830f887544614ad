"""Networks of one's own: a function of the user's, or one of `ready`, builds them of Keras layers."""

import inspect
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock

import keras
import numpy as np

from ..._specs import NetworkSpec
from ..runtime.precision import float32_by_default
from .ready import READY, check_ready_params
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
        "return_sequences": spec.pooling == "none",
    }
    params = _params(build, settings, json.loads(custom.params))
    inputs = [
        keras.Input(windows.shape[1:], dtype="float32", name="windows"),
        keras.Input(mask.shape[1:], dtype="bool", name="mask"),
    ]
    with _drawn_from(seed):
        states = build(*inputs, **params)
    _check_states(states, _name(build), windows.shape[1] if spec.pooling == "none" else None)
    model = _connected(inputs, states, _name(build))
    _check_layers(model, _name(build))
    _use_seeds(model)
    return model([windows, mask][: len(model.inputs)])


@float32_by_default()
def custom_weights(spec: NetworkSpec, rng: np.random.Generator, connect: Callable) -> tuple[list[np.ndarray], int]:
    """Return the weights that Keras initialises layers with, and how many numbers the output layer sees.

    `connect` returns symbolic inputs, and the states for a seed.
    """
    inputs, states = connect(int(rng.integers(2**31)))
    model = keras.Model(inputs, states)
    if spec.custom and spec.custom.is_causal:
        _check_causal(model.get_layer("network"), _name(spec.custom.build))
    return read_variables(weight_variables(model)), states.shape[-1]


def _name(build: Callable | str) -> str:
    return build if isinstance(build, str) else getattr(build, "__name__", repr(build))


def _params(build: Callable, settings: dict, params: dict) -> dict:
    """Return the user's parameters of a function, and the settings of the estimator that it asks for by their names."""
    names = inspect.signature(build).parameters
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in names.values())
    others = [name for name in list(names)[2:] if name not in settings]
    unknown = [name for name in params if name in settings or not (takes_any or name in others)]
    if unknown:
        raise ValueError(
            f"network_params has {unknown}, while network={_name(build)} takes {others}. Parameters of the estimator "
            f"set {list(settings)}."
        )
    if build in READY.values():
        check_ready_params(build, params)
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


def _check_states(states, name: str, n_steps: int | None) -> None:
    """Check that a function has returned a tensor that the output layer can read, at each of so many steps if given."""
    shape = () if n_steps is None else (n_steps,)
    expected = f"({', '.join(['n_samples', *map(str, shape), 'n_numbers'])})"
    if not isinstance(states, keras.KerasTensor):
        raise TypeError(
            f"network={name} must return a tensor of shape {expected}, made by Keras layers of its first argument. Got "
            f"{type(states).__name__} instead."
        )
    if states.shape[1:-1] != shape or len(states.shape) < 2 or states.shape[-1] is None:
        cure = " For the last state alone, set return_sequences=False in the last layer." if n_steps is None else ""
        raise ValueError(
            f"network={name} must return a tensor of shape {expected}. Got the shape {states.shape} instead.{cure}"
        )


def _connected(inputs: list[keras.KerasTensor], states: keras.KerasTensor, name: str) -> keras.Model:
    """Return a model from windows, and from the mask if it is read: Keras before 3.15 refuses an input that is not."""
    windows, mask = inputs
    error = f"network={name} must make what it returns of its first argument"
    if not _is_read(windows):
        raise ValueError(f"{error}, but no layer reads that argument.")
    try:
        return keras.Model(inputs if _is_read(mask) else [windows], states, name="network")
    except ValueError as of_keras:
        raise ValueError(f"{error}: {of_keras}") from of_keras


def _is_read(tensor: keras.KerasTensor) -> bool:
    return bool(tensor._keras_history.operation._outbound_nodes)


def _check_layers(model: keras.Model, name: str) -> None:
    """Check that all layers were made for this model: others would share their weights with other networks."""
    nodes = {id(node) for nodes in model._nodes_by_depth.values() for node in nodes}
    made_before = [layer.name for layer in model.layers if any(id(node) not in nodes for node in layer._inbound_nodes)]
    if made_before:
        raise ValueError(
            f"network={name} uses the layers {made_before} again, which were made outside of it. Make all layers "
            "within the function, so that each network has weights of its own."
        )


def _check_causal(model: keras.Model, name: str) -> None:
    """Check that outputs at each step do not depend on later steps, of which a text that is written has none.

    Parameters
    ----------
    model : keras.Model
        A custom network, from windows and mask to outputs at each step.
    name : str
        What to call it.

    Raises
    ------
    ValueError
        If they do.
    """
    windows = np.random.default_rng(0).standard_normal((2, *model.inputs[0].shape[1:]))
    windows[1, :-1] = windows[0, :-1]
    mask = np.ones(windows.shape[:2], dtype=bool)
    inputs = [windows.astype(np.float32), mask][: len(model.inputs)]
    states = keras.ops.convert_to_numpy(model(inputs, training=False))
    if not np.allclose(states[0, :-1], states[1, :-1], rtol=1e-4, atol=1e-5):
        raise ValueError(
            f"network={name} reads later steps than those it has outputs for, which tell what it is to learn. Use "
            'layers that look back only, such as Conv1D(padding="causal"), and none that read in both directions.'
        )
