import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge, RidgeCV

from sklstm._base import linear
from sklstm._base.linear import LAST_STEP, PENALTIES, fit_linear, standardise_and_fill
from sklstm._base.scaling import unit_scale
from sklstm._specs import WINDOWS, Sample, Scale
from sklstm._windows import arrays
from sklstm._windows.arrays import window_view


def make_sample(windows, y, sample_weight=None):
    weight = np.ones(len(windows)) if sample_weight is None else sample_weight
    return Sample({WINDOWS: windows}, y, weight, np.flatnonzero(weight))


def fit_standardised(windows, y, sample_weight=None):
    """Fit a linear model on windows as they are."""
    linear = fit_linear(make_sample(windows, y, sample_weight), unit_scale(windows.shape[2]), seed=0)
    return linear.coef, linear.intercept


def fit_all_rows(sample, scale):
    """Return the linear model of scikit-learn on all rows, and its penalty."""
    rows = sample.rows
    windows = standardise_and_fill(sample.windows[rows], scale)
    design = [windows[:, step] - windows[:, step - 1] for step in range(1, windows.shape[1])] + [
        LAST_STEP * windows[:, -1]
    ]
    return RidgeCV(PENALTIES).fit(np.hstack(design), sample.y[rows], sample.sample_weight[rows])


@pytest.fixture(params=["rows", "products"])
def regime(request, monkeypatch):
    """Let scikit-learn see all rows, or sums of products over few rows at a time."""
    if request.param == "products":
        monkeypatch.setattr(linear, "FEW_VALUES", 0)
        monkeypatch.setattr(arrays, "CHUNK", 100)
    return request.param


@pytest.mark.parametrize(("n_steps", "n_features", "n_outputs"), [(6, 1, 1), (5, 3, 2), (1, 2, 1), (2, 1, 3)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("noise", [0.1, 1, 30])
def test_fit_linear_is_a_ridge_regression_on_changes_and_the_last_step(
    n_steps, n_features, n_outputs, weighted, noise, regime, rng
):
    windows = 3 + rng.standard_normal((60, n_steps, n_features)).cumsum(axis=1)
    windows[:4, 0] = windows[9, n_steps // 2] = np.nan
    y = noise * rng.standard_normal((60, n_outputs)) + np.nan_to_num(windows[:, -1:, 0])
    sample = make_sample(windows, y, rng.uniform(0, 3, 60) * (rng.random(60) < 0.9) if weighted else None)
    scale = Scale(np.full(n_features, 2.0), np.full(n_features, 1.5))
    ridge = fit_all_rows(sample, scale)
    fitted = fit_linear(sample, scale, seed=0)
    coef, intercept = fitted.coef, fitted.intercept
    assert fitted.penalty == ridge.alpha_
    assert coef.shape == (n_steps, n_features, n_outputs)
    coef_of_design = np.concatenate([-coef[:-1].cumsum(axis=0), coef.sum(axis=0, keepdims=True) / LAST_STEP])
    expected = np.reshape(ridge.coef_, (n_outputs, -1)).T
    assert_allclose(coef_of_design.reshape(-1, n_outputs), expected, rtol=1e-6, atol=1e-9)
    assert_allclose(intercept, np.broadcast_to(ridge.intercept_, n_outputs), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("offset", [0, 1e6])
def test_sums_of_products_keep_their_digits(offset, monkeypatch, rng):
    """Far from zero, and with more columns than chunks have rows."""
    windows = offset + window_view(rng.standard_normal((400, 1)).cumsum(axis=0), 30)
    y = rng.standard_normal((len(windows), 1)) + windows[:, -1:, 0] - offset
    sample, scale = make_sample(windows, y), unit_scale(1)
    ridge = fit_all_rows(sample, scale)
    monkeypatch.setattr(linear, "FEW_VALUES", 0)
    monkeypatch.setattr(arrays, "CHUNK", 300)
    predicted = fit_linear(sample, scale, seed=0).predict(windows)
    design = np.concatenate([np.diff(windows, axis=1), LAST_STEP * windows[:, -1:]], axis=1)[:, :, 0]
    assert_allclose(predicted, ridge.predict(design).reshape(-1, 1), atol=1e-5)


def test_a_daily_cycle_is_learnt_from_every_hour(monkeypatch, rng):
    """At hour 7 the step up is by 9. The last steps of every second window are all at even hours."""
    hours = np.arange(24 * 60)
    series = np.stack([rng.standard_normal(len(hours)).cumsum(), hours % 24 == 7], axis=1)
    windows, y = window_view(series[:-1], 5), np.diff(series[4:, :1], axis=0) + 9 * series[4:-1, 1:]
    monkeypatch.setattr(linear, "FEW_VALUES", windows.size // 2)
    coef, _ = fit_standardised(windows, y)
    assert_allclose(coef[-1, 1], 9, atol=0.5)


@pytest.mark.parametrize("n_rows", [30, 100])
def test_of_very_wide_windows_rows_are_drawn_at_random(n_rows, monkeypatch, rng):
    for name, value in (("FEW_VALUES", 0), ("MAX_COLUMNS", 9), ("MIN_ROWS", 50)):
        monkeypatch.setattr(linear, name, value)
    windows, y = rng.standard_normal((n_rows, 10, 2)), rng.standard_normal((n_rows, 1))
    weight = np.r_[0.0, np.ones(n_rows - 1)]
    rows = linear.draw_rows(np.flatnonzero(weight), 50, 7)
    assert len(np.unique(rows)) == min(n_rows - 1, 50)
    assert (np.diff(rows) > 0).all()
    if n_rows == 100:
        assert len(np.unique(np.diff(rows))) > 2
        assert not np.array_equal(rows, linear.draw_rows(np.flatnonzero(weight), 50, 8))
    fitted = fit_linear(make_sample(windows, y, weight), unit_scale(2), seed=7)
    drawn = fit_linear(make_sample(windows[rows], y[rows]), unit_scale(2), seed=0)
    assert_array_equal(fitted.coef, drawn.coef)
    assert_array_equal(fitted.intercept, drawn.intercept)


@pytest.mark.parametrize("penalty", PENALTIES[[0, 8]])
def test_with_one_penalty_there_is_nothing_to_choose(penalty, regime, rng):
    windows, y = rng.standard_normal((60, 4, 2)), rng.standard_normal((60, 2))
    fitted = fit_linear(make_sample(windows, y), unit_scale(2), seed=0, penalties=np.array([penalty]))
    design = np.concatenate([np.diff(windows, axis=1), LAST_STEP * windows[:, -1:]], axis=1).reshape(60, -1)
    expected = Ridge(penalty).fit(design, y).predict(design)
    assert_allclose(fitted.predict(windows), expected, rtol=1e-6, atol=1e-8)
    assert fitted.penalty == penalty


def test_fit_linear_shrinks_towards_what_follows_from_the_last_step(rng):
    """A random walk's next value is its last one, which is all that there is to learn."""
    walk = rng.standard_normal(400).cumsum()
    windows = np.lib.stride_tricks.sliding_window_view(walk[:-1], 20)[:, :, np.newaxis] / walk.std()
    coef, _ = fit_standardised(windows, walk[20:, np.newaxis] / walk.std())
    assert_allclose(coef.sum(), 1, atol=0.05)
    assert_allclose(coef[-1], 1, atol=0.2)


def test_fit_linear_from_one_row():
    coef, intercept = fit_standardised(np.ones((1, 3, 1)), np.full((1, 2), 5.0))
    assert_array_equal(coef, np.zeros((3, 1, 2)))
    assert_array_equal(intercept, [5, 5])
