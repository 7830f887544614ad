"""Compiled training programs: one Keras model serves every fit of its architecture.

A model's training step is compiled when the model is first fitted. The step depends on the shape of the
network and not on the values of its weights, so a second fit need not compile: it sets the weights, the
optimizer's state and the seeds of the same model anew.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import keras
import numpy as np

from ._compilation import CountedModel
from ._network import Architecture, Missing, Zeros, make_loss, make_optimizer, network_outputs

MAX_IDLE_PROGRAMS = 32


@dataclass(frozen=True)
class Recipe:
    """What a compiled training step depends on besides the architecture and the batch shape."""

    loss: str
    optimizer: str
    global_clipnorm: float | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    missing: Missing = "none"


class Program:
    """A compiled Keras model whose entire state can be set and read as arrays."""

    def __init__(self, architecture: Architecture, recipe: Recipe):
        windows = architecture.inputs()
        outputs = network_outputs(
            architecture,
            windows,
            missing=recipe.missing,
            dropout=recipe.dropout,
            recurrent_dropout=recipe.recurrent_dropout,
        )
        self.model = _model_class()(windows, outputs, name="network")
        with keras.saving.custom_object_scope({"zeros": Zeros}):  # which the optimizer's variables start as
            self.model.compile(make_optimizer(recipe.optimizer, 0.001, recipe.global_clipnorm), make_loss(recipe.loss))
            self.model.optimizer.build(self.model.trainable_variables)
        self._initial_optimizer_state = _read(self.model.optimizer.variables)

    def set_state(self, weights, optimizer_state, rng: np.random.Generator, learning_rate: float) -> None:
        """Set all that training changes; ``optimizer_state=None`` starts the optimizer anew.

        ``rng`` gives the seeds of dropout.
        """
        optimizer = self.model.optimizer
        _assign(self.model.trainable_variables, weights)
        _assign(optimizer.variables, optimizer_state or self._initial_optimizer_state)
        optimizer.learning_rate = learning_rate
        seed_variables = self.model.non_trainable_variables
        _assign(seed_variables, [(seed, 0) for seed in rng.integers(2**31, size=len(seed_variables))])

    def weights(self) -> list[np.ndarray]:
        """Return the weights as arrays of their own."""
        return _read(self.model.trainable_variables)

    def optimizer_state(self) -> list[np.ndarray]:
        """Return the optimizer's variables as arrays of their own."""
        return _read(self.model.optimizer.variables)


def _model_class() -> type[keras.Model]:
    if keras.backend.backend() != "jax":
        return CountedModel
    from ._epochs import EpochModel

    return EpochModel


def _read(variables) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(v.value)) for v in variables]


def _assign(variables, values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(np.asarray(value, dtype=keras.backend.standardize_dtype(variable.dtype)))


_idle: OrderedDict[tuple[Architecture, Recipe], list[Program]] = OrderedDict()
_lock = Lock()


@contextmanager
def borrowed_program(architecture: Architecture, recipe: Recipe, *, reusable: bool = True) -> Iterator[Program]:
    """Lend a program for the length of a fit, to one thread at a time.

    A program is not lent again if it is not `reusable` after that fit, or if the fit raises, since then its
    state is unknown.
    """
    key = (architecture, recipe)
    with _lock:
        programs = _idle.get(key)
        program = programs.pop() if programs else None
    if program is None:
        program = Program(*key)
    yield program
    if reusable:
        with _lock:
            _idle.setdefault(key, []).append(program)
            _idle.move_to_end(key)
            while len(_idle) > MAX_IDLE_PROGRAMS:
                _idle.popitem(last=False)
