"""Ready networks, by their short names: what a user's own function does, in the same way."""

import inspect
from collections.abc import Callable
from math import prod

import keras
from keras import layers, ops

SHORT = 64  # steps, of sequences that "conv_lstm" does not pool
MOMENTUM = 0.9  # of batch normalization: with Keras' 0.99, moving statistics need more steps than a fit may have


def conv_lstm(
    windows,
    mask,
    *,
    units,
    bidirectional,
    dropout,
    recurrent_dropout,
    filters=(64, 64, 64),
    kernel_sizes=None,
    pool_size=None,
):
    """Return the mean and the last of an LSTM's hidden states on convolved and pooled steps, beside these steps' mean.

    Of two directions, the last hidden states are those of the last step, of which the backward one has read this step
    alone.
    """
    windows, mask = _moved_to_the_end(windows, mask)
    is_short = windows.shape[1] < SHORT
    if kernel_sizes is None:
        kernel_sizes = (8, 5, 3) if is_short else (32, 10, 6)
    if pool_size is None:
        pool_size = 1 if is_short else 4
    features, kept = _convolved(windows, mask, filters, kernel_sizes, pool_size)
    hidden = _lstm_layers(units, bidirectional, 0.0, recurrent_dropout, return_sequences=True)(features, kept)
    recurrent = ops.concatenate([_mean(hidden * _as_numbers(kept), kept), hidden[:, -1]], axis=1)
    return ops.concatenate([layers.Dropout(dropout)(recurrent), _mean(features, kept)], axis=1)


def lstm_fcn(
    windows, mask, *, units, bidirectional, dropout, recurrent_dropout, filters=(128, 256, 128), kernel_sizes=(8, 5, 3)
):
    """Return the last state of an LSTM beside the mean of a fully convolutional network (Karim et al. 2018).

    The LSTM reads one variable after the other, each with all its steps: the dimension shuffle of the paper.
    """
    windows, mask = _moved_to_the_end(windows, mask)
    recurrent = _lstm_layers(units, bidirectional, 0.0, recurrent_dropout)(ops.transpose(windows, (0, 2, 1)), None)
    recurrent = layers.Dropout(dropout)(recurrent)
    return ops.concatenate([recurrent, _mean(*_convolved(windows, mask, filters, kernel_sizes))], axis=1)


def frames(
    windows,
    mask,
    *,
    units,
    bidirectional,
    dropout,
    recurrent_dropout,
    return_sequences,
    filters=(16, 32),
    kernel_size=3,
    pool_size=2,
):
    """Return the last hidden state of an LSTM on what a convolutional network sees in each frame (Donahue et al. 2015).

    Without frames, the features of a step are a row of pixels, as in a spectrum.
    """
    if len(windows.shape) == 3:
        windows = windows[:, :, None, :, None]
    images = ops.reshape(windows, (-1, *windows.shape[2:]))
    for n in filters:
        images = layers.Conv2D(n, kernel_size, padding="same", activation="relu")(images)
        images = _max_pooled(images, pool_size)
    features = ops.reshape(images, (-1, windows.shape[1], prod(images.shape[1:])))
    return _lstm_layers(units, bidirectional, dropout, recurrent_dropout, return_sequences)(features, mask)


def check_ready_params(build: Callable, params: dict) -> None:
    """Check values of a ready network's own parameters.

    Raises
    ------
    ValueError
        If one is neither the default nor what the network can be built with.
    """
    for name, value in params.items():
        is_right, expected = PARAMS[name]
        if value != inspect.signature(build).parameters[name].default and not is_right(value):
            raise ValueError(f"{name} of network_params must be {expected}. Got {value!r} instead.")


def _is_size(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_sizes(value) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_size, value))


def _is_kernel_size(value) -> bool:
    return _is_size(value) or (_are_sizes(value) and len(value) == 2)


