"""How far the limits are.

What the goals that are missed above consist of, on the machine named below, measured without any other library:

- **Whole process**: where the time of a process goes that imports, fits the sine for 20 epochs and predicts it.
- **Training throughput**: the rate that the matrix products of the training steps would allow if nothing else had to be
  done, in shapes and precision of the network, by numpy.
- **One window**: the compiled function of the network alone, for the 32 rows that every prediction is filled up to and
  for one row. One row alone is not used, since it rounds otherwise than the same row among others, and
  scikit-learn checks that predictions do not depend on what else is predicted.
- **Memory**: what XLA plans for the gradient of a batch of 4096 windows, and of the part of it that a thread computes
  at a time. It is what the gradient needs of every step of the window: for each row, the inputs, the gates and the
  cell state. It grows with the window; to do without means to compute the forward pass twice.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy as np
from harness import seconds
from memory import WINDOWS
from peers import SAME_NETWORK, UNITS, WINDOW, full_windows, sine
from training_throughput import NETWORKS, sklstm

WHOLE_PROCESS = """
from time import perf_counter
times = [perf_counter()]
import sklearn.pipeline, sklearn.preprocessing, sklstm
times.append(perf_counter())
import jax
times.append(perf_counter())
import sklstm._engine
times.append(perf_counter())
from peers import SAME_NETWORK, full_windows, sine
X, y = full_windows(sine())
model = sklstm.LSTMForecaster(epochs=1, random_state=0, **SAME_NETWORK).fit(X, y[:, 0])
times.append(perf_counter())
model.set_params(epochs=19).fit(X, y[:, 0])
times.append(perf_counter())
model.predict(X)
times.append(perf_counter())
print(*[end - start for start, end in zip(times, times[1:])])
"""
PARTS = ["import scikit-learn", "import JAX", "import Keras", "first epoch, compilation", "19 epochs", "prediction"]


def whole_process():
    """Yield the seconds of each part."""
    finished = subprocess.run(
        [sys.executable, "-c", WHOLE_PROCESS], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    yield from zip(PARTS, map(float, finished.stdout.split()), strict=True)


def matrix_products(n_steps, n_features, units, batch_size):
    """Return the seconds of all matrix products of a training step: forward, and both gradients."""
    rng = np.random.default_rng(0)
    weights, inputs, sums = (
        rng.standard_normal(shape, dtype=np.float32)
        for shape in [(4 * units, units + n_features), (units + n_features, batch_size), (4 * units, batch_size)]
    )

    def products():
        for _ in range(n_steps):
            weights @ inputs
            weights.T @ sums
            sums @ inputs.T

    products()
    return median(seconds(products) for _ in range(5))


def throughput(quick):
    """Yield windows trained on in a second, as measured and as the matrix products would allow."""
    for network, n_windows, epochs in NETWORKS:
        n_steps, n_features, units, batch_size = network
        name = f"windows of {n_steps} x {n_features}, {units} units, batches of {batch_size}"
        measure = sklstm(*network, n_windows // 8 if quick else n_windows, epochs)
        yield f"{name}: sklstm", median(measure() for _ in range(3))
        yield f"{name}: matrix products alone", batch_size / matrix_products(*network)


def one_window():
    """Yield the milliseconds of a prediction, and of what computes it."""
    from sklstm import LSTMForecaster
    from sklstm._engine import _prediction

    X, y = full_windows(sine())
    model = LSTMForecaster(units=UNITS, epochs=1, random_state=0, **SAME_NETWORK).fit(X, y[:, 0])
    calls = {
        "estimator": lambda: model.predict(X[:1]),
        "validation": lambda: model._check_sequences(X[:1], reset=False),
    }
    forward = _prediction._compiled_states(model._architecture(), True)
    for n_rows in (_prediction.BATCH, 1):
        batches = np.zeros((1, n_rows, WINDOW, 1), np.float32)
        calls[f"compiled function, {n_rows} row(s)"] = lambda batches=batches: np.asarray(
            forward(model.weights_, batches, np.int32(1))
        )
    for name, call in calls.items():
        call()
        yield name, 1000 * median(seconds(call) for _ in range(300))


def memory():
    """Yield the megabytes that XLA plans for a gradient, by window."""
    from sklstm import _engine
    from sklstm._engine._programs import Program
    from sklstm._engine._training import _least_part

    for window in WINDOWS:
        architecture, recipe = _engine.Architecture(window, 1, 1, (8,)), _engine.Recipe("squared_error", "adam")
        model = Program(architecture, recipe).model
        for n_rows in (4096, _least_part(architecture, recipe)):
            part = tuple(np.zeros((n_rows, *shape), np.float32) for shape in [(window, 1), (1,), ()])
            plan = model._part_gradient.lower(model._state(optimizer=True), part).compile().memory_analysis()
            yield f"window of {window}, {n_rows} rows", plan.temp_size_in_bytes / 1e6


def measure(quick):
    questions = {
        "whole process": (whole_process(), "s"),
        "training throughput": (throughput(quick), "windows/s"),
        "one window": (one_window(), "ms"),
        "memory of a gradient": (memory(), "MB"),
    }
    return [{"case": name, "unit": unit, "values": dict(found)} for name, (found, unit) in questions.items()]


def table(cases):
    from page import significant

    yield "| question | part | measured |"
    yield "|---|---|---:|"
    for case in cases:
        for name, value in case["values"].items():
            yield f"| {case['case']} | {name} | {significant(value)} {case['unit']} |"
