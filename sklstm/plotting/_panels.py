"""Panels that share an axis of steps: numbers, times or tokens."""

from collections.abc import Sequence
from typing import Any

import numpy as np

VALUE_COLOR = "0.25"
MISSING = {"facecolor": "white", "edgecolor": "0.8", "hatch": "////"}  # told from any colour in grey, too
UNKNOWN_TOKEN = "[?]"
VISIBLE = {" ": "␣", "\n": "↵", "\t": "⇥"}
NARROW = 4.5  # inches of a panel, in which more dates would overlap
MAX_TOKENS = 150  # with a label each
SEQUENTIAL = "cividis"  # lighter the larger, and between blue and yellow: it also tells signs around zero


def make_panels(ax, heights: Sequence[float], steps) -> list:
    """Return panels below each other, on a new figure, in the place of some axes, or on as many as there should be.

    Raises
    ------
    ValueError
        If `ax` is a number of axes that does not fit, or not part of a grid.
    """
    width = float(np.clip(0.16 * len(steps), 7, 20)) if are_tokens(steps) else 8
    return list(make_grid(ax, heights, 1, width)[:, 0])


def make_grid(ax, heights: Sequence[float], n_columns: int, width: float) -> np.ndarray:
    """Return a grid of panels, those of a column with one axis of steps; see `make_panels`."""
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    n_rows = len(heights)
    n_panels = n_rows * n_columns
    figure: Any
    grid: Any
    if ax is None:
        figure = plt.figure(figsize=(width, sum(heights) + 0.7), layout="constrained")
        grid = figure.add_gridspec(n_rows, n_columns, height_ratios=heights)
    elif not isinstance(ax, Axes):
        panels = np.ravel(ax)
        if len(panels) != n_panels:
            raise ValueError(f"Expected ax to have {n_panels} axes, got {len(panels)}.")
        return panels.reshape(n_rows, n_columns)
    elif n_panels == 1:
        return np.array([[ax]])
    elif (place := ax.get_subplotspec()) is None:
        raise ValueError(f"ax cannot be divided, since it is in no grid of subplots. Pass {n_panels} axes instead.")
    else:
        figure = ax.figure
        grid = GridSpecFromSubplotSpec(n_rows, n_columns, place, height_ratios=heights)
        ax.set_axis_off()
    axes = np.empty((n_rows, n_columns), dtype=object)
    for column in range(n_columns):
        for row in [n_rows - 1, *range(n_rows - 1)]:  # the last one first, which the others share their steps with
            shared = {} if row == n_rows - 1 else {"sharex": axes[-1, column]}
            axes[row, column] = figure.add_subplot(grid[row, column], **shared)
    return axes


def are_tokens(steps) -> bool:
    """Tell whether steps are those of a document."""
    return len(steps) > 0 and all(isinstance(step, str) for step in steps)


def are_characters(tokens: Sequence[str]) -> bool:
    """Tell whether tokens are characters, all but those that are unknown."""
    return max((len(token) for token in tokens if token != UNKNOWN_TOKEN), default=0) == 1


def time_name(steps, name: str) -> str:
    """Return the label of an axis of times, with the unit of durations."""
    return f"{name} (s)" if np.asarray(steps).dtype.kind == "m" else name


def positions(steps) -> np.ndarray:
    """Return where steps stand on an axis: dates as days in matplotlib's way, durations as seconds."""
    from matplotlib.dates import date2num

    if are_tokens(steps):
        return np.arange(len(steps), dtype=float)
    values = np.asarray(steps.to_timestamp() if hasattr(steps, "to_timestamp") else steps)
    if values.dtype.kind == "m":
        return values / np.timedelta64(1, "s")
    return values.astype(float) if values.dtype.kind in "iuf" else np.asarray(date2num(values))


def edges(centres: np.ndarray) -> np.ndarray:
    """Return the edges of cells around their centres."""
    if len(centres) == 1:
        return centres[0] + np.array([-0.5, 0.5])
    between = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - between[0]], between, [2 * centres[-1] - between[-1]]])


