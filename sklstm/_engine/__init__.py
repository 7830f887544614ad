"""The engine: the only package that knows Keras.

It builds, trains and evaluates networks, and trades in plain arrays: what goes in and what comes out can
be pickled. Importing it imports Keras, which is why the estimators import it on their first ``fit``.
"""

from . import _backend  # first, since it decides on what Keras will run  # isort: skip
from ._batches import Rows
from ._compilation import compilations
from ._network import NO_CLASS, Architecture, to_keras
from ._prediction import predict
from ._programs import Recipe
from ._training import TrainedNetwork, train

__all__ = [
    "NO_CLASS",
    "Architecture",
    "Recipe",
    "Rows",
    "TrainedNetwork",
    "backend",
    "compilations",
    "predict",
    "to_keras",
    "train",
]

backend = _backend.NAME
