"""Compilation of functions on the backend in use, and a count of it."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import keras

_traces: Counter[str] = Counter()


def compilations() -> dict[str, int]:
    """Return how often a step was traced for compilation so far, by kind of step.

    A step is traced once for each program and batch shape. PyTorch, which runs steps without compiling
    them, is not counted.
    """
    return dict(_traces)


def count_trace(step: str) -> None:
    """Count a compilation; to be called in the body of a function that is about to be compiled."""
    if keras.backend.backend() != "torch":
        _traces[step] += 1


class MeanOfBatches(keras.metrics.Mean):
    """A mean of losses in which all batches count alike, as weights of rows are scaled for."""

    def update_state(self, values, sample_weight=None):
        return super().update_state(values)


class CountedModel(keras.Model):
    """A model that counts how often its steps are compiled, and all batches alike in the loss of an epoch."""

    def compile(self, *args, **kwargs):
        """Compile as Keras does, whose loss of an epoch would count batches by rows, those of weight zero included.

        The optimizer is built here, since compiled loops begin with its variables.
        """
        super().compile(*args, **kwargs)
        self.optimizer.build(self.trainable_variables)
        object.__setattr__(self, "_loss_tracker", MeanOfBatches(name="loss"))  # past Keras, which would list it twice

    def train_step(self, *args):
        count_trace("train")
        return super().train_step(*args)

    def test_step(self, *args):
        count_trace("validate")
        return super().test_step(*args)


def compiled(function: Callable) -> Callable:
    """Return a function that changes nothing but what it returns, compiled once for each shape of its arguments."""
    match keras.backend.backend():
        case "jax":
            import jax

            return jax.jit(function)
        case "tensorflow":
            import tensorflow

            return tensorflow.function(function, autograph=False)
        case _:
            import torch

            return torch.no_grad()(function)


def gradient(function: Callable, inputs: Any) -> Any:
    """Return the gradient of a function's only output by its inputs."""
    match keras.backend.backend():
        case "jax":
            import jax

            return jax.grad(function)(inputs)
        case "tensorflow":
            import tensorflow

            with tensorflow.GradientTape() as tape:
                tape.watch(inputs)
                output = function(inputs)
            return tape.gradient(output, inputs)
        case _:
            import torch

            with torch.enable_grad():
                inputs = torch.as_tensor(inputs).requires_grad_()
                return torch.autograd.grad(function(inputs), inputs)[0]


@cache
def training_options() -> dict[str, Any]:
    """Return arguments for ``jax.jit`` that suit training on CPUs, as far as this version of JAX knows them.

    XLA has two code generators for elementwise operations. With jax 0.10 the older one compiles a training step
    in two thirds of the time, and vectorises what reads a step of a longer array, as the gradient does; the newer
    one makes the faster forward pass.
    """
    import jax

    options = {"compiler_options": {"xla_cpu_use_fusion_emitters": False}}
    try:
        jax.jit(lambda: 0, **options)()
    except (TypeError, RuntimeError):  # unknown to jit, or to XLA
        return {}
    return options
