"""The LSTM layers of a network of one's own: what they are, and what they read."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from .._specs import WINDOWS, LSTMLayer, NetworkSpec, Scale
from .._windows.arrays import standardise
from .networks.builders import hidden_states, keras_inputs
from .networks.output_layer import without_output
from .networks.recurrent import BuildOptions
from .networks.variables import assign_variables, weight_variables
from .runtime.precision import float32_by_default


@float32_by_default()
def lstm_layers(spec: NetworkSpec) -> list[LSTMLayer]:
    """Return the LSTM layers of a custom network, in the order in which Keras lists its layers."""
    return [
        LSTMLayer(_sequence(layer).shape[1], _lstm(layer).units, isinstance(layer, layers.Bidirectional))
        for layer in _layers(_model(spec))
    ]


@float32_by_default()
def read_lstm_layer(
    spec: NetworkSpec, weights: list[np.ndarray], number: int, scale: Scale
) -> tuple[list[np.ndarray], Callable]:
    """Return the weights of an LSTM layer, and a function from raw windows to what it reads and to its mask.

    The weights are kernel, recurrent kernel and bias, of each direction. The mask is True at steps that are present.
    """
    model = _model(spec)
    assign_variables(weight_variables(model), without_output(weights))
    layer = _layers(model)[number]
    read = keras.Model(model.inputs, model.get_layer("network")._inbound_nodes[0].input_tensors)
    network = model.get_layer("network")
    mask = layer._inbound_nodes[0].arguments.kwargs.get("mask")
    to_layer = keras.Model(network.inputs, {"inputs": _sequence(layer)} | ({} if mask is None else {"mask": mask}))

    def inputs_of(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        read_of_network = read({WINDOWS: ops.convert_to_tensor(standardise(windows, scale))}, training=False)
        found = {name: ops.convert_to_numpy(of) for name, of in to_layer(read_of_network, training=False).items()}
        return found["inputs"].astype(float), found.get("mask", np.ones(found["inputs"].shape[:2], bool))

    return layer.get_weights(), inputs_of


def _model(spec: NetworkSpec) -> keras.Model:
    symbols = keras_inputs(spec)
    return keras.Model(symbols, hidden_states(spec, symbols, BuildOptions("anywhere")))


def _layers(model: keras.Model) -> list[Any]:
    """Return the layers that compute the equations of the textbook, from states of zero."""
    return [layer for layer in model.get_layer("network").layers if _is_textbook(layer)]


def _lstm(layer: Any) -> Any:
    return layer.forward_layer if isinstance(layer, layers.Bidirectional) else layer


def _is_textbook(layer: Any) -> bool:
    directions = [layer]
    if isinstance(layer, layers.Bidirectional):
        directions = [layer.forward_layer, layer.backward_layer]
    if not all(isinstance(one, layers.LSTM) and one.use_bias and _has_default_activations(one) for one in directions):
        return False
    if [one.go_backwards for one in directions] != [False, True][: len(directions)]:
        return False
    if len(layer._inbound_nodes) != 1 or len({one.units for one in directions}) != 1:
        return False
    arguments = layer._inbound_nodes[0].arguments
    return len(arguments.args) == 1 and arguments.kwargs.get("initial_state") is None


def _has_default_activations(layer: layers.LSTM) -> bool:
    names = [keras.activations.serialize(f) for f in (layer.activation, layer.recurrent_activation)]
    return names == ["tanh", "sigmoid"]


def _sequence(layer: Any) -> Any:
    """Return the symbolic sequence that a layer reads, without initial states."""
    return layer._inbound_nodes[0].input_tensors[0]
