"""The engine: the only package that imports Keras.

It builds, trains and evaluates networks. What goes in and what comes out are the specs of `sklstm._specs` and arrays,
which can be pickled. Importing it imports Keras, so estimators import it on their first ``fit``.
"""

from .runtime.backend import NAME as backend  # first, since it decides on what Keras will run  # isort: skip  # noqa: N811
from .networks.export import to_keras
from .prediction import predict
from .runtime.compilation import compilations
from .runtime.entry import entry
from .training.train import train

__all__ = ["backend", "compilations", "predict", "to_keras", "train"]

predict, to_keras, train = entry(predict), entry(to_keras), entry(train)
