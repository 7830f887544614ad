"""LSTM networks for scikit-learn."""

from ._backtest import backtest
from ._forecaster import LSTMForecaster
from ._naive import SeasonalNaive
from ._supervised import forecast, to_supervised
from ._window import SlidingWindow

__all__ = ["LSTMForecaster", "SeasonalNaive", "SlidingWindow", "backtest", "forecast", "to_supervised"]

__version__ = "0.1.0.dev0"
