"""Clips: frames at each step."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sklstm import LSTMClassifier, LSTMForecaster, pad_sequences
from sklstm.plotting import GatesDisplay, RelevanceDisplay


def make(**params):
    settings = {"network": "frames", "network_params": {"filters": [4]}, "epochs": 20, "random_state": 0}
    return LSTMClassifier(**{"units": 6, "learning_rate": 0.02} | settings | params)


@pytest.fixture
def clips(rng):
    """Return clips of a bright dot that moves up or down a dark, noisy image, and where it moves."""
    X = rng.integers(0, 40, size=(60, 5, 7, 6), dtype=np.uint8)
    y = rng.choice(["up", "down"], size=60)
    for clip, way, column in zip(X, y, rng.integers(6, size=60), strict=True):
        rows = np.arange(5) + rng.integers(3)
        clip[np.arange(5), rows if way == "down" else rows[::-1], column] = 255
    return X, y


def pooled(windows, mask, *, units):
    """A network of one's own: the mean of each image."""
    from keras import layers, ops

    return layers.LSTM(units)(ops.mean(windows, axis=(2, 3)), mask=mask)


@pytest.mark.backend(thorough=True)
def test_learns_which_way(clips):
    X, y = clips
    model = make(epochs=40).fit(X[:40], y[:40])
    assert model.score(X[40:], y[40:]) > 0.9
    assert_allclose(model.to_keras().predict(X[..., np.newaxis], verbose=0), model.predict_proba(X), atol=1e-5)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))
    assert_array_equal(model.predict_proba(X[7:8]), model.predict_proba(X)[7:8])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float16, np.float32, np.float64])
def test_equal_frames_of_all_dtypes_make_equal_models(clips, dtype):
    X, y = clips
    model, other = make(epochs=2).fit(X, y), make(epochs=2).fit(X.astype(dtype), y)
    for array, of_other in zip(model.weights_, other.weights_, strict=True):
        assert_array_equal(array, of_other)
    assert_array_equal(model.predict_proba(X.astype(dtype)), model.predict_proba(X))


def test_channels_are_standardised_over_all_pixels(rng):
    X = rng.normal([5, -3, 0], [1, 2, 3], size=(30, 4, 5, 6, 3))
    weight = np.arange(30.0)
    model = make(epochs=1).fit(X, np.arange(30) % 2, weight)
    pixels, of_pixels = X.reshape(-1, 3), np.repeat(weight, 4 * 5 * 6)
    assert_allclose(model.feature_mean_, np.average(pixels, weights=of_pixels, axis=0))
    variance = np.average((pixels - model.feature_mean_) ** 2, weights=of_pixels, axis=0)
    assert_allclose(model.feature_scale_, np.sqrt(variance))
    assert (model.n_features_in_, model.n_steps_in_) == (3, 4)
    assert make(epochs=1).fit(X[..., 0], np.arange(30) % 2).n_features_in_ == 1


def test_clips_of_different_lengths(clips):
    """What pad_sequences fills in does not count."""
    X, y = clips
    padded = pad_sequences([clip[i % 3 :] for i, clip in enumerate(X)])
    assert (padded.shape, padded.dtype) == (X.shape, np.float32)
    model = make(epochs=2).fit(padded, y)
    longer = pad_sequences(list(padded), n_steps=8)
    again = make(epochs=2).fit(longer, y)
    assert_allclose(again.predict_proba(longer), model.predict_proba(padded), rtol=1e-3)
    assert_allclose(model.feature_mean_, np.nanmean(padded), rtol=1e-6)


def test_a_class_for_each_frame(clips):
    X, _ = clips
    is_upper = (X[:, :, :3] == 255).any(axis=(2, 3))
    model = make(pooling="none").fit(X[:40], is_upper[:40])
    assert model.score(X[40:], is_upper[40:]) > 0.9


def test_a_network_of_ones_own_reads_frames(clips):
    X, _ = clips
    X = X.copy()
    X[::2] //= 2
    bright = np.arange(60) % 2
    assert make(network=pooled, network_params=None).fit(X[:40], bright[:40]).score(X[40:], bright[40:]) > 0.95


def test_without_frames_features_are_a_row_of_pixels(rng):
    """A peak somewhere in a spectrum, of one sign or the other."""
    X = rng.normal(0, 0.1, size=(60, 4, 9))
    y = rng.integers(2, size=60)
    X[np.arange(60), :, rng.integers(9, size=60)] = np.where(y, 3, -3)[:, np.newaxis]
    assert make().fit(X[:40], y[:40]).score(X[40:], y[40:]) > 0.9
    assert_allclose(
        make(epochs=1).fit(X, y).predict_proba(X),
        make(epochs=1).fit(X[:, :, np.newaxis, :], y).predict_proba(X[:, :, np.newaxis, :]),
        atol=0.1,
    )


def test_kernels_of_two_sizes(clips):
    """One for rows and one for columns; without filters, the LSTM reads pixels."""
    wide = make(network_params={"filters": [4], "kernel_size": [1, 3]}, epochs=1).fit(*clips)
    assert wide.weights_[0].shape == (1, 3, 1, 4)
    assert make(network_params={"filters": []}, epochs=1).fit(*clips).weights_[0].shape[0] == 42


