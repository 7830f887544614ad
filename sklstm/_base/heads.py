"""Heads: what a network learns of a target, and what its outputs mean."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from .._specs import WINDOWS, OutputSpec, Sample
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

    @abstractmethod
    def output_spec(self) -> OutputSpec:
        """Return how an exported model decodes outputs."""


@dataclass(frozen=True, kw_only=True)
class RegressionHead(Head):
    """Numbers: the network learns the standardised residuals of a linear model, or of a mean.

    With `zero_output`, training starts from the predictions of the linear model (Goyal et al. 2017, section 5.1).
    """

    linear: LinearModel
    std: np.ndarray  # (n_outputs,)

    def encode(self, sample):
        """Return the residuals as float32."""
        return ((sample.y - self.linear.predict(sample.windows)) / self.std).astype(np.float32)

    def decode(self, inputs, outputs):
        """Return the sum of both models in the units of the target."""
        return self.linear.predict(inputs[WINDOWS]) + outputs * self.std

    def best_factor(self, outputs: np.ndarray, residuals: np.ndarray, sample_weight: np.ndarray) -> float:
        """Return the factor from 0 to 1 with which the network's outputs have the least loss."""

        def loss(factor: float) -> float:
            return np.average(LOSSES[self.loss](residuals - factor * outputs).mean(axis=1), weights=sample_weight)

        # The loss is convex, so that no other minimum can mislead the search, which never gets to the very ends.
        inside = minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-6})
        return min((1.0, 0.0, float(inside.x)), key=loss)

    def output_spec(self):
        """Return the same for an exported model."""
        return OutputSpec(mean=self.linear.intercept, std=self.std, linear_coef=self.linear.coef)


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
