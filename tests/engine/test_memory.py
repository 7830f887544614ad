"""Memory stays flat over many predictions and fits."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

MEASURE = """
import resource, sys
import numpy as np
from sklstm import LSTMForecaster

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20

X, y = np.random.default_rng(0).standard_normal((16, 5, 1)), np.arange(16.0)
model = LSTMForecaster(units=4, epochs=1, random_state=0)
repeat = {"predict": lambda: model.predict(X[:1]), "fit": lambda: model.fit(X, y)}[sys.argv[1]]
model.fit(X, y)
for _ in range(int(sys.argv[2]) // 4):
    repeat()
before = resident()
for _ in range(int(sys.argv[2])):
    repeat()
print(resident() - before)
"""


def growth(what, times):
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, what, str(times)], capture_output=True, text=True, check=True, env=os.environ
    )
    return float(result.stdout)


@pytest.mark.thorough
def test_predicting_leaves_memory_flat():
    assert growth("predict", 1000) < 8  # MiB


@pytest.mark.thorough
def test_fitting_leaves_memory_flat():
    assert growth("fit", 40) < 8


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.thorough)])
def test_windows_are_never_copied_as_a_whole(dtype, tmp_path, tiny, rng):
    """A series on disk, whose windows would take hundred times its size."""
    series = np.memmap(tmp_path / "series", dtype, "w+", shape=(20_000, 16))
    series[:] = rng.standard_normal(series.shape)
    windows = np.lib.stride_tricks.sliding_window_view(series, 100, axis=0).swapaxes(1, 2)
    size = len(windows) * windows[0].nbytes
    model = tiny(units=1, epochs=1, batch_size=512)
    tracemalloc.start()
    model.fit(windows, series[99:, 0]).predict(windows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 120 * 2**20
    assert peak < 80 * 2**20
