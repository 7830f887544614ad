import keras
import numpy as np
import pytest

from sklstm import _engine  # noqa: F401  # before Keras, since it chooses the backend
from sklstm._stepwise.cells import CELLS, read_sequences

LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


@pytest.mark.backend
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_cells_compute_what_those_of_keras_do(name, backward):
    rng = np.random.default_rng(0)
    layer = LAYERS[name](5, return_sequences=True, return_state=True, go_backwards=backward, dtype="float32", seed=0)
    inputs = rng.standard_normal((3, 6, 2)).astype(np.float32)
    present = np.ones((3, 6), bool)
    present[0, 4:] = present[1, :2] = present[2, 3] = False
    layer.build(inputs.shape)
    layer.set_weights([rng.standard_normal(array.shape) for array in layer.get_weights()])
    hidden, *state = (keras.ops.convert_to_numpy(array) for array in layer(inputs, mask=present))
    found, last = read_sequences(CELLS[name].take(iter(layer.get_weights())), inputs, present, backward=backward)
    np.testing.assert_allclose(found[:, ::-1] if backward else found, hidden, atol=1e-6)
    np.testing.assert_allclose(last, state, atol=1e-6)
