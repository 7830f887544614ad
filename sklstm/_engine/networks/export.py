"""Export: a fitted network as a Keras model for users."""

from math import ceil, log2

import keras
import numpy as np
from keras import layers, ops

from ..._specs import WINDOWS, NetworkSpec, OutputSpec, Scale, StepSpec
from ..runtime.precision import float32_by_default
from .builders import BuildOptions, keras_inputs, network_outputs, without_missing
from .objectives import make_loss, make_optimizer


@float32_by_default()
def to_keras(
    spec: NetworkSpec,
    weights: list[np.ndarray],
    scales: dict[str, Scale],
    step: StepSpec,
    output: OutputSpec,
    *,
    learning_rate: float,
) -> keras.Model:
    """Return a compiled model from raw windows to outputs in the units of the target, or to probabilities of classes.

    It is made of Keras' own layers and operations alone, so that it loads where this package is not installed.
    """
    inputs = keras_inputs(spec)
    standardised = {name: _rescaling(scales[name])(tensor) for name, tensor in inputs.items()}
    outputs = network_outputs(spec, standardised, BuildOptions(missing="anywhere", exported=True))
    if output.softmax:
        outputs = layers.Activation("softmax", dtype="float32")(outputs)  # which, unlike Softmax, takes no mask
    else:
        outputs = layers.Rescaling(output.std, output.mean, dtype="float32")(outputs)
    model_inputs = inputs[WINDOWS] if len(inputs) == 1 else inputs
    model = keras.Model(model_inputs, outputs)
    model.set_weights(weights)
    if output.linear_coef is not None and output.linear_coef.any():
        linear = _linear_outputs(standardised[WINDOWS], spec.n_outputs)
        model = keras.Model(model_inputs, layers.Add(dtype="float32")([outputs, linear]))
        model.get_layer("linear").set_weights([output.linear_coef.reshape(-1, spec.n_outputs)])
    loss = make_loss(step.loss, **({"from_logits": False} if output.softmax else {}))
    model.compile(make_optimizer(step.optimizer, learning_rate, step.global_clipnorm), loss)
    model.optimizer.build(model.trainable_variables)  # without its variables, a file would load with a warning
    return model


def _rescaling(scale: Scale) -> layers.Rescaling:
    return layers.Rescaling(1 / scale.std, -scale.mean / scale.std, dtype="float32")


def _linear_outputs(windows: keras.KerasTensor, n_outputs: int) -> keras.KerasTensor:
    """Return a linear function of windows in which each missing step is filled with the last one present before it."""
    n_steps = windows.shape[1]
    values, present = without_missing(windows)
    source = ops.where(present, ops.arange(n_steps), 0)
    for exponent in range(ceil(log2(n_steps))):  # the largest so far, by a parallel scan (Hillis & Steele 1986)
        shift = 2**exponent
        source = ops.maximum(source, ops.pad(source[:, :-shift], [(0, 0), (shift, 0)]))
    first = ops.argmax(ops.cast(present, "int32"), axis=1, keepdims=True)
    source = ops.maximum(source, ops.cast(first, "int32"))
    filled = ops.take_along_axis(values, source[:, :, None], axis=1)
    filled = layers.Flatten(dtype="float32")(filled)
    kernel = keras.initializers.GlorotUniform(seed=0)  # any, but not drawn from the global random state
    return layers.Dense(n_outputs, use_bias=False, kernel_initializer=kernel, dtype="float32", name="linear")(filled)
