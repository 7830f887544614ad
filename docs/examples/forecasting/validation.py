"""
What a fold of cross-validation trains and tests on
===================================================

Which steps of a series does a fold read, row by row? Targets of several steps overlap between training and test rows
unless there is a gap, and the first test windows are cut off unless :class:`~sklstm.SlidingWindow` carries the training
rows over. This picture has both mistakes, and the cure. :doc:`/guide/validation` explains it.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from sklearn.model_selection import TimeSeriesSplit

from sklstm import SlidingWindow, to_supervised

# %%
# The rows are those of the last fold of :class:`~sklearn.model_selection.TimeSeriesSplit`. Each value of the series is
# its own position, so windows and targets tell which steps they hold.

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

series = pd.Series(np.arange(n_steps, dtype=float), name="step")
X, y = to_supervised(series, horizon)

# %%
# Mark the steps of each row
# --------------------------
# Steps before the test rows are missing from their windows, unless ``carry_over`` adds the training rows.


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


# %%
# Three ways to split
# -------------------
# Each line is a row of ``X`` with its window and its target. Without a gap, targets of the last training rows contain
# steps that the test rows are to forecast.

panels = {
    "gap=0": {"gap": 0, "carry_over": False},
    "gap=horizon - 1": {"gap": horizon - 1, "carry_over": False},
    "gap=horizon - 1, carry_over=True": {"gap": horizon - 1, "carry_over": True},
}
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
plt.show()
