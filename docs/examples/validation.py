"""Picture what a fold of cross-validation trains and tests on, row by row.

Each line is a row of X: its window, and its target, the steps that it forecasts. The rows are those of the last fold of
`TimeSeriesSplit`, and what is missing from windows is what `SlidingWindow` makes missing.
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from sklearn.model_selection import TimeSeriesSplit

from sklstm import SlidingWindow, to_supervised

parser = argparse.ArgumentParser(description="Picture what a fold of cross-validation trains and tests on.")
parser.add_argument("--output", default="validation.png", help="file to save the picture to")
args = parser.parse_args()

n_steps, window_size, horizon, n_test, n_shown = 24, 5, 3, 6, 14
colors = {
    "not used": "white",
    "training window": "lightsteelblue",
    "training target": "steelblue",
    "test window": "navajowhite",
    "missing from it": "0.85",
    "test target": "darkorange",
    "training target that overlaps a test target": "crimson",
}
NOT_USED, TRAIN_WINDOW, TRAIN_TARGET, TEST_WINDOW, MISSING, TEST_TARGET, OVERLAP = range(len(colors))

series = pd.Series(np.arange(n_steps, dtype=float), name="step")  # each value is its own position
X, y = to_supervised(series, horizon)


def kinds_of_steps(gap, carry_over):
    """Return what each row, down, uses each step for, across."""
    *_, (train, test) = TimeSeriesSplit(n_splits=2, test_size=n_test, gap=gap).split(X)
    windows = SlidingWindow(window_size, carry_over=carry_over).fit(X.iloc[train])
    kinds = np.full((len(X), n_steps), NOT_USED)
    tested = y.iloc[test].to_numpy(dtype=int)
    for row in train:
        kinds[row, max(row - window_size + 1, 0) : row + 1] = TRAIN_WINDOW
        target = y.iloc[row].to_numpy(dtype=int)
        kinds[row, target] = np.where(np.isin(target, tested), OVERLAP, TRAIN_TARGET)
    for row, window, target in zip(test, windows.transform(X.iloc[test])[:, :, 0], tested, strict=True):
        kinds[row, row - window_size + 1 : row + 1] = np.where(np.isnan(window), MISSING, TEST_WINDOW)
        kinds[row, target] = TEST_TARGET
    return kinds


panels = {
    "gap=0": {"gap": 0, "carry_over": False},
    "gap=horizon - 1": {"gap": horizon - 1, "carry_over": False},
    "gap=horizon - 1, carry_over=True": {"gap": horizon - 1, "carry_over": True},
}
plt.switch_backend("Agg")  # draws to a file and needs no display
figure, axes = plt.subplots(ncols=len(panels), figsize=(11, 4), sharey=True, layout="constrained")
for ax, (title, params) in zip(axes, panels.items(), strict=True):
    edges = np.arange(n_steps + 1) - 0.5, np.arange(len(X) + 1) - 0.5
    ax.pcolormesh(
        *edges,
        kinds_of_steps(**params),
        cmap=ListedColormap(list(colors.values())),
        vmin=0,
        vmax=len(colors) - 1,
        edgecolor="white",
    )
    ax.set(title=title, xlabel="step of the series", xticks=range(5, n_steps, 3))
    ax.set(xlim=(4.5, n_steps - 0.5), ylim=(len(X) - 0.5, len(X) - n_shown - 0.5))
axes[0].set_ylabel("row")
patches = [Patch(color=color, label=kind) for kind, color in colors.items() if kind != "not used"]
figure.legend(handles=patches, loc="outside lower center", ncols=3, frameon=False)
figure.savefig(args.output, dpi=100)
print(f"Saved {args.output}")
