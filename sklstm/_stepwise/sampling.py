"""Drawing the next token of each row by what a network says of all tokens."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn."""

    temperature: float = 1.0  # which logits are divided by; at 0 the most probable token is taken
    top_k: int | None = None  # the number of most probable tokens to draw from
    top_p: float | None = None  # the probability of the most probable tokens to draw from, as many as it takes
    excluded: int | None = None  # a token that is never drawn

    def draw(self, logits: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return a token for each row of logits (n_rows, n_tokens), by a number in [0, 1) for each row."""
        logits = logits.astype(np.float64)
        if self.excluded is not None:
            logits[:, self.excluded] = -np.inf
        if self.temperature == 0:
            return logits.argmax(axis=1)
        cumulative = np.cumsum(self.probabilities(logits), axis=1)
        return np.sum(cumulative / cumulative[:, -1:] <= numbers[:, np.newaxis], axis=1)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return what tokens are drawn with, up to a factor for each row: zero for those that are not drawn from."""
        with np.errstate(over="ignore"):  # to minus infinity, at a temperature near 0
            found = np.exp((logits - logits.max(axis=1, keepdims=True)) / self.temperature)
        if self.top_k is None and self.top_p is None:
            return found
        order = np.argsort(-logits, axis=1, kind="stable")
        return self._most_probable(found, order)

    def _most_probable(self, probabilities: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Keep the first `top_k` tokens in order, and of these the first with a share of `top_p`; others are zero."""
        falling = np.take_along_axis(probabilities, order, axis=1)
        if self.top_k is not None:
            falling[:, self.top_k :] = 0
        if self.top_p is not None:
            cumulative = np.cumsum(falling, axis=1)
            enough = cumulative >= self.top_p * cumulative[:, -1:]
            falling[:, 1:][enough[:, :-1]] = 0
        kept = np.empty_like(falling)
        np.put_along_axis(kept, order, falling, axis=1)
        return kept


def numbers_by_row(random_state: np.random.RandomState, n_rows: int, length: int) -> np.ndarray:
    """Return numbers in [0, 1), (n_rows, length): those of a row are the first of a stream of its own.

    The streams of the first rows do not depend on the number of rows.
    """
    seeds = random_state.randint(2**32, size=n_rows, dtype=np.uint32)
    return np.array([np.random.RandomState(seed).random_sample(length) for seed in seeds]).reshape(n_rows, length)
