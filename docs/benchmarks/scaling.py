"""Scaling.

How does the time of a fit grow with rows, window and units? One of them doubles while the others stay at 4000 rows, a
window of 50 and 32 units. The time is that of a second fit in the same process: one epoch in batches of 32, with a
pipeline of `SlidingWindow` and `LSTMForecaster`.

Twice the rows or twice the window are twice the work. Twice the units are up to four times the work. `growth` is the
time divided by that of the line above.
"""

from functools import partial
from statistics import median

import numpy as np
from harness import compare, stopwatch

BASE = {"rows": 4000, "window": 50, "units": 32}
SIZES = {"rows": [4000, 8000, 16000, 32000], "window": [25, 50, 100, 200], "units": [32, 64, 128, 256]}


def sklstm(settings):
    """Return a function that measures a fit of each setting."""
    fits = [second_fit(**setting) for setting in settings]
    return lambda: [measure() for measure in fits]


def second_fit(rows, window, units):
    from sklearn.pipeline import make_pipeline

    from sklstm import LSTMForecaster, SlidingWindow, to_supervised

    X, y = to_supervised(np.sin(np.arange(rows + 1, dtype=np.float32)).reshape(-1, 1))
    model = make_pipeline(SlidingWindow(window), LSTMForecaster(units=units, n_networks=1, epochs=1, random_state=0))
    model.fit(X, y)
    return stopwatch(model.fit, X, y)


def measure(quick):
    cases = []
    for dimension, sizes in SIZES.items():
        settings = [BASE | {dimension: size} for size in sizes]
        if quick:
            settings = [setting | {"rows": setting["rows"] // 8} for setting in settings[:3]]
        turns = compare({"sklstm": partial(sklstm, settings)}, runs=2 if quick else 3)["sklstm"]
        times = zip(*turns, strict=True)
        values = {str(setting[dimension]): list(runs) for setting, runs in zip(settings, times, strict=True)}
        cases.append({"case": dimension, "unit": "s", "values": values})
    return cases


def answer(cases):
    found = {case["case"]: [median(seconds) for seconds in case["values"].values()] for case in cases}
    growth = ", ".join(
        f"{(times[-1] / times[0]) ** (1 / (len(times) - 1)):.1f} for {name}" for name, times in found.items()
    )
    return f"Each doubling multiplies the time by: {growth} (geometric means)."


def table(cases):
    yield "| what doubles | size | median | min to max | runs | growth |"
    yield "|---|---:|---:|---:|---:|---:|"
    for case in cases:
        before = None
        for size, seconds in case["values"].items():
            time = median(seconds)
            growth = "" if before is None else f"{time / before:.2f}"
            spread = f"{min(seconds):.3g} to {max(seconds):.3g}"
            yield f"| {case['case']} | {size} | {time:.3g} s | {spread} | {len(seconds)} | {growth} |"
            before = time


def plot(cases, path):
    from figures import BLUE, add_legend, new_figure, save

    figure, axes = new_figure(3.4, 1, len(cases), sharey=True)
    for ax, case in zip(axes[0], cases, strict=True):
        sizes = np.array([int(size) for size in case["values"]])
        times = [median(seconds) for seconds in case["values"].values()]
        ax.loglog(sizes, times, "o-", color=BLUE, label="measured")
        ax.loglog(sizes, times[0] * sizes / sizes[0], ":", color="0.3", label="linear growth")
        ax.loglog(sizes, times[0] * (sizes / sizes[0]) ** 2, "--", color="0.6", label="quadratic growth")
        ax.set_xticks(sizes, [str(size) for size in sizes])
        ax.minorticks_off()
        ax.set_xlabel(case["case"])
    axes[0, 0].set_ylabel("time of a fit (s)")
    axes[0, 0].set_yticks([0.2, 0.5, 1, 2, 5, 10, 20], ["0.2", "0.5", "1", "2", "5", "10", "20"])
    add_legend(figure, axes[0])
    save(figure, path)
