"""Entries of the engine: what holds in all of them, whatever settings they are called in."""

from collections.abc import Callable
from functools import wraps

from .backend import NAME


def entry(function: Callable) -> Callable:
    """Return a function of the engine as an entry to it: computed in 32 bits."""
    return in_32_bits(function)


def in_32_bits(function: Callable) -> Callable:
    """Return a function with the operations of JAX's default, whether or not ``jax_enable_x64`` is set.

    With it JAX and Keras make indices of 64 bits, and draw dropout from other random numbers. The setting holds for
    a thread: other threads that a function starts need it again.
    """
    if NAME != "jax":
        return function
    import jax

    if hasattr(jax, "enable_x64"):
        enable_x64 = jax.enable_x64
    else:  # with older versions of JAX
        from jax.experimental import enable_x64

    @wraps(function)
    def run(*args, **kwargs):
        with enable_x64(False):
            return function(*args, **kwargs)

    return run
