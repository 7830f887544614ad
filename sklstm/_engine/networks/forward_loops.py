"""Loops that run forwards: layers that read backwards, replaced by layers that read a reversed sequence."""

import keras
from keras import layers, ops


def with_forward_loops(model: keras.Model) -> keras.Model:
    """Return a model of the same layers without loops that run backwards, which jax2onnx cannot export.

    Bidirectional layers no longer hand on the mask that they are called with. The given model must not be called again,
    since it has the same layers.
    """
    if not any(isinstance(layer, layers.Bidirectional) for layer in model._flatten_layers()):
        return model
    return keras.models.clone_model(
        model, clone_function=lambda layer: layer, call_function=_called_forwards, recursive=True
    )


def _called_forwards(layer: layers.Layer, *args, **kwargs):
    """Return what a layer returns, for a bidirectional one by two layers that both read forwards."""
    has_states = kwargs.get("initial_state") is not None or len(args) > 1
    if not isinstance(layer, layers.Bidirectional) or layer.merge_mode != "concat" or has_states:
        return layer(*args, **kwargs)
    (sequences,), mask = args, kwargs.get("mask")
    forwards = layer.forward_layer(sequences, mask=mask)
    backward = layer.backward_layer
    backward.go_backwards = False
    backwards = backward(ops.flip(sequences, axis=1), mask=None if mask is None else ops.flip(mask, axis=1))
    if not layer.return_state:
        return _side_by_side(forwards, backwards, layer.return_sequences)
    hidden = _side_by_side(forwards[0], backwards[0], layer.return_sequences)
    return (hidden, *forwards[1:], *backwards[1:])


def _side_by_side(forwards: keras.KerasTensor, backwards: keras.KerasTensor, are_sequences: bool) -> keras.KerasTensor:
    """Return hidden states of both directions."""
    if are_sequences:
        backwards = ops.flip(backwards, axis=1)
    return layers.Concatenate(dtype="float32")([forwards, backwards])
