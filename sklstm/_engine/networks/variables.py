"""The variables of a network: its weights, in the order in which estimators keep them, and seeds.

The weights are the states of layers that training changes without a gradient, such as the moving means of a batch
normalization, and then those that have one.
"""

from collections.abc import Callable
from weakref import WeakKeyDictionary

import keras
import numpy as np

_weights_of_models: WeakKeyDictionary[keras.Model, list[keras.Variable]] = WeakKeyDictionary()


def weight_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the variables that training changes and predictions read.

    They keep the order that they have at first, whichever layers a callback freezes later.
    """
    if model not in _weights_of_models:
        _weights_of_models[model] = [*model.non_trainable_weights, *model.trainable_variables]
    return _weights_of_models[model]


def seed_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the states of the random number generators."""
    weights = {id(variable) for variable in model.non_trainable_weights}
    return [variable for variable in model.non_trainable_variables if id(variable) not in weights]


def read_variables(variables) -> list[np.ndarray]:
    """Return the values of variables as arrays of their own."""
    return [np.array(keras.ops.convert_to_numpy(v.value)) for v in variables]


def assign_variables(variables, values) -> None:
    """Give variables new values, whatever became of those before."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(np.asarray(value, dtype=keras.backend.standardize_dtype(variable.dtype)))


def stateless_call(model: keras.Model) -> Callable:
    """Return a function from weights and inputs to the outputs of a model, which changes nothing."""
    n_states = len(model.non_trainable_weights)
    places = {id(variable): place for place, variable in enumerate(model.non_trainable_weights)}
    seeds = {id(v): keras.ops.convert_to_numpy(v.value) for v in seed_variables(model)}

    def call(weights, inputs):
        states = [
            seeds[id(variable)] if id(variable) in seeds else weights[places[id(variable)]]
            for variable in model.non_trainable_variables
        ]
        outputs, _ = model.stateless_call(weights[n_states:], states, inputs, training=False)
        return outputs

    return call
