"""Heads: what a network learns of a target, and what its outputs mean."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from .._specs import WINDOWS, OutputSpec, Sample
from .linear import LinearModel


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
