"""LSTM networks for scikit-learn."""

__version__ = "0.1.0.dev0"  # before the imports, since files tell it

from ._anomalies.detector import LSTMAnomalyDetector
from ._forecasting.backtest import backtest
from ._forecasting.conformal_forecaster import ConformalForecaster
from ._forecasting.forecast import forecast, sample_paths
from ._forecasting.forecaster import LSTMForecaster
from ._forecasting.panel_split import PanelTimeSeriesSplit
from ._forecasting.seasonal_naive import SeasonalNaive
from ._forecasting.supervised import to_supervised
from ._sequences.classifier import LSTMClassifier
from ._sequences.padding import pad_sequences
from ._sequences.spectrogram import LogMelSpectrogram
from ._state import trusted_types
from ._text.generator import LSTMTextGenerator
from ._text.token_sequences import TokenSequences
from ._text.transcriber import LSTMTranscriber
from ._text.translator import LSTMTranslator
from ._windows.sliding_window import SlidingWindow

__all__ = [
    "ConformalForecaster",
    "LSTMAnomalyDetector",
    "LSTMClassifier",
    "LSTMForecaster",
    "LSTMTextGenerator",
    "LSTMTranscriber",
    "LSTMTranslator",
    "LogMelSpectrogram",
    "PanelTimeSeriesSplit",
    "SeasonalNaive",
    "SlidingWindow",
    "TokenSequences",
    "backtest",
    "forecast",
    "pad_sequences",
    "sample_paths",
    "to_supervised",
    "trusted_types",
]

for _name in __all__:  # so that files of fitted estimators carry no private path
    globals()[_name].__module__ = __name__
