"""
The folds of many series
========================

Which rows of a table of many series does a fold train and test on? The table has one store after the other, with
different first and last days. :class:`~sklearn.model_selection.TimeSeriesSplit` cuts it between rows, and so trains on
days of one store that lie after the tested days of another. :class:`~sklstm.PanelTimeSeriesSplit` cuts at the same days
in all stores. See :doc:`/guide/panels`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from sklearn.model_selection import TimeSeriesSplit

from sklstm import PanelTimeSeriesSplit

# %%
# A table of four stores
# ----------------------

n_days, n_splits, gap = 24, 3, 2
days_of_stores = {"north": (0, 24), "south": (4, 24), "closed": (0, 15), "new": (13, 24)}
colors = {"not used": "0.88", "training": "steelblue", "test": "darkorange"}

table = pd.concat(
    pd.DataFrame({"store": store, "day": np.arange(*days)}, index=np.arange(*days))
    for store, days in days_of_stores.items()
)
# %%
# Two splitters
# -------------

splitters = {
    f"TimeSeriesSplit({n_splits}, gap={gap})": TimeSeriesSplit(n_splits, gap=gap),
    f'PanelTimeSeriesSplit({n_splits}, groups="store", gap={gap})': PanelTimeSeriesSplit(
        n_splits, groups="store", gap=gap
    ),
}


def uses_of_days(train, test):
    """Return what each store, down, uses each day for, across; NaN where it has no row."""
    use = np.zeros(len(table))
    use[train], use[test] = 1, 2
    uses = np.full((len(days_of_stores), n_days), np.nan)
    uses[table["store"].map(list(days_of_stores).index), table["day"]] = use
    return uses


# %%
# On the left, folds test on single stores, and train on later days of others. On the right, all training days lie
# before the test days, with a gap of two days between.

figure, axes = plt.subplots(n_splits, 2, figsize=(11, 5), sharex=True, sharey=True, layout="constrained")
edges = np.arange(n_days + 1) - 0.5, np.arange(len(days_of_stores) + 1) - 0.5
for column, (title, splitter) in zip(axes.T, splitters.items(), strict=True):
    for number, (ax, fold) in enumerate(zip(column, splitter.split(table), strict=True), start=1):
        ax.pcolormesh(
            *edges, uses_of_days(*fold), cmap=ListedColormap(list(colors.values())), vmin=0, vmax=2, edgecolor="white"
        )
        ax.set_title(title if number == 1 else "")
        ax.set_yticks(range(len(days_of_stores)), list(days_of_stores))
        ax.spines[:].set_visible(False)
    column[-1].set(xlabel="day", ylim=(len(days_of_stores) - 0.5, -0.5))
for number, ax in enumerate(axes[:, 0], start=1):
    ax.set_ylabel(f"fold {number}")
patches = [Patch(color=color, label=use) for use, color in colors.items()]
figure.legend(handles=patches, loc="outside lower center", ncols=len(colors), frameon=False)
plt.show()
