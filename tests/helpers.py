"""What tests of several modules share."""

import numpy as np

from sklstm._specs import WINDOWS, InputSpec, NetworkSpec, StepSpec

STEP = StepSpec("squared_error", "adam")


def network_spec(n_steps, n_features, n_outputs, units, *, n_tokens=0, **settings):
    """Return the spec of a network that reads windows."""
    return NetworkSpec((InputSpec(WINDOWS, (n_steps, n_features), n_tokens),), n_outputs, units, **settings)


def far_from_initial(weights, rng):
    """Return weights so large that the recurrence magnifies any rounding."""
    return [rng.standard_normal(array.shape).astype(np.float32) for array in weights]
