"""Random numbers of a training, all derived from one seed and the number of the network."""

import numpy as np

from ..._specs import TrainingSpec

WEIGHTS, SHUFFLING, DROPOUT = range(3)  # what they are drawn for


def rng_for(purpose: int, training: TrainingSpec, epoch: int) -> np.random.Generator:
    """Return the generator for a purpose from some epoch on, the number of epochs trained before."""
    return np.random.default_rng([training.seed, epoch, purpose, training.number])
