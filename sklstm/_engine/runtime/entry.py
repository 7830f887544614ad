"""Entries of the engine: what holds in all of them, whatever process and settings they are called in."""

import os
from collections.abc import Callable
from functools import wraps

from .backend import NAME

_first_process: int | None = None  # the id of the process in which the engine was used first


def entry(function: Callable) -> Callable:
    """Return a function of the engine as an entry to it: computed in 32 bits, and refused in a forked process.

    Raises
    ------
    RuntimeError
        If the process was forked from one that had used the engine. The backends run threads, which a fork leaves
        behind, so that JAX and TensorFlow would wait for them forever.
    """
    function = in_32_bits(function)

    @wraps(function)
    def enter(*args, **kwargs):
        _refuse_fork()
        return function(*args, **kwargs)

    return enter


def in_32_bits(function: Callable) -> Callable:
    """Return a function with the operations of JAX's default, whether or not ``jax_enable_x64`` is set.

    With it JAX and Keras make indices of 64 bits, and draw dropout from other random numbers. The setting holds for
    a thread: other threads that a function starts need it again.
    """
    if NAME != "jax":
        return function
    import jax
    import jax.experimental

    home = jax if hasattr(jax, "enable_x64") else jax.experimental  # of older versions

    @wraps(function)
    def run(*args, **kwargs):
        with home.enable_x64(False):
            return function(*args, **kwargs)

    return run


def _refuse_fork() -> None:
    global _first_process
    process = os.getpid()
    if _first_process is None:
        _first_process = process
    if _first_process != process:
        raise RuntimeError(
            f"This process was forked from one that had used Keras on {NAME}, whose threads do not survive a fork: "
            "training and predicting would hang. Start processes by multiprocessing.set_start_method('spawn') or "
            "'forkserver', or with joblib's default backend 'loky' instead of 'multiprocessing'."
        )
