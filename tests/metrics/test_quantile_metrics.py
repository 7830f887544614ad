import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import norm

from sklstm.metrics import continuous_ranked_probability_score

NINE = np.arange(1, 10) / 10


def normal_crps(y):
    """Return the closed form for a standard normal distribution (Gneiting & Raftery 2007, section 4.2)."""
    return y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)


@pytest.mark.parametrize("y", [-2.5, -1.0, 0.0, 0.3, 3.0])
def test_many_levels_approach_the_closed_form(y):
    errors = []
    for n_levels in (9, 99, 999):
        levels = np.arange(1, n_levels + 1) / (n_levels + 1)
        score = continuous_ranked_probability_score([y], [norm.ppf(levels)], quantiles=levels)
        errors.append(abs(score - normal_crps(y)))
    assert errors[0] < 0.03
    assert errors[1] < 2e-3
    assert errors[2] < 5e-5


def test_mean_loss_of_nine_levels_is_close():
    y = norm.ppf((np.arange(4000) + 0.5) / 4000)
    score = continuous_ranked_probability_score(y, np.tile(norm.ppf(NINE), (4000, 1)), quantiles=NINE)
    assert score == pytest.approx(1 / np.sqrt(np.pi), rel=0.006)
    for wrong in (1.3 * norm.ppf(NINE), norm.ppf(NINE) / 1.3, norm.ppf(NINE) + 0.2):
        assert continuous_ranked_probability_score(y, np.tile(wrong, (4000, 1)), quantiles=NINE) > score


def test_known_answers():
    # A level of 0.5 has the weight 2/3 of the integral, and the pinball loss is half the absolute error.
    assert continuous_ranked_probability_score([3.0], [[1.0]], quantiles=[0.5]) == pytest.approx(2 * 2 / 3)
    # Pinball losses 0.25 * 2 and 0.75 * 1; weights 1/4 between the levels and 1/6 to each end.
    score = continuous_ranked_probability_score([3.0], [[1.0, 2.0]], quantiles=[0.25, 0.75])
    assert score == pytest.approx(2 * (0.25 + 1 / 6) * (0.5 + 0.75))


def test_outputs_rows_and_missing_values():
    y = np.array([[1.0, 2.0], [np.nan, 3.0], [5.0, 1.0]])
    quantiles = np.array([0.1, 0.5, 0.9])
    predicted = np.nan_to_num(y)[..., np.newaxis] + quantiles * np.array([[1], [2]])
    predicted[1, 0] = np.nan
    scores = continuous_ranked_probability_score(y, predicted, quantiles=quantiles, multioutput="raw_values")
    assert_allclose(scores[1], 2 * scores[0])
    frame = pd.DataFrame(predicted[:, 1])
    assert continuous_ranked_probability_score(y[:, 1], frame, quantiles=quantiles) == pytest.approx(scores[1])
    weighted = continuous_ranked_probability_score(y, predicted, quantiles=quantiles, multioutput=[0.25, 0.75])
    assert weighted == pytest.approx(scores @ [0.25, 0.75])


@given(st.integers(0, 999), st.floats(1e-3, 1e3))
def test_units(seed, scale):
    rng = np.random.default_rng(seed)
    y, predicted = rng.standard_normal(5), np.sort(rng.standard_normal((5, 9)), axis=1)
    score = continuous_ranked_probability_score(y, predicted, quantiles=NINE)
    assert continuous_ranked_probability_score(scale * y, scale * predicted, quantiles=NINE) == pytest.approx(
        scale * score
    )


@pytest.mark.parametrize(
    ("y_quantiles", "quantiles", "message"),
    [
        ([[1, 2]], [0.5, 0.1], "quantiles must be between 0 and 1 and increase"),
        ([[1, 2]], [0.1, 0.1], "quantiles must be between 0 and 1 and increase"),
        ([[1, 2]], [0, 0.5], "quantiles must be between 0 and 1 and increase"),
        ([[1, 2]], [0.5, 1], "quantiles must be between 0 and 1 and increase"),
        ([[1, 2]], [], "0 sample"),
        ([[1, 2]], [0.1, 0.5, 0.9], r"\(n_samples, 3\) for one output: the last axis has the quantiles"),
        ([[1, np.nan]], [0.1, 0.5], "y_quantiles has NaN in row 0"),
        ([[1, 2]] * 2, [0.1, 0.5], "inconsistent numbers"),
        (np.zeros((1, 2, 2)), [0.1, 0.5], r"y_true has 1 output\(s\), but y_quantiles has 2"),
    ],
)
def test_bad_quantiles(y_quantiles, quantiles, message):
    with pytest.raises(ValueError, match=message):
        continuous_ranked_probability_score([1.0], y_quantiles, quantiles=quantiles)
