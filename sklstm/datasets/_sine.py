"""A sine wave."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar


def make_sine(n_samples=1000):
    """Return a sine wave, ``sin(t)`` with `t` evenly spaced over [0, 100].

    Parameters
    ----------
    n_samples : int, default=1000
        Number of samples.

    Returns
    -------
    series : ndarray of shape (n_samples, 1), float64
        The wave, of amplitude 1.

    See Also
    --------
    load_airline : Load a monthly series with a trend and a season.

    Examples
    --------
    >>> from sklstm.datasets import make_sine
    >>> make_sine().shape
    (1000, 1)
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    return np.sin(np.linspace(0, 100, n_samples)).reshape(-1, 1)
