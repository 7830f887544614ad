"""Heads: what a network learns of a target, and what its outputs mean."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from .._specs import WINDOWS, OutputSpec, Sample
from .level import LevelModel
from .linear import LinearModel

LOSSES: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # of errors; the engine's losses by the same names are Keras'
    "absolute_error": np.abs,
    "huber": lambda errors: np.where(np.abs(errors) <= 1, np.square(errors) / 2, np.abs(errors) - 0.5),
    "squared_error": np.square,
}


@dataclass(frozen=True, kw_only=True)
class Head(ABC):
    """A kind of target. It is made anew from an estimator's fitted attributes, and not kept on it."""

    n_outputs: int  # of the network
    loss: str  # its name in the engine's table of losses
    zero_output: bool = False  # whether the output layer of a new network is initialised with zeros

    @abstractmethod
    def encode(self, sample: Sample) -> np.ndarray:
        """Return what the network learns of the validated target."""

    @abstractmethod
    def decode(self, inputs: dict[str, np.ndarray], outputs: np.ndarray) -> np.ndarray:
        """Return predictions from the network's outputs."""

    def relevance(self, windows: np.ndarray, of_network: np.ndarray, output: int) -> np.ndarray:
        """Return the relevance of raw windows for a prediction from that for the network's output."""
        return of_network

    @abstractmethod
    def output_spec(self) -> OutputSpec:
        """Return how an exported model decodes outputs."""


@dataclass(frozen=True, kw_only=True)
class RegressionHead(Head):
    """Numbers, predicted by a linear model and a network.

    The network learns the standardised target, and both predictions are averaged by their weights. Or else it learns
    the standardised residuals of the linear model, and both are added. With `zero_output`, training then starts from
    the predictions of the linear model (Goyal et al. 2017, section 5.1).
    """

    linear: LinearModel
    linear_weight: float
    network_weight: float
    on_residuals: bool
    level: LevelModel  # added to what the network predicts
    std: np.ndarray  # (n_outputs,)

    def encode(self, sample):
        """Return the standardised target or residuals as float32."""
        base = (self.linear if self.on_residuals else self.level).predict(sample.windows)
        return ((sample.y - base) / self.std).astype(np.float32)

    def decode(self, inputs, outputs):
        """Return the weighted sum of both models in the units of the target."""
        windows = inputs[WINDOWS]
        y = self.network_weight * (self.level.predict(windows) + outputs * self.std)
        return y + self.linear_weight * self.linear.predict(windows) if self.linear_weight else y

    def relevance(self, windows, of_network, output):
        """Return the weighted sum of the relevances for both models in the units of the target."""
        of_network = self.level.relevance(windows, output) + of_network * self.std[output]
        return self.network_weight * of_network + self.linear_weight * self.linear.relevance(windows, output)

    def best_network_weight(
        self, y: np.ndarray, linear: np.ndarray, network: np.ndarray, sample_weight: np.ndarray
    ) -> float:
        """Return the weight from 0 to 1 of the network's outputs, averaged with those of a linear model.

        It is the one with the least loss on encoded targets that both have not learnt from.
        """

        def loss(weight: float) -> float:
            errors = y - linear - weight * (network - linear)
            return np.average(LOSSES[self.loss](errors).mean(axis=1), weights=sample_weight)

        # The loss is convex, so that no other minimum can mislead the search, which never gets to the very ends.
        inside = minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-6})
        return min((1.0, 0.0, float(inside.x)), key=loss)

    def output_spec(self):
        """Return the same for an exported model."""
        return OutputSpec(
            mean=self.network_weight * self.level.intercept + self.linear_weight * self.linear.intercept,
            std=self.network_weight * self.std,
            linear_coef=self.linear_weight * self.linear.coef,
            level_coef=self.network_weight * self.level.coef,
        )


@dataclass(frozen=True, kw_only=True)
class ClassificationHead(Head):
    """Classes, by their place among all classes; outputs are logits."""

    loss: str = "cross_entropy"

    def encode(self, sample):
        """Return the classes."""
        return sample.y

    def decode(self, inputs, outputs):
        """Return the logits."""
        return outputs

    def output_spec(self):
        """Return the softmax that makes probabilities of logits."""
        return OutputSpec(softmax=True)


@dataclass(frozen=True, kw_only=True)
class TranscriptionHead(ClassificationHead):
    """Labels without their places; outputs at each step are logits of all labels and, first, of none."""

    loss: str = "ctc"