def test_a_memory_map_is_read_as_it_is(clips, tmp_path):
    X, y = clips
    np.save(tmp_path / "clips.npy", X)
    mapped = np.load(tmp_path / "clips.npy", mmap_mode="r")
    assert_array_equal(make(epochs=2).fit(mapped, y).predict_proba(mapped), make(epochs=2).fit(X, y).predict_proba(X))


def test_in_a_cross_validation_with_early_stopping(clips):
    X, y = clips
    model = make(early_stopping=True, epochs=2)
    assert cross_val_score(model, X, y, cv=2).shape == (2,)
    partial = clone(model).set_params(early_stopping=False).partial_fit(X, y, classes=["down", "up"])
    assert partial.predict(X).shape == (60,)


# Looking inside


def test_relevance_of_pixels(clips):
    X, y = clips
    model = make().fit(X, y)
    relevance = model.input_relevance(X[:3], output="up")
    assert relevance.shape == (3, 5, 7, 6, 1)
    baseline = np.broadcast_to(model.feature_mean_, X[:1].shape)
    difference = model.predict_proba(X[:3])[:, 1] - model.predict_proba(baseline)[:, 1]
    assert_allclose(relevance.sum(axis=(1, 2, 3, 4)), difference, atol=1e-4)


def test_gates_of_frames(clips):
    X, y = clips
    model = make(epochs=1).fit(X, y)
    assert model.gates(X[:3]).cell_state.shape == (3, 5, 6)


@pytest.mark.parametrize("display", [GatesDisplay, RelevanceDisplay])
def test_displays_refuse_frames(clips, display):
    pytest.importorskip("matplotlib")
    X, y = clips
    model = make(epochs=1).fit(X, y)
    params = {"output": "up"} if display is RelevanceDisplay else {}
    with pytest.raises(ValueError, match="Expected 2D or 3D array, got 4D array"):
        display.from_estimator(model, X[:1], **params)


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[:, :, :5], r"X has frames of shape \(5, 6\), but LSTMClassifier is expecting \(7, 6\)"),
        (lambda X: X[..., :3], r"frames of shape \(7, 3\)"),
        (lambda X: X[:, :4], "X has 4 steps, but LSTMClassifier is expecting 5 steps"),
        (lambda X: X[..., np.newaxis], "X has 5 dimensions, but LSTMClassifier is expecting 4 dimensions"),
        (lambda X: X[:, :, 0], "X has 3 dimensions, but LSTMClassifier is expecting 4 dimensions"),
        (lambda X: np.where(X > 50, np.inf, X), "Input X contains infinity"),
    ],
)
def test_other_frames_than_in_fit(clips, change, message):
    X, y = clips
    model = make(epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=message):
        model.predict(change(X))


@pytest.mark.parametrize(
    ("model", "change", "message"),
    [
        (make(network="lstm", network_params=None), lambda X: X, "dim 4, while dim <= 3.*Frames are for .*'frames'"),
        (make(network="lstm_fcn", network_params=None), lambda X: X, "dim 4, while dim <= 3"),
        (LSTMForecaster(network=pooled), lambda X: X, "dim 4, while dim <= 3 is required by LSTMForecaster"),
        (LSTMForecaster(network="frames"), lambda X: X[:, :, 0], "The 'network' parameter of LSTMForecaster"),
        (make(), lambda X: X[..., np.newaxis, np.newaxis], "dim 6, while dim <= 5"),
        (make(), lambda X: X[:, :, :0], r"Found array with 0 row\(s\)"),
        (make(), lambda X: X[..., :0], r"Found array with 0 column\(s\)"),
        (make(embedding_dim=2), lambda X: X, "expecting 1 feature a step, but X has 42 features"),
        (make(pooling="max"), lambda X: X, "pooling='max' is for network='lstm'"),
        (make(network_params={"filter": [4]}), lambda X: X, "takes .'filters', 'kernel_size', 'pool_size'."),
        (make(network_params={"filters": 8}), lambda X: X, "filters of network_params must be a list of positive ints"),
        (make(network_params={"pool_size": [2, 2]}), lambda X: X, "pool_size of network_params must be a positive int"),
        (make(network_params={"pool_size": None}), lambda X: X, "pool_size of network_params must be a positive int"),
        (make(network_params={"kernel_size": [3]}), lambda X: X, "kernel_size of .* a positive int, or a list of two"),
        (make(), lambda X: np.full(X.shape, np.nan), "missing value in every step of every row"),
    ],
)
def test_what_no_network_of_frames_can_read(clips, model, change, message):
    X, y = clips
    y = np.arange(60.0) if isinstance(model, LSTMForecaster) else y
    with pytest.raises(ValueError, match=message):
        model.fit(change(X), y)


@pytest.mark.parametrize(
    "clips_to_pad",
    [[np.zeros((2, 3, 3)), np.zeros((2, 3, 4))], [np.zeros((2, 1, 1, 1, 1))], [np.zeros(2), np.zeros((2, 3, 3))]],
)
def test_clips_that_cannot_be_padded(clips_to_pad):
    with pytest.raises(ValueError, match="clip of frames"):
        pad_sequences(clips_to_pad)
