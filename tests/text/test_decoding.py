import numpy as np
from numpy.testing import assert_array_equal

from sklstm._stepwise.recurrent_network import RecurrentNetwork
from sklstm._text.decoding import StateDecoder, WindowDecoder, right_aligned, write


class Counter:
    """A decoder whose logits are largest for the token after the last one, of four."""

    def read(self, tokens):
        if tokens.shape[1]:
            self.latest = tokens[:, -1].astype(int)

    def logits(self):
        return np.eye(4)[(self.latest + 1) % 4]


def test_prompts_end_together():
    assert_array_equal(right_aligned([[1, 2, 3], [], [4]]), [[1, 2, 3], [np.nan] * 3, [np.nan, np.nan, 4]])
    assert right_aligned([[], []]).shape == (2, 0)


def test_what_is_drawn_is_read():
    def draw(logits, place):
        places.append(place)
        return logits.argmax(axis=1)

    places = []
    assert_array_equal(write(Counter(), [[0, 1], [3]], 5, draw), [[2, 3, 0, 1, 2], [0, 1, 2, 3, 0]])
    assert places == list(range(5))
    assert write(Counter(), [], 5, draw).shape == (0, 5)


def test_a_state_waits_for_the_first_token(rng):
    shapes = [(5, 2), (2, 12), (3, 12), (12,), (3, 5), (5,)]
    model = RecurrentNetwork.from_weights(
        "lstm", 1, [rng.standard_normal(shape) for shape in shapes], reads_tokens=True
    )
    together, alone = StateDecoder(model, 2), StateDecoder(model, 1)
    together.read(np.array([[1.0, 2, 3], [np.nan, np.nan, 4]]))
    alone.read(np.array([[4.0]]))
    assert_array_equal(together.logits()[[1]], alone.logits())


def test_windows_move_on():
    decoder = WindowDecoder(lambda windows: windows[:, :, 0], 2, 3)
    decoder.read(np.array([[np.nan, 1], [2, 3]]))
    assert_array_equal(decoder.logits(), [[np.nan, np.nan, 1], [np.nan, 2, 3]])
    decoder.read(np.array([[4], [5]]))
    assert_array_equal(decoder.logits(), [[np.nan, 1, 4], [2, 3, 5]])
