"""Memory.

How much memory does a fit on a long series take? A new process fits one epoch on a series of 2,000,000 rows in float32,
with a pipeline of `SlidingWindow` and `LSTMForecaster` (8 units, batches of 4096). The figures are the peaks of its
resident memory. The windows as arrays would take up to 168 times the memory of the series.

The goal is 8 times the series plus 600 MB for libraries and compiled code, independent of the window. The time includes
imports and compilation.
"""

import re
import sys
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from harness import run_script, seconds, take_turns

WINDOWS = [42, 84, 168]


def fit(n_rows, window):
    from sklearn.pipeline import make_pipeline

    from sklstm import LSTMForecaster, SlidingWindow, to_supervised

    X, y = to_supervised(np.sin(np.arange(n_rows, dtype=np.float32)).reshape(-1, 1))
    model = make_pipeline(
        SlidingWindow(window), LSTMForecaster(units=8, n_networks=1, epochs=1, batch_size=4096, random_state=0)
    )
    model.fit(X, y)


def peak_megabytes():
    status = Path("/proc/self/status").read_text()  # `getrusage` would count the process that started this one
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6


def measure(quick):
    n_rows = 20_000 if quick else 2_000_000
    goal = f"<= {8 * 4 * n_rows / 1e6 + 600:.0f}"
    scripts = {window: partial(run_script, __file__, n_rows, window) for window in WINDOWS}
    cases = []
    for window, runs in take_turns(scripts, runs=1 if quick else 3).items():
        _, times, megabytes = zip(*runs, strict=True)
        cases += [
            {"case": f"window of {window}", "unit": "MB", "values": {"sklstm": megabytes}, "goals": {"sklstm": goal}},
            {"case": f"window of {window}", "unit": "s", "values": {"sklstm": times}},
        ]
    return cases


def answer(cases):
    peaks = [median(case["values"]["sklstm"]) for case in cases if case["unit"] == "MB"]
    return f"A fit on 2,000,000 rows takes {min(peaks):.0f} to {max(peaks):.0f} MB, nearly independent of the window."


if __name__ == "__main__":
    print(seconds(fit, *map(int, sys.argv[1:])), peak_megabytes())
