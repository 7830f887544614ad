import numpy as np
import pytest
from helpers import far_from_initial, network_spec
from numpy.testing import assert_allclose, assert_array_equal

from sklstm import _engine
from sklstm._specs import WINDOWS, Scale
from sklstm._stepwise.recurrent_network import RecurrentNetwork

N_TOKENS, EMBEDDING_DIM = 7, 3


def make_weights(rng, cell, units):
    """Return random weights in the order of Keras."""
    n_gates, shapes, n_inputs = {"lstm": 4, "gru": 3}[cell], [(N_TOKENS, EMBEDDING_DIM)], EMBEDDING_DIM
    for n_units in units:
        width = n_gates * n_units
        shapes += [(n_inputs, width), (n_units, width), (width,) if cell == "lstm" else (2, width)]
        n_inputs = n_units
    shapes += [(n_inputs, N_TOKENS), (N_TOKENS,)]
    return far_from_initial([np.empty(shape) for shape in shapes], rng)


def read(model, tokens):
    """Return the logits after each step of tokens (n_rows, n_steps)."""
    states, logits = model.initial_states(len(tokens)), []
    for step in tokens.T:
        states = model.step(step, states)
        logits.append(model.outputs(states))
    return np.stack(logits, axis=1)


@pytest.mark.backend
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("units", [(5,), (4, 6)])
def test_logits_are_those_of_the_engine(rng, cell, units):
    weights = [0.5 * array for array in make_weights(rng, cell, units)]
    tokens = rng.integers(0, N_TOKENS, (3, 9))
    spec = network_spec(
        9, 1, N_TOKENS, units, n_tokens=N_TOKENS, cell=cell, pooling="none", embedding_dim=EMBEDDING_DIM
    )
    inputs = {WINDOWS: tokens[:, :, np.newaxis].astype(float)}
    scales = {WINDOWS: Scale(np.zeros(1), np.ones(1))}
    expected = _engine.predict(spec, [weights], inputs, scales, last_step=False)
    assert_allclose(
        read(RecurrentNetwork.from_weights(cell, len(units), weights, reads_tokens=True), tokens), expected, atol=1e-5
    )


def test_before_the_first_token_there_is_the_bias(rng):
    weights = make_weights(rng, "lstm", (5,))
    model = RecurrentNetwork.from_weights("lstm", 1, weights, reads_tokens=True)
    assert_array_equal(model.outputs(model.initial_states(2)), [weights[-1]] * 2)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_row_has_the_same_logits_alone_and_among_others(rng, cell):
    """The recurrence magnifies any rounding."""
    model = RecurrentNetwork.from_weights(cell, 2, make_weights(rng, cell, (30, 20)), reads_tokens=True)
    tokens = rng.integers(0, N_TOKENS, (5, 100))
    together = read(model, tokens)
    for row in range(5):
        assert_array_equal(read(model, tokens[[row]])[0], together[row])