def label_steps(panels: list, steps, name: str | None) -> None:
    """Label the axis of steps below the last panel: with tokens, dates or numbers."""
    bottom = panels[-1]
    if are_tokens(steps) and len(steps) <= MAX_TOKENS:
        _label_tokens(bottom, steps)
        default = "character" if are_characters(steps) else "token"
    elif are_tokens(steps):
        default = "position of the token"
    else:
        default = time_name(steps, "time") if _label_times(bottom, steps) else "step"
    for panel in panels:
        panel.set_xlim(*edges(positions(steps))[[0, -1]])
    for panel in panels[:-1]:  # not by label_outer, which would also hide labels of what else is in a grid
        panel.tick_params(axis="x", labelbottom=False)
    bottom.set_xlabel(name or default)


def _label_tokens(ax, tokens: Sequence[str]) -> None:
    are_long = max(map(len, tokens)) > 1
    labels = ["".join(VISIBLE.get(character, character) for character in token) for token in tokens]
    size = float(np.clip(72 * ax.get_window_extent().width / ax.figure.dpi / len(tokens), 4, 10))
    rotation = 90 if are_long else 0
    ax.set_xticks(range(len(labels)), labels, rotation=rotation, fontsize=size, parse_math=False)
    ax.tick_params(axis="x", length=0 if not are_long else 3)


def _label_times(ax, steps) -> bool:
    """Label dates, durations and numbers, and tell whether they are times."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    values = np.asarray(steps.to_timestamp() if hasattr(steps, "to_timestamp") else steps)
    if values.dtype.kind in "iuf":
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
        return False
    if values.dtype.kind != "m":
        zone = getattr(steps, "tz", None)
        width = ax.get_window_extent().width / ax.figure.dpi
        few = {"minticks": 2, "maxticks": 5} if width < NARROW else {}
        locator = AutoDateLocator(tz=zone, **few)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
    return True


def draw_values(ax, steps, values: np.ndarray, name: str, **line_kw) -> Any:
    """Draw the line of a feature, with a dot at a step between missing ones."""
    absent = np.concatenate([[True], np.isnan(values), [True]])
    alone = absent[:-2] & ~absent[1:-1] & absent[2:]
    style = {"color": VALUE_COLOR, "linewidth": 1.2, "marker": "." if alone.any() else None}
    if alone.any():
        style["markevery"] = np.flatnonzero(alone).tolist()
    (line,) = ax.plot(positions(steps), values, **style | line_kw)
    ax.set_ylabel(name, rotation=0, horizontalalignment="right", verticalalignment="center")
    return line


def draw_mesh(ax, steps, values: np.ndarray, **mesh_kw) -> Any:
    """Draw a heat map with a row for each column of values; hatched where there is none."""
    ax.patch.set(**MISSING)
    rows = np.arange(values.shape[1] + 1) - 0.5
    cells = np.ma.masked_invalid(values.T)
    mesh = ax.pcolormesh(edges(positions(steps)), rows, cells, rasterized=True, **{"cmap": SEQUENTIAL} | mesh_kw)
    ax.set_ylim(rows[-1], rows[0])
    return mesh


def mark_missing(ax, steps, missing: np.ndarray) -> None:
    """Hatch the steps that are missing."""
    borders = edges(positions(steps))
    for step in np.flatnonzero(missing):
        ax.axvspan(borders[step], borders[step + 1], zorder=0, linewidth=0, **MISSING)


def name_features(names, n_features: int) -> list[str]:
    """Return the names of features, or else what to call them."""
    if names is not None:
        return list(map(str, names))
    return ["value"] if n_features == 1 else [f"feature {i}" for i in range(n_features)]


def shades(n_shades: int) -> list[tuple[float, float, float]]:
    """Return shades of one hue, from the darkest to the lightest."""
    blue = np.array([0, 0x72, 0xB2]) / 255
    strengths = np.linspace(0.5, 0.18, n_shades) if n_shades != 1 else np.array([0.3])
    return [tuple((1 - strength * (1 - blue)).tolist()) for strength in strengths]
