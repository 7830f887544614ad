"""The engine: the only package that imports Keras.

It builds, trains and evaluates networks. What goes in and what comes out are the specs of `sklstm._specs` and arrays,
which can be pickled. Importing it imports Keras, so estimators import it on their first ``fit``.
"""

from .runtime.backend import NAME as backend  # first, since it decides on what Keras will run  # isort: skip  # noqa: N811
from .lstm_layers import lstm_layers, read_lstm_layer
from .networks.export import export
from .prediction import predict
from .relevance import relevance
from .runtime.compilation import compilations
from .runtime.entry import entry
from .training.train import train

__all__ = ["backend", "compilations", "export", "lstm_layers", "predict", "read_lstm_layer", "relevance", "train"]

predict, relevance, export, train = entry(predict), entry(relevance), entry(export), entry(train)
lstm_layers, read_lstm_layer = entry(lstm_layers), entry(read_lstm_layer)
