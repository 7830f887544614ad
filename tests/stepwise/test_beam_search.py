from itertools import product

import numpy as np
import pytest
from scipy.special import log_softmax

from sklstm._stepwise.beam_search import beam_search

START = END = 3


class Chain:
    """Tokens that depend on the one before and on the number of the row, which stands for what was encoded."""

    def __init__(self, n_rows, seed):
        self.logits = 2 * np.random.default_rng(seed).normal(size=(n_rows, 4, 4))

    def search(self, **params):
        n_rows = len(self.logits)
        return beam_search(
            self.step, [(np.zeros((n_rows, 1, 1)),)], Rows(np.arange(n_rows)), start=START, end=END, **params
        )

    def step(self, tokens, states, rows):
        return self.logits[rows.rows[:, np.newaxis], tokens], states

    def score(self, row, tokens):
        """Return the mean log-probability of tokens and the end."""
        log_probabilities = log_softmax(self.logits[row], axis=1)
        return np.mean([log_probabilities[pair] for pair in zip((START, *tokens), (*tokens, END), strict=True)])


class Rows:
    def __init__(self, rows):
        self.rows = rows

    def take(self, rows):
        return Rows(self.rows[rows])


@pytest.mark.parametrize("seed", range(4))
def test_enough_beams_find_the_best_of_all_sequences(seed):
    chain = Chain(5, seed)
    all_sequences = [tokens for n in range(4) for tokens in product(range(3), repeat=n)]
    for row, found in enumerate(chain.search(n_beams=200, max_tokens=3)):
        ended = [tuple(tokens) for tokens, ended in zip(found.tokens, found.ended, strict=True) if ended]
        ranked = sorted(all_sequences, key=lambda tokens, row=row: -chain.score(row, tokens))
        assert ended[:5] == ranked[:5]
        np.testing.assert_allclose(found.scores[found.ended.index(True)], chain.score(row, ranked[0]))


def test_one_beam_takes_the_most_probable_token():
    chain = Chain(6, 0)
    for row, found in enumerate(chain.search(n_beams=1, max_tokens=4)):
        token, expected = START, []
        while len(expected) < 4 and (token := int(chain.logits[row, token].argmax())) != END:
            expected.append(token)
        assert found.tokens[0].tolist() == expected
        assert found.ended[0] == (token == END)


def test_a_row_does_not_depend_on_the_others():
    chain = Chain(6, 1)
    together = chain.search(n_beams=3, max_tokens=6)
    chain.logits = chain.logits[[4]]
    (alone,) = chain.search(n_beams=3, max_tokens=6)
    assert [tokens.tolist() for tokens in alone.tokens] == [tokens.tolist() for tokens in together[4].tokens]


def test_hypotheses_differ_and_fall_in_score():
    for found in Chain(6, 2).search(n_beams=4, max_tokens=5):
        assert len({(*tokens, ended) for tokens, ended in zip(found.tokens, found.ended, strict=True)}) == len(
            found.ended
        )
        assert found.scores == sorted(found.scores, reverse=True)


def test_an_impossible_token_is_never_written():
    chain = Chain(4, 3)
    chain.logits[:, :, 1] = -np.inf
    for found in chain.search(n_beams=5, max_tokens=4):
        assert not any(1 in tokens for tokens in found.tokens)
