"""LSTM networks for scikit-learn."""

from ._anomaly import LSTMAnomalyDetector
from ._backtest import backtest
from ._classifier import LSTMClassifier
from ._forecaster import LSTMForecaster
from ._generator import LSTMTextGenerator
from ._naive import SeasonalNaive
from ._sequences import pad_sequences
from ._supervised import forecast, to_supervised
from ._tokens import TokenSequences
from ._window import SlidingWindow

__all__ = [
    "LSTMAnomalyDetector",
    "LSTMClassifier",
    "LSTMForecaster",
    "LSTMTextGenerator",
    "SeasonalNaive",
    "SlidingWindow",
    "TokenSequences",
    "backtest",
    "forecast",
    "pad_sequences",
    "to_supervised",
]

__version__ = "0.1.0.dev0"
