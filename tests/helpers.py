"""What tests of several modules share."""

import pickle
from functools import partial

import numpy as np
from numpy.testing import assert_allclose
from threadpoolctl import threadpool_limits

from sklstm._specs import WINDOWS, InputSpec, NetworkSpec, StepSpec

STEP = StepSpec("squared_error", "adam")
CONTAINERS = {  # of the same values in float32
    "copy": np.copy,
    "Fortran": np.asfortranarray,
    "float32": lambda array: array.astype(np.float32),
    "features first": lambda array: np.moveaxis(np.ascontiguousarray(np.moveaxis(array, -1, 0)), 0, -1),
    "every second": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "backwards": lambda array: array[::-1].copy()[::-1],
    "pickle": lambda array: pickle.loads(pickle.dumps(array)),
    "fold": lambda array: array[np.arange(len(array))],
}


def network_spec(n_steps, n_features, n_outputs, units, *, n_tokens=0, **settings):
    """Return the spec of a network that reads windows."""
    return NetworkSpec((InputSpec(WINDOWS, (n_steps, n_features), n_tokens),), n_outputs, units, **settings)


def far_from_initial(weights, rng):
    """Return weights so large that the recurrence magnifies any rounding."""
    return [rng.standard_normal(array.shape).astype(np.float32) for array in weights]


def assert_rows_alike_alone_and_among_others(predict, X, n_before=0, rtol=0):
    """Check that rows have one value, exactly or within a tolerance, if a row's value takes those `n_before` it."""
    assert_same = partial(assert_allclose, rtol=rtol, atol=rtol)
    together = predict(X)
    assert np.isfinite(together[n_before:]).all()
    for row in (*range(n_before, min(n_before + 9, len(X))), len(X) // 2, len(X) - 1):
        assert_same(predict(X[row - n_before : row + 1])[-1], together[row], err_msg=f"row {row} alone")
    for n in (2, 3, 5, 31, 33):
        assert_same(predict(X[:n]), together[:n], err_msg=f"first {n} rows")
        assert_same(predict(X[-n - n_before :])[n_before:], together[-n:], err_msg=f"last {n} rows")
    for name, container in CONTAINERS.items():
        if np.array_equal(container(X), X, equal_nan=True):
            assert_same(predict(container(X)), together, err_msg=name)
            assert_same(predict(container(X)[: n_before + 1]), together[: n_before + 1], err_msg=f"{name}, few")
    with threadpool_limits(1):
        assert_same(predict(X), together, err_msg="one thread")
        assert_same(predict(X[:1]), together[:1], err_msg="one thread, one row")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def textbook_lstm(x, kernel, recurrent_kernel, bias, share=None):
    """Return all gates and states for the rows of one window, step by step and gate by gate.

    Of a step that is present by a share, the states move by this share to those after the step.
    """
    share = np.ones(len(x)) if share is None else share
    W = dict(zip("ifgo", np.split(kernel.astype(float), 4, axis=1), strict=True))
    U = dict(zip("ifgo", np.split(recurrent_kernel.astype(float), 4, axis=1), strict=True))
    b = dict(zip("ifgo", np.split(bias.astype(float), 4), strict=True))
    h = c = np.zeros(len(recurrent_kernel))
    result = []
    for step, part in zip(x, share, strict=True):
        if np.isnan(step).any():
            result.append(np.full((6, len(h)), np.nan))
            continue
        i, f, g, o = (step @ W[gate] + h @ U[gate] + b[gate] for gate in "ifgo")
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        whole_c = i * g + f * c
        h = part * o * np.tanh(whole_c) + (1 - part) * h
        c = part * whole_c + (1 - part) * c
        result.append(np.array([i, f, o, g, c, h]))
    return np.array(result).swapaxes(0, 1)
