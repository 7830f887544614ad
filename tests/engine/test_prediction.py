from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm import SlidingWindow, _engine
from sklstm._engine._network import initial_weights

N_STEPS = 7
ARCHITECTURES = [
    _engine.Architecture(N_STEPS, 2, 1, (5,)),
    _engine.Architecture(N_STEPS, 2, 3, (4, 3)),
    _engine.Architecture(N_STEPS, 2, 2, (4, 2), bidirectional=True),
    _engine.Architecture(N_STEPS, 2, 2, (5,), pooling="mean"),
    _engine.Architecture(N_STEPS, 2, 2, (5,), pooling="none"),
    _engine.Architecture(N_STEPS, 2, 4, (50,)),  # as large as it takes for matrix products to round by their size
    _engine.Architecture(N_STEPS, 2, 1, (33, 17), pooling="max"),
]


@pytest.fixture
def series(rng):
    """Return rows of two features, some of which are missing."""
    series = rng.standard_normal((50, 2))
    series[[0, 12, 13, 20], 0] = np.nan
    return series


@pytest.fixture
def predict(rng):
    """Return a function from an architecture and windows to the outputs of one and the same network."""
    drawn = {}

    def predict(architecture, X):
        if architecture not in drawn:
            # Far from initial weights, and large enough for the recurrence to magnify any rounding.
            drawn[architecture] = [
                rng.standard_normal(w.shape).astype(np.float32) for w in initial_weights(architecture, rng)
            ]
        return _engine.predict(
            architecture, drawn[architecture], X, feature_mean=np.array([0.1, 0.2]), feature_scale=np.array([1.0, 2.0])
        )

    return predict


@pytest.mark.backend
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_row_is_predicted_alike_alone_and_among_others(architecture, predict, series):
    X = SlidingWindow(N_STEPS).fit_transform(series)
    together = predict(architecture, X)
    assert together.dtype == np.float64
    assert_array_equal(np.concatenate([predict(architecture, row[np.newaxis]) for row in X]), together)
    for n in (2, 3, 31, 33):
        assert_array_equal(predict(architecture, X[-n:]), together[-n:])


@pytest.mark.backend
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("n_rows", [2, N_STEPS, N_STEPS + 1])
@pytest.mark.parametrize("first", [0, 15])
def test_the_first_windows_of_a_series_are_predicted_as_any(architecture, predict, series, n_rows, first):
    """Whether they are beginnings of the last one, so that one pass over it is enough, or look further back."""
    view = SlidingWindow(N_STEPS).fit_transform(series)[first : first + n_rows]
    among_others = np.concatenate([view, np.zeros((32, N_STEPS, 2))])
    assert_array_equal(predict(architecture, view), predict(architecture, among_others)[:n_rows])


def test_the_beginnings_of_a_window_take_one_batch(predict, series, monkeypatch):
    """As the windows of a series that is no longer than they are."""
    sizes = []
    compiled_states = _engine._prediction._compiled_states

    def watched(*key):
        states = compiled_states(*key)
        return lambda weights, batches, n: sizes.append(batches.shape[:2]) or states(weights, batches, n)

    monkeypatch.setattr(_engine._prediction, "_compiled_states", watched)
    X = SlidingWindow(N_STEPS).fit_transform(series)
    predict(ARCHITECTURES[0], X[:1])
    predict(ARCHITECTURES[0], X[:N_STEPS])
    predict(ARCHITECTURES[0], X[20:21])
    assert sizes == [(1, 4)] * 3
    predict(ARCHITECTURES[0], X[: N_STEPS + 1])
    predict(replace(ARCHITECTURES[0], bidirectional=True), X[:N_STEPS])
    assert sizes[3:] == [(64, 4)] * 2