PARAMS: dict[str, tuple[Callable, str]] = {
    "filters": (_are_sizes, "a list of positive ints"),
    "kernel_sizes": (_are_sizes, "a list of positive ints, one for each of filters"),
    "kernel_size": (_is_kernel_size, "a positive int, or a list of two"),
    "pool_size": (_is_size, "a positive int"),
}

READY: dict[str, Callable] = {"conv_lstm": conv_lstm, "lstm_fcn": lstm_fcn, "frames": frames}


def _moved_to_the_end(windows, mask):
    """Return windows and masks whose missing steps behind the last one that is present stand before the first one.

    So blocks of steps that are pooled, and the last hidden state, do not depend on where sequences are padded.
    """
    n_steps = mask.shape[1]
    n_behind = ops.argmax(ops.cast(ops.flip(mask, axis=1), "int32"), axis=1)[:, None, None]
    steps = ops.concatenate([windows, _as_numbers(mask)], axis=2)
    for exponent in reversed(range((n_steps - 1).bit_length())):  # which, unlike a gather, exports to ONNX everywhere
        shift = 2**exponent
        moves = n_behind >= shift
        n_behind = n_behind - shift * ops.cast(moves, n_behind.dtype)
        steps = ops.where(moves, ops.roll(steps, shift, axis=1), steps)
    return steps[:, :, :-1], steps[:, :, -1] > 0


def _max_pooled(features, size):
    """Return the maxima of blocks of so many pixels each way, of features that are not negative.

    On CPUs its gradient takes a third of the time of that of Keras' layer.
    """
    height, width, n_features = features.shape[1:]
    filled = ops.pad(features, [(0, 0), (0, -height % size), (0, -width % size), (0, 0)])
    n_rows, n_columns = filled.shape[1] // size, filled.shape[2] // size
    return ops.max(ops.reshape(filled, (-1, n_rows, size, n_columns, size, n_features)), axis=(2, 4))


def _convolved(steps, mask, filters, kernel_sizes, pool_size=1):
    """Return the features of blocks of convolution, batch normalization and ReLU, and which steps they have.

    The first block is followed by pooling. Features of missing steps are zeros.
    """
    if len(filters) != len(kernel_sizes):
        raise ValueError(
            f"filters and kernel_sizes must be lists of the same length. Got {filters!r} and {kernel_sizes!r} instead."
        )
    for depth, (n_filters, size) in enumerate(zip(filters, kernel_sizes, strict=True)):
        convolve = layers.Conv1D(n_filters, size, padding="same", use_bias=False, kernel_initializer="he_uniform")
        features = layers.BatchNormalization(momentum=MOMENTUM)(convolve(steps), mask=mask)
        steps = ops.relu(features) * _as_numbers(mask)
        if depth == 0 and pool_size > 1:
            steps = layers.MaxPooling1D(pool_size, padding="same")(steps)
            mask = layers.MaxPooling1D(pool_size, padding="same")(_as_numbers(mask))[:, :, 0] > 0
    return steps, mask


def _mean(features, mask) -> keras.KerasTensor:
    """Return the mean over the steps that are present, of features that are zeros at others."""
    return ops.sum(features, axis=1) / ops.maximum(ops.sum(_as_numbers(mask), axis=1), 1.0)


def _as_numbers(mask) -> keras.KerasTensor:
    return ops.cast(mask[:, :, None], "float32")


def _lstm_layers(units, bidirectional, dropout, recurrent_dropout, return_sequences=False):
    """Return a function from steps and their mask to the hidden states of stacked LSTM layers, or to the last one."""
    sizes = units if isinstance(units, list | tuple) else [units]

    def states(hidden, mask):
        for depth, n_units in enumerate(sizes):
            layer = layers.LSTM(
                n_units,
                return_sequences=return_sequences or depth < len(sizes) - 1,
                dropout=dropout,
                recurrent_dropout=recurrent_dropout,
            )
            hidden = (layers.Bidirectional(layer) if bidirectional else layer)(hidden, mask=mask)
        return hidden

    return states
