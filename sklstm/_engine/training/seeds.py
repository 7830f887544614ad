"""Random numbers of a training, all derived from one seed."""

import numpy as np

WEIGHTS, SHUFFLING, DROPOUT = range(3)  # what they are drawn for


def rng_for(purpose: int, seed: int, epoch: int) -> np.random.Generator:
    """Return the generator for a purpose from some epoch on, the number of epochs trained before."""
    return np.random.default_rng([seed, epoch, purpose])
