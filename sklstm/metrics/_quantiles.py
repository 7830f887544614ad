"""Metrics of predictive distributions, by their quantiles."""

import numpy as np
from sklearn.utils import check_array

from .._compat import StrOptions, validate_params
from ._averages import (
    average_outputs,
    average_rows,
    check_last_axis,
    check_outputs,
    check_present,
    check_same_outputs,
)


@validate_params(
    {
        "y_true": ["array-like"],
        "y_quantiles": ["array-like"],
        "quantiles": ["array-like"],
        "sample_weight": ["array-like", None],
        "multioutput": [StrOptions({"raw_values", "uniform_average"}), "array-like"],
    },
    prefer_skip_nested_validation=True,
)
def continuous_ranked_probability_score(
    y_true, y_quantiles, *, quantiles, sample_weight=None, multioutput="uniform_average"
):
    """Compute the continuous ranked probability score (CRPS), approximated from quantiles.

    The CRPS compares a whole predictive distribution with the true value. It is twice the integral of the pinball loss
    over all quantile levels from 0 to 1 [1]_ [2]_. It extends the absolute error to distributions.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Ground truth (correct) target values. Missing values (NaN) do not count.

    y_quantiles : array-like of shape (n_samples, n_outputs, n_quantiles) or (n_samples, n_quantiles)
        Predicted quantiles. A 2-D array or a DataFrame has the quantiles of one output.

    quantiles : array-like of shape (n_quantiles,)
        The level of each quantile, between 0 and 1, in increasing order.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,), default="uniform_average"
        Defines aggregating of multiple output values.
        Array-like value defines weights used to average losses.

        "raw_values" :
            Returns the loss of each output.

        "uniform_average" :
            Losses of all outputs are averaged with uniform weight.

    Returns
    -------
    loss : float or ndarray of shape (n_outputs,)
        Non-negative, in the units of the target. The best value is 0.0. One loss for each output if
        ``multioutput="raw_values"``, their weighted average otherwise.

    Raises
    ------
    ValueError
        If shapes do not fit, `quantiles` are not between 0 and 1 and increasing, a quantile is NaN where the true value
        is known, or an output has no true value with a weight.

    See Also
    --------
    make_quantile_scorer : A scorer for searches and cross-validation.
    interval_score : The loss of one interval.
    sklearn.metrics.mean_pinball_loss : The loss of one quantile.

    Notes
    -----
    Between the given levels, the pinball loss is interpolated linearly (trapezoidal rule). From 0 at the levels 0 and
    1, it follows a parabola to the first and the last level, where the parabola has its vertex. All weights are
    positive, so the expected loss is smallest for the true quantiles. With the nine levels 0.1 to 0.9, the mean loss of
    a correct normal distribution is 0.6 % too large; with a trapezoidal rule to both ends, it would be 1.5 % too small.
    Few or uneven levels have larger errors. Compare losses of the same levels only.

    References
    ----------
    .. [1] F. Laio and S. Tamea, "Verification tools for probabilistic forecasts of continuous hydrological variables",
       Hydrology and Earth System Sciences 11(4), 2007.
    .. [2] T. Gneiting and R. Ranjan, "Comparing density forecasts using threshold- and quantile-weighted scoring
       rules", Journal of Business & Economic Statistics 29(3), 2011.

    Examples
    --------
    The CRPS of a standard normal distribution is 0.2337 at zero:

    >>> import numpy as np
    >>> from scipy.stats import norm
    >>> from sklstm.metrics import continuous_ranked_probability_score
    >>> levels = np.linspace(0.01, 0.99, 99)
    >>> round(continuous_ranked_probability_score([0.0], [norm.ppf(levels)], quantiles=levels), 4)
    0.2337
    """
    levels = _check_levels(quantiles)
    y_true = check_outputs(y_true, "y_true", missing=True)
    predicted = check_last_axis(y_quantiles, len(levels), "y_quantiles", "the quantiles of each level")
    check_same_outputs(y_true, predicted, "y_quantiles")
    counts = ~np.isnan(y_true)
    check_present(predicted, counts, "y_quantiles")
    errors = y_true[..., np.newaxis] - predicted
    losses = np.maximum(levels * errors, (levels - 1) * errors)
    return average_outputs(average_rows(losses @ (2 * _weights(levels)), counts, sample_weight), multioutput)


def _check_levels(quantiles) -> np.ndarray:
    levels = check_array(quantiles, dtype=np.float64, ensure_2d=False, input_name="quantiles").ravel()
    if levels[0] <= 0 or levels[-1] >= 1 or (np.diff(levels) <= 0).any():
        raise ValueError(f"quantiles must be between 0 and 1 and increase. Got {quantiles!r}.")
    return levels


def _weights(levels: np.ndarray) -> np.ndarray:
    """Return the weight of each level in an integral from 0 to 1 of what is zero at both ends."""
    weights = np.zeros(len(levels))
    weights[:-1] += np.diff(levels) / 2
    weights[1:] += np.diff(levels) / 2
    weights[0] += 2 / 3 * levels[0]  # below a parabola from zero to its vertex
    weights[-1] += 2 / 3 * (1 - levels[-1])
    return weights
