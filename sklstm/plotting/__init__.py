"""Displays of forecasts and of fitted networks, in scikit-learn's conventions; they need matplotlib."""

from ._attention import AttentionDisplay
from ._backtest import BacktestDisplay
from ._forecast import ForecastDisplay
from ._gates import GatesDisplay
from ._loss_curve import LossCurveDisplay
from ._relevance import RelevanceDisplay

__all__ = [
    "AttentionDisplay",
    "BacktestDisplay",
    "ForecastDisplay",
    "GatesDisplay",
    "LossCurveDisplay",
    "RelevanceDisplay",
]

for _name in __all__:
    globals()[_name].__module__ = __name__
