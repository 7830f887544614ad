"""Heads: what a network learns of a target, and what its outputs mean."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize_scalar

from .._specs import LOGITS, NUMBERS, WINDOWS, Meaning, OutputSpec, Sample
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
    meaning: Meaning = NUMBERS  # of the outputs
    zero_output: bool = False  # whether the output layer of a new network is initialised with zeros

    @abstractmethod
    def encode(self, sample: Sample) -> np.ndarray:
        """Return what the network learns of the validated target."""

    @abstractmethod
    def decode(self, inputs: dict[str, np.ndarray], outputs: np.ndarray) -> np.ndarray:
        """Return predictions from the network's outputs."""

    def output_of_network(self, output: int) -> int:
        """Return which of the network's outputs is the prediction of an output of the target."""
        return output

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

        It is the one with the least loss on encoded targets of rows outside both training sets.
        """

        def loss(weight: float) -> float:
            losses = self._losses(y - linear - weight * (network - linear))
            return np.average(losses.mean(axis=tuple(range(1, losses.ndim))), weights=sample_weight)

        # The loss is convex, so that no other minimum can mislead the search, which never gets to the very ends.
        inside = minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-6})
        return min((1.0, 0.0, float(inside.x)), key=loss)

    def _losses(self, errors: np.ndarray) -> np.ndarray:
        """Return the loss of each encoded error."""
        return LOSSES[self.loss](errors)

    def output_spec(self):
        """Return the same for an exported model."""
        return OutputSpec(
            mean=self.network_weight * self.level.intercept + self.linear_weight * self.linear.intercept,
            std=self.network_weight * self.std,
            linear_coef=self.linear_weight * self.linear.coef,
            level_coef=self.network_weight * self.level.coef,
        )


@dataclass(frozen=True, kw_only=True)
class QuantileHead(RegressionHead):
    """Quantiles of numbers, predicted by a network and by a linear model.

    The quantiles of the linear model are its prediction plus those of its residuals. Both models' quantiles of one
    level are averaged, so that they do not cross (Lichtendahl, Grushka-Cockayne & Winkler 2013, Is it better to average
    probabilities or quantiles?, Management Science 59(7)). If the network learns the residuals of the linear model, it
    has their quantiles, and the prediction of the linear model is added to each.
    """

    loss: str = "quantile"
    linear_offsets: np.ndarray  # (n_outputs of the target, n_quantiles), the quantiles of the linear model's residuals

    def decode(self, inputs, outputs):
        """Return the weighted sum of both models' quantiles: (n_samples, n_outputs of the target, n_quantiles)."""
        windows = inputs[WINDOWS]
        of_network = self.level.predict(windows)[..., np.newaxis] + self._by_output(outputs) * self.std[:, np.newaxis]
        quantiles = self.network_weight * of_network
        if not self.linear_weight:
            return quantiles
        return quantiles + self.linear_weight * (self.linear.predict(windows)[..., np.newaxis] + self.linear_offsets)

    def output_of_network(self, output):
        """Return which output is the median of an output of the target."""
        return output * len(self.meaning.quantiles) + self.meaning.median

    def best_network_weight(self, y, linear, network, sample_weight):
        """Return the weight from 0 to 1 of the network's quantiles, averaged with those of a linear model."""
        of_linear = linear[..., np.newaxis] + self.linear_offsets / self.std[:, np.newaxis]
        return super().best_network_weight(y[..., np.newaxis], of_linear, self._by_output(network), sample_weight)

    def _losses(self, errors):
        levels = np.array(self.meaning.quantiles)
        return np.maximum(levels * errors, (levels - 1) * errors)

    def _by_output(self, outputs: np.ndarray) -> np.ndarray:
        """Return the quantiles of each output of the target, along a new last axis."""
        return outputs.reshape(len(outputs), -1, len(self.meaning.quantiles))

    def output_spec(self):
        """Return the same for an exported model."""
        spec = super().output_spec()
        mean = spec.mean[:, np.newaxis] + self.linear_weight * self.linear_offsets
        return replace(spec, meaning=self.meaning, mean=mean, std=spec.std[:, np.newaxis])


def weighted_quantiles(residuals: np.ndarray, sample_weight: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return the quantiles of each column, of shape (n_outputs, n_levels): those with the least mean pinball loss."""
    return np.quantile(residuals, levels, axis=0, weights=sample_weight, method="inverted_cdf").T


@dataclass(frozen=True, kw_only=True)
class ClassificationHead(Head):
    """Classes, by their place among all classes; outputs are logits."""

    loss: str = "cross_entropy"
    meaning: Meaning = LOGITS

    def encode(self, sample):
        """Return the classes."""
        return sample.y

    def decode(self, inputs, outputs):
        """Return the logits."""
        return outputs

    def output_spec(self):
        """Return the softmax that makes probabilities of logits."""
        return OutputSpec(self.meaning)


@dataclass(frozen=True, kw_only=True)
class TranscriptionHead(ClassificationHead):
    """Labels without their places; outputs at each step are logits of all labels and, first, of none."""

    loss: str = "ctc"
