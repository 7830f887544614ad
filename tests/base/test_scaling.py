import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from sklstm import (
    LSTMAnomalyDetector,
    LSTMClassifier,
    LSTMForecaster,
    SeasonalNaive,
    SlidingWindow,
    forecast,
    to_supervised,
)
from sklstm._base.scaling import deviation_scale, feature_scale, target_scale, warn_of_masked_steps
from sklstm._windows import arrays

NAN = np.nan


def test_feature_scale_is_that_of_the_steps_present(rng, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK", 3 * 10)  # three rows a chunk
    windows = rng.standard_normal((20, 5, 2))
    windows[::3, 1, 0] = np.nan
    weight = rng.integers(1, 4, 20)
    rows = np.arange(2, 18)
    scale = feature_scale(windows, weight, rows)
    repeated = np.repeat(windows[rows], weight[rows], axis=0)
    missing = np.isnan(repeated).any(axis=2)
    steps = repeated[~missing]
    assert_allclose(scale.mean, steps.mean(axis=0))
    assert_allclose(scale.std, steps.std(axis=0))
    repeated[missing] = np.nan
    deviations = (repeated - np.nanmean(repeated, axis=1, keepdims=True))[~missing]
    assert_allclose(deviation_scale(windows, weight, rows, scale), deviations.std(axis=0))


def test_deviations_of_a_feature_that_is_constant_in_each_window():
    windows = np.repeat([[[0.1, 2.0]], [[0.3, 4.0]]], 3, axis=1)
    windows[:, 1, 1] += 1
    scale = feature_scale(windows, np.ones(2), np.arange(2))
    assert_allclose(deviation_scale(windows, np.ones(2), np.arange(2), scale), [0.1, np.sqrt(2) / 3])


def test_feature_scale_of_nothing():
    with pytest.raises(ValueError, match=r"a missing value in every step of every row, so all steps are masked\.$"):
        feature_scale(np.full((3, 2, 1), NAN), np.ones(3), np.arange(3))


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ([[1, NAN], [2, NAN]], "feature 1 of X (counted from 0), in 100% of"),
        ([[NAN, 1, NAN], [NAN, 2, NAN]], "features 0 and 2 of X (counted from 0), in 100%, 100% of"),
        ([[NAN, 1, 2, NAN], [NAN, NAN, 2, 3]], "features 0, 1 and 3 of X (counted from 0), in 100%, 50%, 50% of"),
        ([[NAN, NAN], [NAN, 1]], "feature 0 of X (counted from 0), in 100% of"),
        ([[0, NAN], [NAN, 1]], "features 0 and 1 of X (counted from 0), in 50%, 50% of"),
    ],
)
def test_features_that_are_missing_everywhere_are_named(steps, named):
    windows = np.full((3, 2, len(steps[0])), steps)
    windows[0] = 1  # a row that does not train
    with pytest.raises(ValueError, match="a missing value in every step") as caught:
        feature_scale(windows, np.ones(3), np.arange(1, 3))
    assert f"Most often missing: {named} the steps" in str(caught.value)
    assert "or drop the column" in str(caught.value)


def messages(function, *args, **kwargs):
    """Return the texts of the warnings of a call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        function(*args, **kwargs)
    return [str(warning.message) for warning in caught if warning.category is UserWarning]


@pytest.mark.parametrize(("n_masked", "warned"), [(0, None), (10, None), (11, "55%"), (20, "100%")])
def test_a_warning_where_most_steps_are_masked(monkeypatch, recwarn, n_masked, warned):
    monkeypatch.setattr(arrays, "CHUNK", 2 * 18)
    windows = np.ones((7, 6, 3))
    windows[:2] = NAN  # padding
    windows[2, :4] = NAN
    rows = np.arange(6)  # the last one does not train
    known = [(row, step) for row in rows for step in range(6) if not np.isnan(windows[row, step]).any()]
    for row, step in known[:n_masked]:
        windows[row, step, 2] = NAN
    windows[6, :, 0] = NAN
    warn_of_masked_steps(windows, rows)
    texts = [str(warning.message) for warning in recwarn]
    assert len(texts) == (warned is not None)
    for text in texts:
        assert text.startswith(f"The network skips {warned} of the steps of X that have any value")
        assert f"Most often missing: feature 2 of X (counted from 0), in {warned} of the steps" in text


@pytest.fixture
def sparse_column(rng):
    """Return windows in which the second feature is present in every twelfth row, and the first one's next value."""
    time = np.arange(200)
    table = np.column_stack([np.sin(time / 4), np.where(time % 12 == 0, rng.standard_normal(200), NAN)])
    X, y = to_supervised(table, target=0)
    return SlidingWindow(12).fit_transform(X), y.ravel()


