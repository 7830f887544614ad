"""Export: a fitted network as a Keras model for users."""

from dataclasses import replace
from math import ceil, log2
from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from ..._specs import WINDOWS, Meaning, NetworkSpec, OutputSpec, Scale, StepSpec
from ..runtime.precision import float32_by_default
from .builders import keras_inputs, network_outputs
from .forward_loops import with_forward_loops
from .objectives import make_loss, make_optimizer
from .quantiles import quantile_tensor
from .recurrent import BuildOptions, without_missing
from .variables import assign_variables, weight_variables

EXPORTED = BuildOptions(missing="anywhere", exported=True)


class Exported(NamedTuple):
    """A model for users, and the variables of each of its networks, in the order of their weights."""

    model: keras.Model
    variables: list[list[keras.Variable]]


@float32_by_default()
def export(
    spec: NetworkSpec,
    networks: list[list[np.ndarray]],
    scales: dict[str, Scale],
    step: StepSpec,
    output: OutputSpec,
    *,
    learning_rate: float,
) -> Exported:
    """Return a compiled model from raw windows to outputs in the units of the target, or to probabilities of classes.

    Quantiles have an axis of their own, the last one. `networks` are the weights of each, over whose outputs, decoded,
    it takes the mean. It is made of Keras' own layers and operations alone, so that it loads where this package is not
    installed.
    """
    inputs = {
        item.name: keras.Input((*item.shape[:-1], len(scales[item.name].mean)), dtype="float32", name=item.name)
        for item in spec.inputs
    }
    standardised = {name: _rescaling(scales[name])(tensor) for name, tensor in inputs.items()}
    entering = {name: _deviations_and_level(tensor, scales[name]) for name, tensor in standardised.items()}
    model_inputs = inputs[WINDOWS] if len(inputs) == 1 else inputs
    if len(networks) == 1:
        outputs = network_outputs(spec, entering, EXPORTED)
        models = [keras.Model(model_inputs, outputs)]
        outputs = _decoded(outputs, output.meaning)
    else:
        models = [_network_model(spec, f"network_{number}") for number in range(len(networks))]
        of_networks = [_decoded(model(entering), output.meaning) for model in models]
        outputs = layers.Average(dtype="float32")(of_networks)
    variables = [weight_variables(model) for model in models]
    for of_network, weights in zip(variables, networks, strict=True):
        assign_variables(of_network, weights)
    if output.meaning.kind != "logits":
        outputs = layers.Rescaling(output.std, output.mean, dtype="float32")(outputs)
    model = keras.Model(model_inputs, outputs)
    if output.linear_coef is not None and output.linear_coef.any():
        n_outputs = output.linear_coef.shape[-1]
        model = keras.Model(model_inputs, _sum(model.output, _linear_outputs(standardised[WINDOWS], n_outputs)))
        model.get_layer("linear").set_weights([output.linear_coef.reshape(-1, n_outputs)])
    if output.level_coef is not None and output.level_coef.any():
        level = _dense(output.level_coef.shape[-1], "level")(_window_means(standardised[WINDOWS]))
        model = keras.Model(model_inputs, _sum(model.output, level))
        model.get_layer("level").set_weights([output.level_coef])
    loss = _loss_for_users(step, output)
    if not _needs_masks(spec, loss):
        model = with_forward_loops(model)
    model.compile(make_optimizer(step.optimizer, learning_rate, step.global_clipnorm), loss)
    model.optimizer.build(model.trainable_variables)  # without its variables, a file would load with a warning
    model(model.input)  # or else Keras refuses to export it to ONNX, as a model that was never called
    return Exported(model, variables)


def _needs_masks(spec: NetworkSpec, loss: keras.losses.Loss | None) -> bool:
    """Tell whether the masks that layers hand on have an effect, which forward loops do not keep."""
    if spec.custom and not isinstance(spec.custom.build, str):
        return True
    of_steps = spec.pooling == "none" and spec.builder != "encoder_decoder"
    return of_steps and loss is not None  # of which Keras weighs steps by the mask


