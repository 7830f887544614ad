"""Decoding of connectionist temporal classification (Graves, Fernández, Gomez & Schmidhuber 2006)."""

from collections import defaultdict
from math import exp, inf, log1p

import numpy as np

BLANK = 0  # the output that stands for no label


def best_path(log_probabilities: np.ndarray, before: int = BLANK) -> list[int]:
    """Return the labels on the path of the most probable output at each step.

    Parameters
    ----------
    log_probabilities : ndarray of shape (n_steps, n_outputs)
        The logarithm of the probability of each output, or logits.
    before : int
        The output at the step before the first one.

    Returns
    -------
    labels : list of int
        The outputs on the path, each once as long as it lasts, without blanks.
    """
    path = np.argmax(log_probabilities, axis=1)
    is_new = np.diff(path, prepend=before) != 0
    return path[is_new & (path != BLANK)].tolist()


def prefix_beam_search(log_probabilities: np.ndarray, n_beams: int) -> tuple[list[int], float]:
    """Return the labels with the highest probability over all their paths, and its logarithm.

    The search keeps the most probable beginnings at each step, each with the probabilities that its paths end with a
    blank or with its last label (Hannun, Maas, Jurafsky & Ng 2014, algorithm 1, without a language model).

    Parameters
    ----------
    log_probabilities : ndarray of shape (n_steps, n_outputs)
        The logarithm of the probability of each output.
    n_beams : int
        The number of beginnings that are kept at each step.

    Returns
    -------
    labels : list of int
        The most probable labels.
    log_probability : float
        The logarithm of their probability, as far as the search has seen their paths.
    """
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -inf)}
    for step in log_probabilities:
        longer: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [-inf, -inf])
        # Behind the most probable ones, no label can be among the best beams.
        likely = np.argsort(-step, kind="stable")[: n_beams + 2].tolist()
        labels = [(label, float(step[label])) for label in likely if label != BLANK]
        blank = float(step[BLANK])
        for prefix, (ends_blank, ends_label) in beams.items():
            both = _logaddexp(ends_blank, ends_label)
            same = longer[prefix]
            same[0] = _logaddexp(same[0], both + blank)
            if prefix:
                same[1] = _logaddexp(same[1], ends_label + float(step[prefix[-1]]))
            for label, log_probability in labels:
                # The same label again is a new one only behind a blank.
                from_prefix = ends_blank if prefix and label == prefix[-1] else both
                extended = longer[*prefix, label]
                extended[1] = _logaddexp(extended[1], from_prefix + log_probability)
        best = sorted(longer.items(), key=lambda item: -_logaddexp(*item[1]))[:n_beams]
        beams = {prefix: (blank, label) for prefix, (blank, label) in best}
    prefix, ends = next(iter(beams.items()))
    return list(prefix), _logaddexp(*ends)


def _logaddexp(a: float, b: float) -> float:
    """Return the logarithm of a sum, by numbers of Python, which are quicker than numpy's one by one."""
    larger, smaller = (a, b) if a > b else (b, a)
    return larger if smaller == -inf else larger + log1p(exp(smaller - larger))


def min_steps(labels: np.ndarray) -> int:
    """Return how many steps labels need at least: one each, and a blank between equal ones."""
    return len(labels) + int(np.sum(labels[1:] == labels[:-1]))
