"""Memory stays flat over many predictions and fits."""

import os
import subprocess
import sys

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


def test_predicting_leaves_memory_flat():
    assert growth("predict", 1000) < 8  # MiB


def test_fitting_leaves_memory_flat():
    assert growth("fit", 40) < 8
