"""Threads, for work that JAX would do on one core of a CPU."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import keras
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads


@contextmanager
def mapping(n_tasks: int) -> Iterator[Callable]:
    """Give a function like ``map`` for so many tasks, on as many threads as scikit-learn's own loops would have.

    So ``OMP_NUM_THREADS`` and threadpoolctl limit them, and joblib's worker processes share the cores. The other
    backends use all cores by themselves.
    """
    n_threads = min(n_tasks, _openmp_effective_n_threads()) if n_tasks > 1 and is_jax_on_cpu() else 1
    if n_threads == 1:
        yield map
        return
    with ThreadPoolExecutor(n_threads) as pool:
        yield pool.map


def is_jax_on_cpu() -> bool:
    """Tell whether JAX is the backend, and a CPU its device."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() == "cpu"
