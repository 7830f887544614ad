"""Threads, for work that JAX would do on one core of a CPU."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import local

import joblib
import keras
from threadpoolctl import ThreadpoolController

from .entry import in_32_bits

_thread = local()


@contextmanager
def mapping(n_tasks: int) -> Iterator[Callable]:
    """Give a function like ``map`` for so many tasks, on as many threads as scikit-learn's own loops would have.

    So ``OMP_NUM_THREADS`` and threadpoolctl limit them, and joblib's worker processes share the cores. The other
    backends use all cores by themselves. A thread that works on a task has no others for parts of it.
    """
    n_threads = min(n_tasks, _effective_n_threads()) if n_tasks > 1 and is_jax_on_cpu() else 1
    if n_threads == 1:
        yield map
        return
    with ThreadPoolExecutor(n_threads, initializer=_work_alone) as pool:
        yield lambda task, *arguments: pool.map(in_32_bits(task), *arguments)


def _work_alone() -> None:
    _thread.works_alone = True


def _effective_n_threads() -> int:
    """Return the number of threads of OpenMP's loops: all physical cores unless it is limited."""
    if getattr(_thread, "works_alone", False):
        return 1
    limits = [library.num_threads for library in _openmp_libraries()]
    if "OMP_NUM_THREADS" not in os.environ:
        limits.append(joblib.cpu_count(only_physical_cores=True))
    return min(limits, default=1)


@cache
def _openmp_libraries() -> list:
    """Return the OpenMP libraries in this process; scikit-learn has loaded one. The search takes milliseconds."""
    return ThreadpoolController().select(user_api="openmp").lib_controllers


def is_jax_on_cpu() -> bool:
    """Tell whether JAX is the backend, and a CPU its device."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() == "cpu"
