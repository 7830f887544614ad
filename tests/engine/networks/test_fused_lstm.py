"""The fused layer computes what Keras' own does: outputs, states and gradients."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklstm._engine.batches import FEW_ROWS

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="the fused layer is for JAX")

STEPS, FEATURES, UNITS = 7, 3, 5


@pytest.fixture(scope="module")
def fused():
    from sklstm._engine.networks import fused_lstm

    return fused_lstm


def masks(kind, rng):
    present = np.ones((6, STEPS), dtype=bool)
    if kind == "anywhere":
        present = rng.random((6, STEPS)) < 0.6
        present[0] = False
    if kind == "leading":
        present = np.arange(STEPS) >= rng.integers(0, STEPS + 1, size=(6, 1))
    return None if kind == "none" else present


def results_and_gradients(layer, x, mask, initial_state=None):
    """Return the outputs of a layer, and gradients of a function of them by the weights, the input and the state."""
    import jax

    def function(weights, x, initial_state):
        constants = [v.value for v in layer.non_trainable_variables]
        outputs, _ = layer.stateless_call(weights, constants, x, mask=mask, initial_state=initial_state)
        return sum((i + 1) * (leaf**2).sum() for i, leaf in enumerate(jax.tree.leaves(outputs))), outputs

    weights = [v.value for v in layer.trainable_variables]
    by = (0, 1) if initial_state is None else (0, 1, 2)
    gradients, outputs = jax.jit(jax.grad(function, argnums=by, has_aux=True))(weights, x, initial_state)
    return jax.tree.leaves((outputs, gradients))


def assert_same(ours, theirs, *args):
    theirs.build((None, STEPS, FEATURES))
    ours.build((None, STEPS, FEATURES))
    ours.set_weights(theirs.get_weights())
    for one, other in zip(results_and_gradients(ours, *args), results_and_gradients(theirs, *args), strict=True):
        assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("missing", ["none", "leading", "anywhere"])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_equals_the_layer_of_keras(fused, rng, missing, return_sequences, go_backwards):
    params = {"return_sequences": return_sequences, "go_backwards": go_backwards, "return_state": True}
    x = rng.standard_normal((6, STEPS, FEATURES), dtype=np.float32)
    assert_same(fused.LSTM(UNITS, **params), keras.layers.LSTM(UNITS, **params), x, masks(missing, rng))


@pytest.mark.parametrize("most", [1, 3, STEPS + 1])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_gradients_by_blocks_of_steps(fused, rng, most, return_sequences, monkeypatch):
    """The blocks make no difference: 8 steps one by one, in blocks of 2, or all at once."""
    monkeypatch.setattr(fused, "BLOCK_ROWS", most * 6)
    x = rng.standard_normal((6, STEPS + 1, FEATURES), dtype=np.float32)
    mask = np.hstack([masks("anywhere", rng), np.ones((6, 1), dtype=bool)])
    params = {"return_sequences": return_sequences}
    assert_same(fused.LSTM(UNITS, **params), keras.layers.LSTM(UNITS, **params), x, mask)


def test_gradients_of_a_large_batch(fused, rng):
    x = rng.standard_normal((fused.SMALL_BATCH + 1, STEPS, FEATURES), dtype=np.float32)
    assert_same(fused.LSTM(UNITS), keras.layers.LSTM(UNITS), x, None)


@pytest.mark.parametrize(
    ("n_rows", "missing", "return_sequences"),
    [
        (1, "none", False),
        (1, "anywhere", True),
        (FEW_ROWS, "none", True),
        (FEW_ROWS, "leading", False),
        (FEW_ROWS, "anywhere", False),
        (FEW_ROWS, "anywhere", True),
    ],
)
def test_for_few_rows(fused, rng, n_rows, missing, return_sequences):
    x, mask = rng.standard_normal((n_rows, STEPS, FEATURES), dtype=np.float32), masks(missing, rng)
    params = {"return_sequences": return_sequences}
    ours = fused.LSTM(UNITS, **params)
    ours.masks_within = missing == "anywhere"
    assert_same(ours, keras.layers.LSTM(UNITS, **params), x, None if mask is None else mask[-n_rows:])


@pytest.mark.parametrize("missing", ["none", "anywhere"])
def test_from_an_initial_state(fused, rng, missing):
    x = rng.standard_normal((6, STEPS, FEATURES), dtype=np.float32)
    state = list(rng.standard_normal((2, 6, UNITS), dtype=np.float32))
    assert_same(fused.LSTM(UNITS), keras.layers.LSTM(UNITS), x, masks(missing, rng), state)


@pytest.mark.parametrize("return_sequences", [False, True])
def test_in_both_directions(fused, rng, return_sequences):
    x = rng.standard_normal((6, STEPS, FEATURES), dtype=np.float32)
    ours, theirs = (
        keras.layers.Bidirectional(layer(UNITS, return_sequences=return_sequences))
        for layer in (fused.LSTM, keras.layers.LSTM)
    )
    assert_same(ours, theirs, x, masks("anywhere", rng))


@pytest.mark.parametrize("return_sequences", [False, True])
def test_missing_steps_that_come_first_need_no_state(fused, rng, return_sequences):
    params = {"return_sequences": return_sequences}
    x = rng.standard_normal((6, STEPS, FEATURES), dtype=np.float32)
    mask = masks("leading", rng)
    ours = fused.LSTM(UNITS, **params)
    ours.masks_within = False
    assert_same(ours, keras.layers.LSTM(UNITS, **params), x, mask)


def test_dropout_is_that_of_keras(fused, rng):
    x = rng.standard_normal((6, STEPS, FEATURES), dtype=np.float32)
    theirs = keras.layers.LSTM(UNITS, dropout=0.5, seed=3)
    ours = fused.LSTM(UNITS, dropout=0.5, seed=3)
    expected = theirs(x, training=True)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    assert_allclose(ours(x, training=True), expected, rtol=1e-5, atol=1e-6)
    assert np.abs(ours(x, training=True) - ours(x)).max() > 0.01


@pytest.mark.parametrize(
    "params",
    [
        {"activation": "relu"},
        {"recurrent_activation": "hard_sigmoid"},
        {"use_bias": False},
        {"recurrent_dropout": 0.2},
        {"unroll": True},
    ],
    ids=lambda params: next(iter(params)),
)
def test_unusual_layers_run_the_loop_of_keras(fused, rng, params, monkeypatch):
    monkeypatch.delattr(fused, "lstm")
    x = rng.standard_normal((6, STEPS, FEATURES), dtype=np.float32)
    assert_same(fused.LSTM(UNITS, **params), keras.layers.LSTM(UNITS, **params), x, None)


def test_a_missing_step_costs_not_a_bit(fused, rng):
    """A window whose first steps are missing has exactly the state of the shorter window."""
    x = rng.standard_normal((4, STEPS, FEATURES), dtype=np.float32)
    mask = np.arange(STEPS) >= np.full((4, 1), 3)
    layer = fused.LSTM(UNITS)
    layer.masks_within = False
    assert_array_equal(layer(np.where(mask[..., None], x, 0), mask=mask), layer(x[:, 3:], mask=mask[:, 3:]))
