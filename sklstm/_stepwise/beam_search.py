"""Beam search: the most probable sequences of tokens, for many rows at once."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import log_softmax


class Hypotheses(NamedTuple):
    """What was written for one row, from the best to the worst."""

    tokens: list[np.ndarray]  # of each hypothesis, without the one that ends it
    scores: list[float]  # the mean logarithm of the probability of a token, the end included
    ended: list[bool]  # whether it ends before the largest number of tokens


class _Beams(NamedTuple):
    """The hypotheses of some rows, all of the same number of steps."""

    tokens: np.ndarray  # (n_rows, n_beams, n_steps), the end token after a hypothesis that has ended
    log_probability: np.ndarray  # (n_rows, n_beams)
    n_tokens: np.ndarray  # (n_rows, n_beams), the end included
    ended: np.ndarray  # (n_rows, n_beams)


def beam_search(
    step: Callable[[np.ndarray, Any, Any], tuple[np.ndarray, Any]],
    states: list[tuple[np.ndarray, ...]],
    encoded: Any,
    *,
    start: int,
    end: int,
    n_beams: int,
    max_tokens: int,
) -> list[Hypotheses]:
    """Write for each row the sequences with the highest mean log-probability of a token.

    A hypothesis that has ended stays among the beams until better ones push it out. With a single beam, the search
    takes the most probable token at each step.

    Parameters
    ----------
    step : callable
        From tokens (n_rows, n_beams), states and what was encoded to logits (n_rows, n_beams, n_tokens) and states.
    states : list of tuples of arrays of shape (n_rows, 1, n_units)
        The states before the first step.
    encoded : object
        What `step` reads besides; its method ``take`` returns that of some rows.
    start, end : int
        The tokens before the first one, and after the last one.
    n_beams : int
        The number of hypotheses that are kept at each step.
    max_tokens : int
        The largest number of tokens.

    Returns
    -------
    found : list of Hypotheses
        Those of each row.
    """
    n_rows = len(states[0][0])
    states = [tuple(np.repeat(array, n_beams, axis=1) for array in layer) for layer in states]
    beams = _Beams(
        np.full((n_rows, n_beams, 0), end),
        np.where(np.arange(n_beams) == 0, 0.0, -np.inf) * np.ones((n_rows, 1)),  # one beam to begin with
        np.zeros((n_rows, n_beams), int),
        np.zeros((n_rows, n_beams), bool),
    )
    last = np.full((n_rows, n_beams), start)
    rows = np.arange(n_rows)
    found: dict[int, Hypotheses] = {}
    for n_written in range(max_tokens + 1):
        logits, states = step(last, states, encoded)
        beams, parents = _extended(beams, log_softmax(logits, axis=2), end)
        states = [tuple(np.take_along_axis(a, parents[:, :, np.newaxis], axis=1) for a in layer) for layer in states]
        last = beams.tokens[:, :, -1]
        done = beams.ended.all(axis=1) | (n_written == max_tokens)
        if 2 * done.sum() >= len(rows):  # not for each row, since the others are copied
            found |= {rows[i]: _hypotheses(beams, int(i)) for i in np.flatnonzero(done)}
            going = np.flatnonzero(~done)
            rows, last, beams = rows[going], last[going], _Beams(*(array[going] for array in beams))
            states, encoded = [tuple(a[going] for a in layer) for layer in states], encoded.take(going)
            if not len(rows):
                break
    return [found[row] for row in range(n_rows)]


def _extended(beams: _Beams, log_probabilities: np.ndarray, end: int) -> tuple[_Beams, np.ndarray]:
    """Return the best beams with one more token, and which beam each of them goes on from."""
    n_rows, n_beams, n_outputs = log_probabilities.shape
    only_end = np.where(np.arange(n_outputs) == end, 0.0, -np.inf)
    log_probabilities = np.where(beams.ended[:, :, np.newaxis], only_end, log_probabilities)
    totals = (beams.log_probability[:, :, np.newaxis] + log_probabilities).reshape(n_rows, -1)
    n_tokens = beams.n_tokens + ~beams.ended
    means = totals / np.repeat(n_tokens, n_outputs, axis=1)
    best = _largest(means, n_beams)
    parents, tokens = np.divmod(best, n_outputs)

    def of_parents(array):
        return np.take_along_axis(array, parents.reshape(*parents.shape, *[1] * (array.ndim - 2)), axis=1)

    extended = _Beams(
        np.concatenate([of_parents(beams.tokens), tokens[:, :, np.newaxis]], axis=2),
        np.take_along_axis(totals, best, axis=1),
        of_parents(n_tokens),
        tokens == end,
    )
    return extended, parents


def _largest(values: np.ndarray, n: int) -> np.ndarray:
    """Return the places of the largest values of each row, the largest first."""
    if n == 1:
        return values.argmax(axis=1)[:, np.newaxis]
    places = np.argpartition(-values, n - 1, axis=1)[:, :n]
    order = np.argsort(-np.take_along_axis(values, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)


def _hypotheses(beams: _Beams, row: int) -> Hypotheses:
    """Return what the beams of a row have written."""
    found: dict[tuple[bytes, bool], int] = {}  # beams that are cut may differ in the token that is cut off alone
    for beam in np.flatnonzero(np.isfinite(beams.log_probability[row])):
        written = beams.tokens[row, beam, : beams.n_tokens[row, beam] - 1]
        found.setdefault((written.tobytes(), bool(beams.ended[row, beam])), int(beam))
    kept = list(found.values())
    n_tokens = beams.n_tokens[row, kept]
    return Hypotheses(
        [tokens[: n - 1] for tokens, n in zip(beams.tokens[row, kept], n_tokens, strict=True)],
        (beams.log_probability[row, kept] / n_tokens).tolist(),
        beams.ended[row, kept].tolist(),
    )