@pytest.mark.parametrize("estimator", [LSTMForecaster, LSTMClassifier])
@pytest.mark.parametrize("normalize", [False, True])
def test_networks_name_the_column_that_masks_most_steps(sparse_column, estimator, normalize):
    X, y = sparse_column[0], np.sign(sparse_column[1])
    model = estimator(units=2, epochs=1, normalize=normalize, random_state=0)
    for _ in range(2):
        (text,) = messages(model.fit, X, y)
        assert "skips 91% of the steps" in text
        assert "Most often missing: feature 1 of X (counted from 0), in 91% of the steps" in text
    assert messages(model.fit, np.nan_to_num(X), y) == []
    assert messages(model.fit, X[:, :, 0], y) == []
    assert messages(model.fit, X[:, :, [0, 0]], y) == []  # what is missing are whole steps, before the series


@pytest.mark.parametrize("estimator", [LSTMForecaster, LSTMClassifier])
def test_partial_fit_warns_at_first(sparse_column, estimator):
    X, y = sparse_column[0], np.sign(sparse_column[1])
    classes = {"classes": np.unique(y)} if estimator is LSTMClassifier else {}
    model = estimator(units=2, random_state=0)
    assert len(messages(model.partial_fit, X, y, **classes)) == 1
    assert messages(model.partial_fit, X, y) == []


def test_what_masks_no_steps_does_not_warn(sparse_column, tiny, rng):
    X, y = sparse_column
    assert messages(SeasonalNaive(target=0).fit, X, y) == []
    table = np.column_stack([np.sin(np.arange(200) / 4), np.cos(np.arange(200) / 9)])
    table[rng.random(table.shape) < 0.35] = NAN
    detector = LSTMAnomalyDetector(tiny())
    assert messages(detector.fit, SlidingWindow(6).fit_transform(table)) == []


@pytest.mark.parametrize("groups", [None, "id"])
def test_predictions_from_masked_steps_alone_warn(sparse_column, tiny, groups):
    series = pd.DataFrame({"value": np.sin(np.arange(40) / 4), "other": 1.0})
    series = series if groups is None else series.assign(id=np.repeat(["a", "b"], 20))
    X, y = to_supervised(series, target="value", groups=groups)
    model = make_pipeline(SlidingWindow(5, groups=groups), tiny()).fit(X, y)
    assert messages(model.predict, X) == []
    X.loc[X.index[-4:], "other"] = NAN
    assert messages(model.predict, X) == []  # a step of each window is left
    X.loc[X.index[-7:], "other"] = NAN
    (text,) = messages(model.predict, X)
    assert text.startswith(f"In 3 of {len(X)} row(s) of X all steps are masked")
    if groups is None:
        assert messages(forecast, model, X, 1)[0] == text


def test_target_scale_is_weighted():
    scale = target_scale(np.array([[0.0], [1.0], [9.0]]), np.array([1.0, 3.0, 5.0]), np.array([0, 1]))
    assert_allclose([scale.mean[0], scale.std[0]], [0.75, np.std([0, 1, 1, 1])])


def test_networks_name_the_pixels_that_mask_most_frames(rng):
    X, y = rng.standard_normal((8, 3, 4, 5)), np.arange(8) % 2
    model = LSTMClassifier(units=2, network="frames", network_params={"filters": [2]}, epochs=1, random_state=0)
    X[0, 1] = NAN  # a frame, as padding
    assert messages(model.fit, X, y) == []
    X[2:, :, 1, 4] = X[3:, :, 3, 0] = NAN
    (text,) = messages(model.fit, X, y)
    assert "skips 78% of the steps of X that have any value" in text
    assert "Most often missing: pixels (1, 4, 0) and (3, 0, 0) of X (row, column and channel" in text
    X[:, :, 1, 4] = NAN
    with pytest.raises(ValueError, match=r"missing value in every step of every row.*pixels \(1, 4, 0\) and"):
        model.fit(X, y)
