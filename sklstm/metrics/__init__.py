"""Metrics for forecasts and their intervals, for labels of steps, and for texts."""

from ._interval_scorer import make_interval_scorer, make_quantile_scorer
from ._intervals import interval_coverage, interval_score, interval_width
from ._quantiles import continuous_ranked_probability_score
from ._scaled_error import mean_absolute_scaled_error
from ._steps import make_step_scorer
from ._texts import character_error_rate

__all__ = [
    "character_error_rate",
    "continuous_ranked_probability_score",
    "interval_coverage",
    "interval_score",
    "interval_width",
    "make_interval_scorer",
    "make_quantile_scorer",
    "make_step_scorer",
    "mean_absolute_scaled_error",
]

for _name in __all__:
    globals()[_name].__module__ = __name__
