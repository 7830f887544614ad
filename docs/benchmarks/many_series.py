"""Many series: memory and time.

How much memory do many series take? A table has 10,000 series of 500 rows in four columns of 64 bits: ids and three
features. A new process makes targets and windows of it, trains one network for one epoch (16 units, batches of 512),
and forecasts the next step of all series. The peak is that of the resident memory.

Python, JAX and compiled code take about 500 MB of the peak, and the table with its index takes 200 MB. `X` and the rows
ordered by series, from which the windows are read, are about as large as the table.

The goal is 3 times the table plus 600 MB, independent of the window. It is missed, but the peak does not depend on the
window. Other work ran at the same time, so an epoch takes less time than shown.
"""

import sys
from functools import partial

import numpy as np
from harness import run_script, seconds, take_turns
from memory import peak_megabytes

WINDOWS = [12, 24]
STAGES = ("to_supervised", "windows", "one epoch", "forecast")
N_ROWS, N_COLUMNS = 500, 4


def make_table(n_series):
    import pandas as pd

    rng = np.random.default_rng(0)
    columns = {"series": np.repeat(np.arange(n_series), N_ROWS)}
    columns |= {f"x{i}": rng.standard_normal(n_series * N_ROWS) for i in range(N_COLUMNS - 1)}
    days = pd.date_range("2023-01-01", periods=N_ROWS)
    return pd.DataFrame(columns, index=np.tile(days, n_series))


def run_stages(n_series, window):
    """Return the seconds of each stage."""
    from sklearn.pipeline import make_pipeline

    from sklstm import LSTMForecaster, SlidingWindow, forecast, to_supervised

    table, found = make_table(n_series), {}

    def supervise():
        found["X"], found["y"] = to_supervised(table, target="x0", groups="series")

    windows = SlidingWindow(window, groups="series")
    network = LSTMForecaster(units=16, n_networks=1, epochs=1, batch_size=512, random_state=0)

    def make_windows():
        found["windows"] = windows.fit_transform(found["X"])

    times = [seconds(supervise), seconds(make_windows), seconds(lambda: network.fit(found["windows"], found["y"]))]
    return [*times, seconds(partial(forecast, target="x0"), make_pipeline(windows, network), table, 1)]


def measure(quick):
    n_series = 100 if quick else 10_000
    table = 8 * (N_COLUMNS + 1) * N_ROWS * n_series / 1e6  # with the index
    scripts = {window: partial(run_script, __file__, n_series, window) for window in WINDOWS}
    cases = []
    for window, runs in take_turns(scripts, runs=1).items():
        *times, megabytes = list(zip(*runs, strict=True))[-len(STAGES) - 1 :]
        goal = f"<= {3 * table + 600:.0f}"
        name = f"window of {window}"
        cases += [{"case": f"{name}, peak", "unit": "MB", "values": {"sklstm": megabytes}, "goals": {"sklstm": goal}}]
        cases += [
            {"case": f"{name}, {stage}", "unit": "s", "values": {"sklstm": values}}
            for stage, values in zip(STAGES, times, strict=True)
        ]
    return cases


def answer(cases):
    peaks = [case["values"]["sklstm"][0] for case in cases if case["unit"] == "MB"]
    return f"The peak is {min(peaks):.0f} to {max(peaks):.0f} MB, independent of the window."


if __name__ == "__main__":
    print(*run_stages(*map(int, sys.argv[1:])), peak_megabytes())