def _loss_for_users(step: StepSpec, output: OutputSpec) -> keras.losses.Loss | None:
    """Return a loss of Keras' own, if there is one.

    There is none for quantiles, and none for labels without their places, since Keras' takes no lengths of sequences.
    """
    if step.loss in ("ctc", "quantile"):
        return None
    return make_loss(step.loss, **({"from_logits": False} if output.meaning.kind == "logits" else {}))


def _network_model(spec: NetworkSpec, name: str) -> keras.Model:
    """Return a model from standardised windows to one network's outputs."""
    inputs = keras_inputs(spec)
    options = replace(EXPORTED, prefix=f"{name}_")  # since PyTorch tells variables by the names of their layers
    return keras.Model(inputs, network_outputs(spec, inputs, options), name=name)


def _decoded(outputs: keras.KerasTensor, meaning: Meaning) -> keras.KerasTensor:
    """Return what a network's outputs mean: probabilities by logits, quantiles, or numbers as they are."""
    if meaning.kind == "logits":
        return layers.Activation("softmax", dtype="float32")(outputs)  # which, unlike Softmax, takes no mask
    return quantile_tensor(outputs, meaning.quantiles) if meaning.kind == "quantiles" else outputs


def _sum(outputs: keras.KerasTensor, of_target: keras.KerasTensor) -> keras.KerasTensor:
    """Return outputs with something added to each output of the target, to all its quantiles alike."""
    if len(outputs.shape) > len(of_target.shape):
        of_target = ops.expand_dims(of_target, -1)
    return layers.Add(dtype="float32")([outputs, of_target])


def _rescaling(scale: Scale) -> layers.Rescaling:
    return layers.Rescaling(1 / scale.std, -scale.mean / scale.std, dtype="float32")


def _deviations_and_level(windows: keras.KerasTensor, scale: Scale) -> keras.KerasTensor:
    """Return what `standardise` makes of standardised windows."""
    if scale.deviation is None:
        return windows
    level = ops.zeros_like(windows) + _window_means(windows)[:, None]
    deviations = layers.Rescaling(1 / scale.deviation, dtype="float32")(windows - level)
    return ops.concatenate([deviations, ops.tanh(level)], axis=2)


def _window_means(windows: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean of each feature over the steps that are present."""
    values, present = without_missing(windows)
    n_present = ops.sum(ops.cast(present, "float32"), axis=1, keepdims=True)
    return ops.sum(values, axis=1) / ops.maximum(n_present, 1.0)


def _dense(n_outputs: int, name: str) -> layers.Dense:
    kernel = keras.initializers.GlorotUniform(seed=0)  # any, but not drawn from the global random state
    return layers.Dense(n_outputs, use_bias=False, kernel_initializer=kernel, dtype="float32", name=name)


def _linear_outputs(windows: keras.KerasTensor, n_outputs: int) -> keras.KerasTensor:
    """Return a linear function of windows in which each missing step is filled with the last one present before it."""
    filled, present = without_missing(windows)
    for before, after in ((1, 0), (0, 1)):  # forwards, and what is missing before all others backwards
        for exponent in range(ceil(log2(windows.shape[1]))):  # by a parallel scan (Hillis & Steele 1986)
            steps = 2**exponent
            is_found, found = (_shifted(array, steps * before, steps * after) for array in (present, filled))
            filled = ops.where(present[:, :, None], filled, found)
            present = ops.logical_or(present, is_found)
    return _dense(n_outputs, "linear")(layers.Flatten(dtype="float32")(filled))


def _shifted(steps: keras.KerasTensor, before: int, after: int) -> keras.KerasTensor:
    """Return steps with so many zeros before or after them, and as many less at the other end."""
    padding = [(0, 0), (before, after), *[(0, 0)] * (len(steps.shape) - 2)]
    return ops.pad(steps[:, after : steps.shape[1] - before], padding)
