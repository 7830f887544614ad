"""A cache of compiled models: one Keras model serves every fit of its network.

A model's training step is compiled when the model is first fitted. The step depends on the shape of the
network and not on the values of its weights, so a second fit need not compile: it sets the weights, the
optimizer's state and the seeds of the same model anew.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import keras
import numpy as np

from ..._specs import NetworkSpec, StepSpec
from ..networks.builders import keras_inputs, network_outputs
from ..networks.objectives import make_loss, make_optimizer
from ..networks.recurrent import BuildOptions, Zeros
from ..networks.variables import assign_variables, read_variables, seed_variables, weight_variables
from ..runtime.precision import float32_by_default
from .checkpoints import SavableModel

MAX_IDLE_MODELS = 32


class CompiledModel:
    """A compiled Keras model whose entire state can be set and read as arrays."""

    @float32_by_default()
    def __init__(self, spec: NetworkSpec, step: StepSpec):
        inputs = keras_inputs(spec)
        options = BuildOptions(step.missing, step.dropout, step.recurrent_dropout)
        self.model = _model_class()(inputs, network_outputs(spec, inputs, options), name="network")
        self.model.one_by_one = spec.custom is not None or spec.is_ragged
        with keras.saving.custom_object_scope({"zeros": Zeros}):  # the initializer of the optimizer's variables
            loss = make_loss(step.loss, **({"quantiles": step.quantiles} if step.quantiles else {}))
            self.model.compile(make_optimizer(step.optimizer, 0.001, step.global_clipnorm), loss)
        self._initial_optimizer_state = read_variables(self.model.optimizer.variables)
        self.reusable = True  # until its state is unknown

    def set_state(self, weights, optimizer_state, rng: np.random.Generator, learning_rate: float) -> None:
        """Set all that training changes; ``optimizer_state=None`` initialises that of the optimizer.

        ``rng`` gives the seeds of dropout.
        """
        optimizer = self.model.optimizer
        assign_variables(weight_variables(self.model), weights)
        assign_variables(optimizer.variables, optimizer_state or self._initial_optimizer_state)
        optimizer.learning_rate = learning_rate
        seeds = seed_variables(self.model)
        assign_variables(seeds, [(seed, 0) for seed in rng.integers(2**31, size=len(seeds))])

    def weights(self) -> list[np.ndarray]:
        """Return the weights as arrays of their own."""
        return read_variables(weight_variables(self.model))

    def optimizer_state(self) -> list[np.ndarray]:
        """Return the optimizer's variables as arrays of their own."""
        return read_variables(self.model.optimizer.variables)


def _model_class() -> type[SavableModel]:
    if keras.backend.backend() != "jax":
        return SavableModel
    from .compiled_loop import EpochModel

    return EpochModel


_idle_models: OrderedDict[tuple[NetworkSpec, StepSpec], list[CompiledModel]] = OrderedDict()
_lock = Lock()


@contextmanager
def borrowed_model(spec: NetworkSpec, step: StepSpec) -> Iterator[CompiledModel]:
    """Lend a compiled model for the length of a fit, to one thread at a time.

    A model is not lent again if it is not `reusable` after that fit, or if the fit raises, since then its
    state is unknown.
    """
    key = (spec, step)
    with _lock:
        models = _idle_models.get(key)
        model = models.pop() if models else None
    if model is None:
        model = CompiledModel(spec, step)
    yield model
    if model.reusable:
        with _lock:
            _idle_models.setdefault(key, []).append(model)
            _idle_models.move_to_end(key)
            while len(_idle_models) > MAX_IDLE_MODELS:
                _idle_models.popitem(last=False)
