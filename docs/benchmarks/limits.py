"""How far the limits are.

How close are these times to what is possible? The upper panel splits the time of a whole process into its parts. The
lower panel compares the training throughput with the rate that the matrix products of the training steps alone would
allow, in numpy, with the shapes and the precision of the network.

No other library takes part. The times and rates of sklstm were measured anew and differ a little from those above. The
whole process imports, fits the sine for 20 epochs and predicts it. Each process of a grid search with `n_jobs=2`
imports and compiles, too.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from harness import seconds
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
    """Yield the seconds of each part of a process, and what its start and end take."""
    command = [sys.executable, "-c", WHOLE_PROCESS]
    start = perf_counter()
    finished = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    total = perf_counter() - start
    parts = [float(part) for part in finished.stdout.split()]
    yield from zip(PARTS, parts, strict=True)
    yield "start and end of the process", total - sum(parts)


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


def measure(quick):
    questions = {
        "whole process": (whole_process(), "s"),
        "training throughput": (throughput(quick), "windows/s"),
    }
    return [{"case": name, "unit": unit, "values": dict(found)} for name, (found, unit) in questions.items()]


def table(cases):
    from page import significant

    yield "| question | part | measured |"
    yield "|---|---|---:|"
    for case in cases:
        for name, value in case["values"].items():
            yield f"| {case['case']} | {name} | {significant(value)} {case['unit']} |"


def answer(cases):
    process, throughput = (case["values"] for case in cases)
    imports = sum(seconds for name, seconds in process.items() if name.startswith("import"))
    shares = [100 * ours / limit for _, ours, limit in rates(throughput)]
    return (
        f"Imports take {imports:.1f} of the {sum(process.values()):.1f} s of a whole process. "
        f"Training reaches {min(shares):.0f} to {max(shares):.0f} % of the rate of the matrix products."
    )


def rates(throughput):
    """Return the networks, the rates of sklstm and those of the matrix products alone."""
    names = [name.removesuffix(": sklstm") for name in throughput if name.endswith(": sklstm")]
    return [(name, throughput[f"{name}: sklstm"], throughput[f"{name}: matrix products alone"]) for name in names]


def plot(cases, path):
    """Draw the parts of a whole process, and the share of the possible rate that training reaches."""
    from figures import BLUE, new_figure, save, use_rows

    process, throughput = (case["values"] for case in cases)
    figure, axes = new_figure(4.2, 2, height_ratios=[len(process), len(throughput) / 2])
    found = rates(throughput)
    shares = {name: 100 * ours / limit for name, ours, limit in found}
    panels = [
        (process, "time of a part of the whole process (s)"),
        (shares, "share of the rate of the matrix products (%)"),
    ]
    for ax, (values, label) in zip(axes[:, 0], panels, strict=True):
        bars = ax.barh(range(len(values)), values.values(), height=0.6, color=BLUE)
        ax.bar_label(bars, [f"{value:.3g}" for value in values.values()], padding=3)
        use_rows(ax, list(values))
        ax.grid(visible=False)
        ax.set_xlabel(label)
    axes[1, 0].set_xlim(0, 100)
    save(figure, path)
