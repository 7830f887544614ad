"""Ready networks, by their short names: what a user's own function does, in the same way."""

from collections.abc import Callable
from math import prod

from keras import layers, ops


def conv_lstm(
    windows, mask, *, units, bidirectional, dropout, recurrent_dropout, filters=64, kernel_size=5, pool_size=4
):
    """Return the last hidden state of an LSTM on convolved and pooled steps: fewer of them, for long sequences."""
    present = ops.cast(mask[:, :, None], "float32")
    features = layers.Conv1D(filters, kernel_size, padding="same", activation="relu")(windows) * present
    pooled, kept = _max_pooled(features, pool_size), _max_pooled(present, pool_size)[:, :, 0] > 0
    return _lstm_layers(units, bidirectional, dropout, recurrent_dropout)(pooled, kept)


def lstm_fcn(
    windows, mask, *, units, bidirectional, dropout, recurrent_dropout, filters=(128, 256, 128), kernel_sizes=(8, 5, 3)
):
    """Return the last state of an LSTM beside the mean of a fully convolutional network (Karim et al. 2018).

    The LSTM reads one variable after the other, each with all its steps: the dimension shuffle of the paper.
    """
    present = ops.cast(mask[:, :, None], "float32")
    recurrent = _lstm_layers(units, bidirectional, 0.0, recurrent_dropout)(ops.transpose(windows, (0, 2, 1)), None)
    recurrent = layers.Dropout(dropout)(recurrent)
    features = windows
    for n, size in zip(filters, kernel_sizes, strict=True):
        features = layers.Conv1D(n, size, padding="same", kernel_initializer="he_uniform")(features)
        features = layers.BatchNormalization()(features)
        features = ops.relu(features) * present
    mean = ops.sum(features, axis=1) / ops.maximum(ops.sum(present, axis=1), 1.0)
    return ops.concatenate([recurrent, mean], axis=1)


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


READY: dict[str, Callable] = {"conv_lstm": conv_lstm, "lstm_fcn": lstm_fcn, "frames": frames}


def _max_pooled(features, size):
    """Return the maxima of blocks of so many steps or of so many pixels each way, of features that are not negative.

    On CPUs its gradient takes a third of the time of that of Keras' layers.
    """
    *lengths, n_features = features.shape[1:]
    filled = ops.pad(features, [(0, 0), *((0, -length % size) for length in lengths), (0, 0)])
    blocks = [part for length in filled.shape[1:-1] for part in (length // size, size)]
    within = tuple(range(2, len(blocks) + 1, 2))
    return ops.max(ops.reshape(filled, (-1, *blocks, n_features)), axis=within)


def _lstm_layers(units, bidirectional, dropout, recurrent_dropout, return_sequences=False):
    """Return a function from steps and their mask to the last hidden state of stacked LSTM layers, or to all."""
    sizes = units if isinstance(units, list | tuple) else [units]

    def last_state(hidden, mask):
        for depth, n_units in enumerate(sizes):
            layer = layers.LSTM(
                n_units,
                return_sequences=return_sequences or depth < len(sizes) - 1,
                dropout=dropout,
                recurrent_dropout=recurrent_dropout,
            )
            hidden = (layers.Bidirectional(layer) if bidirectional else layer)(hidden, mask=mask)
        return hidden

    return last_state
