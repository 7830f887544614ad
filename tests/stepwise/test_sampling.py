import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklstm._stepwise.sampling import Sampling, numbers_by_row

LOGITS = st.lists(st.floats(-30, 30), min_size=2, max_size=8)
NUMBERS = st.floats(0, 1, exclude_max=True)
PROBABILITIES = np.array([0.05, 0.4, 0.25, 0.3])


def shares(sampling, probabilities=PROBABILITIES, n_draws=4000):
    """Return how often each token is drawn, by numbers that are evenly spread."""
    logits = np.tile(np.log(probabilities), (n_draws, 1))
    drawn = sampling.draw(logits, np.arange(n_draws) / n_draws)
    return np.bincount(drawn, minlength=len(probabilities)) / n_draws


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(), PROBABILITIES),
        (Sampling(temperature=0.5), PROBABILITIES**2 / np.sum(PROBABILITIES**2)),
        (Sampling(temperature=2), PROBABILITIES**0.5 / np.sum(PROBABILITIES**0.5)),
        (Sampling(temperature=0), [0, 1, 0, 0]),
        (Sampling(temperature=1e-310), [0, 1, 0, 0]),
        (Sampling(temperature=1e300), [0.25] * 4),
        (Sampling(top_k=1), [0, 1, 0, 0]),
        (Sampling(top_k=2), [0, 4 / 7, 0, 3 / 7]),
        (Sampling(top_k=9), PROBABILITIES),
        (Sampling(top_p=1), PROBABILITIES),
        (Sampling(top_p=1e-9), [0, 1, 0, 0]),
        (Sampling(top_p=0.39), [0, 1, 0, 0]),
        (Sampling(top_p=0.41), [0, 4 / 7, 0, 3 / 7]),
        (Sampling(top_p=0.71), [0, 0.4 / 0.95, 0.25 / 0.95, 0.3 / 0.95]),
        (Sampling(top_k=3, top_p=0.7), [0, 4 / 7, 0, 3 / 7]),  # 0.7 of 0.95
        (Sampling(temperature=0.5, top_p=0.5), [0, 1, 0, 0]),
        (Sampling(temperature=1e300, top_k=2), [0, 0.5, 0, 0.5]),
        (Sampling(excluded=1), [1 / 12, 0, 5 / 12, 1 / 2]),
        (Sampling(temperature=0, excluded=1), [0, 0, 0, 1]),
        (Sampling(top_k=1, excluded=1), [0, 0, 0, 1]),
        (Sampling(top_p=0.4, excluded=1), [0, 0, 0, 1]),
    ],
    ids=repr,
)
def test_tokens_are_drawn_with_the_right_frequencies(sampling, expected):
    assert_allclose(shares(sampling), expected, atol=5e-4)


@given(LOGITS, NUMBERS, st.integers(1, 9))
def test_top_k_draws_one_of_the_k_most_probable_tokens(logits, number, top_k):
    (token,) = Sampling(top_k=top_k).draw(np.array([logits]), np.array([number]))
    assert np.sum(np.array(logits) > logits[token]) < top_k


@given(LOGITS, NUMBERS, st.floats(0, 1, exclude_min=True))
def test_the_nucleus_has_no_token_beyond_top_p(logits, number, top_p):
    (token,) = Sampling(top_p=top_p).draw(np.array([logits]), np.array([number]))
    probabilities = np.exp(logits) / np.sum(np.exp(logits))
    assert probabilities[probabilities > probabilities[token]].sum() < top_p + 1e-12


@given(LOGITS, NUMBERS, st.sampled_from([0, 0.1, 1, 10]), st.sampled_from([None, 1, 3]))
def test_an_excluded_token_is_never_drawn(logits, number, temperature, top_k):
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=0.9, excluded=0)
    assert sampling.draw(np.array([[40, *logits]]), np.array([number]))[0] > 0


@given(st.lists(st.tuples(st.lists(st.floats(-9, 9), min_size=4, max_size=4), NUMBERS), min_size=1, max_size=5))
def test_rows_are_drawn_by_themselves(rows):
    sampling = Sampling(temperature=0.8, top_k=3, top_p=0.8)
    logits, numbers = (np.array(values) for values in zip(*rows, strict=True))
    alone = [sampling.draw(logits[[row]], numbers[[row]])[0] for row in range(len(rows))]
    assert_array_equal(sampling.draw(logits, numbers), alone)


def test_logits_are_left_as_they_are():
    logits = np.zeros((1, 3))
    Sampling(top_k=1, excluded=0).draw(logits, np.zeros(1))
    assert_array_equal(logits, 0)


def test_numbers_of_a_row_depend_on_its_place_alone():
    numbers = numbers_by_row(np.random.RandomState(0), 3, 50)
    assert_array_equal(numbers_by_row(np.random.RandomState(0), 1, 80)[:, :50], numbers[:1])
    assert_array_equal(numbers_by_row(np.random.RandomState(0), 5, 20)[:3], numbers[:, :20])
    assert len(np.unique(numbers)) == 150
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert numbers_by_row(np.random.RandomState(0), 0, 4).shape == (0, 4)
