from itertools import groupby, product

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from sklstm import _engine  # noqa: F401  # before Keras, since it chooses the backend
from sklstm._engine.networks.objectives import make_loss
from sklstm._stepwise.ctc import BLANK, best_path, min_steps, prefix_beam_search


def labels_of(path):
    """Return the labels of a path: without repetitions, and then without blanks."""
    return tuple(label for label, _ in groupby(path) if label != BLANK)


def probabilities_of_all(log_probabilities):
    """Return the probability of each sequence of labels, by all paths."""
    n_steps, n_outputs = log_probabilities.shape
    found = {}
    for path in product(range(n_outputs), repeat=n_steps):
        probability = np.exp(log_probabilities[np.arange(n_steps), path].sum())
        found[labels_of(path)] = found.get(labels_of(path), 0.0) + probability
    return found


@pytest.mark.parametrize("seed", range(5))
def test_prefix_beam_search_finds_the_most_probable_labels(seed):
    log_probabilities = log_softmax(np.random.default_rng(seed).normal(size=(6, 3)), axis=1)
    expected = probabilities_of_all(log_probabilities)
    labels, log_probability = prefix_beam_search(log_probabilities, 200)
    assert tuple(labels) == max(expected, key=expected.get)
    np.testing.assert_allclose(np.exp(log_probability), expected[tuple(labels)])


def test_a_search_beats_the_best_path():
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4]])  # the paths "a-", "-a" and "aa" together are more probable
    assert best_path(np.log(probabilities)) == []
    assert prefix_beam_search(np.log(probabilities), 3)[0] == [1]


def test_best_path_merges_repetitions_and_drops_blanks():
    path = [1, 1, 0, 1, 2, 2, 0, 0, 3]
    assert best_path(np.eye(4)[path]) == [1, 1, 2, 3]
    assert best_path(np.eye(4)[path], before=1) == [1, 2, 3]


@pytest.mark.backend
def test_the_loss_adds_up_all_paths():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4, 5, 3)).astype(np.float32)
    n_steps = [5, 3, 4, 2]
    labels = [[1, 2, 1], [2, 2], [], [2]]
    target = np.full((4, 4), -1.0, np.float32)
    for row, (steps, of_row) in enumerate(zip(n_steps, labels, strict=True)):
        target[row, : len(of_row) + 1] = [steps, *of_row]
    losses = keras.ops.convert_to_numpy(make_loss("ctc", reduction="none")(target, logits))
    for loss, logit, steps, of_row in zip(losses, logits, n_steps, labels, strict=True):
        probabilities = probabilities_of_all(log_softmax(logit[:steps].astype(float), axis=1))
        np.testing.assert_allclose(loss, -np.log(probabilities[tuple(of_row)]), rtol=1e-5)


def test_equal_labels_need_a_step_between_them():
    assert [min_steps(np.array(labels, int)) for labels in ([], [1], [1, 2], [1, 1], [3, 3, 3, 1])] == [0, 1, 2, 3, 6]
