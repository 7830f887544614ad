"""What estimators and engine hand to each other: plain data, without Keras."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

WINDOWS = "windows"  # the name of the input that every network has
PREVIOUS = "previous"  # that of what a decoder has written before each step
IGNORED_CLASS = -1  # in the place of a class at a step that has none

MEDIAN = 0.5

Pooling = Literal["last", "mean", "max", "none"]
MissingSteps = Literal["none", "leading", "anywhere"]  # where there are any; leading: before all others of their window


class Sample(NamedTuple):
    """Validated data, as views of the user's, and which of its rows to use."""

    inputs: dict[str, np.ndarray]  # by name, each of shape (n_samples, *InputSpec.shape), missing steps as NaN
    y: np.ndarray  # (n_samples, n_outputs), or (n_samples, n_steps, 1) if there is a target for each step
    sample_weight: np.ndarray  # (n_samples,)
    rows: np.ndarray  # in order
    class_weight: np.ndarray | None = None  # (n_classes,), of the classes that steps have

    @property
    def windows(self) -> np.ndarray:
        """Return the input that every network has."""
        return self.inputs[WINDOWS]


class Run(NamedTuple):
    """What a network trains on, and what it validates on, if anything."""

    training: Sample
    validation: Sample | None


class Scale(NamedTuple):
    """What an input is standardised with."""

    mean: np.ndarray  # (n_features,)
    std: np.ndarray  # (n_features,)
    # (n_features,), if steps enter as deviations from the mean of their window: the standard deviation of these
    deviation: np.ndarray | None = None

    @property
    def n_standardised(self) -> int:
        """Return the number of features that a network sees at each step."""
        return len(self.mean) * (1 if self.deviation is None else 2)


@dataclass(frozen=True)
class InputSpec:
    """The shape of one of a network's inputs."""

    name: str
    # Of a row: (n_steps, n_features), or (n_steps, height, width, n_channels) of frames; None for any number of steps.
    shape: tuple[Any, ...]
    n_tokens: int = 0  # if not zero, the only feature is the number of a token


@dataclass(frozen=True)
class CustomNetwork:
    """A function that builds a network of Keras layers, and its parameters."""

    build: Callable[..., Any] | str  # from symbolic windows and mask to what the output layer sees; or a short name
    params: str = "{}"  # in JSON, which can be compared and hashed, and tells 1 from True
    is_causal: bool = False  # whether outputs at a step must not depend on later steps


@dataclass(frozen=True)
class NetworkSpec:
    """The shapes of a network: what its weights belong to, and what its compiled functions are cached by."""

    inputs: tuple[InputSpec, ...]
    n_outputs: int
    units: tuple[int, ...]
    builder: str = "recurrent"
    cell: str = "lstm"
    bidirectional: bool = False
    pooling: Pooling = "last"  # of the hidden states of all steps; with none, there are outputs at each step
    embedding_dim: int = 0  # the size of the vectors that tokens become
    attention: bool = False  # of a decoder to the states of its encoder
    custom: CustomNetwork | None = None  # of the builder of that name

    @property
    def windows(self) -> InputSpec:
        """Return the shape of the input that every network has."""
        return self.input(WINDOWS)

    def input(self, name: str) -> InputSpec:
        """Return the shape of the input of that name."""
        return next(spec for spec in self.inputs if spec.name == name)

    @property
    def is_ragged(self) -> bool:
        """Tell whether sequences differ in length, so that batches have several shapes."""
        return self.windows.shape[0] is None


@dataclass(frozen=True)
class Meaning:
    """What the outputs of a network mean."""

    kind: Literal["numbers", "logits", "quantiles"]
    quantiles: tuple[float, ...] = ()  # whose outputs lie side by side for each output of the target; with a median

    @property
    def median(self) -> int:
        """Return the position of the median among the quantiles."""
        return self.quantiles.index(MEDIAN)


NUMBERS, LOGITS = Meaning("numbers"), Meaning("logits")


class LSTMLayer(NamedTuple):
    """A layer that can be looked into."""

    n_steps: int
    units: int
    bidirectional: bool


@dataclass(frozen=True)
class StepSpec:
    """What a compiled training step depends on, besides the network and the batch shape."""

    loss: str
    optimizer: str
    global_clipnorm: float | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    missing: MissingSteps = "none"
    quantiles: tuple[float, ...] = ()  # of the loss of that name


@dataclass(frozen=True)
class OutputSpec:
    """What an exported model does with the outputs of its network."""

    meaning: Meaning = NUMBERS
    mean: np.ndarray | float = 0.0  # added to what they mean
    std: np.ndarray | float = 1.0  # multiplied with it
    linear_coef: np.ndarray | None = None  # (n_steps, n_features, n_outputs), of a linear model to add
    level_coef: np.ndarray | None = None  # (n_features, n_outputs), of a linear model of windows' means to add


@dataclass(frozen=True)
class TrainingSpec:
    """How a training runs: nothing of this is compiled."""

    epochs: int
    first_epoch: int  # the number of epochs trained before
    batch_size: int
    learning_rate: float
    learning_rate_schedule: Literal["constant", "cosine"]
    n_iter_no_change: int
    tol: float
    seed: int
    number: int = 0  # of the network among those of a fit
    zero_output: bool = False  # whether the output layer of a new network is initialised with zeros
    verbose: int = 0


class Watcher(Protocol):
    """What sees the epochs of all networks of a fit, one at a time, whichever threads train them."""

    def begin_epoch(self, network: int, epoch: int) -> None:
        """See an epoch begin; both numbers are those of this fit, from 0."""

    def end_epoch(self, network: int, epoch: int, losses: dict[str, float], weights: Callable[[], list]) -> bool:
        """See an epoch end, with its losses and a function that returns the weights. Return whether to stop there."""

    def end_network(self, network: int, n_epochs: int) -> None:
        """See the training of a network end after so many epochs."""


@dataclass(frozen=True)
class TrainedNetwork:
    """The outcome of training, and all that is needed to go on with it."""

    weights: list[np.ndarray]
    optimizer_state: list[np.ndarray] | None  # None: to be initialised
    history: dict[str, list[float]] = field(default_factory=dict)  # of this training
