"""Plots that several benchmarks share, with the same colours and markers for the same contenders."""

from statistics import median

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
)  # Okabe and Ito
OURS = dict.fromkeys(("sklstm", "LSTM", "LSTMForecaster", "LSTMClassifier"), ("o", BLUE))
STYLES = OURS | {
    "seasonal naive": ("|", "black"),
    "ridge": ("s", ORANGE),
    "boosting": ("^", GREEN),
    "darts": ("D", RED),
    "neuralforecast": ("v", PURPLE),
    "skforecast": ("X", SKY),
    "LSTM raw": ("x", SKY),
    "1-nearest-neighbour": ("s", ORANGE),
    "logistic regression": ("^", GREEN),
    "HIVE-COTE 2": ("D", RED),
    "InceptionTime": ("v", PURPLE),
}
RATIOS = {  # by unit, and whether less is better
    "s": ("time relative to the contender (below 1: faster)", True),
    "ms": ("time relative to the contender (below 1: faster)", True),
    "windows/s": ("windows per second relative to the contender (above 1: faster)", False),
    "": ("error relative to the contender (below 1: more accurate)", True),
}
QUANTITIES = {"MB": "memory (MB)", "s": "time (s)"}
DIGITS = [(1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.1, 1.2, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)]  # of ticks, from few to many


def new_figure(height, n_rows=1, n_columns=1, **params):
    """Return a figure about 800 pixels wide, and its axes as an array of two dimensions."""
    figure = Figure(figsize=(8, height), layout="constrained")
    return figure, figure.subplots(n_rows, n_columns, squeeze=False, **params)


def save(figure, path):
    """Write a picture of 256 colours, which makes a small file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize().save(path, optimize=True)


def use_ratio_axis(ax):
    """Make the horizontal axis logarithmic, with plain numbers, and mark 1."""
    ax.set_xscale("log")
    ax.axvline(1, color="0.3", linewidth=1, zorder=0)
    low, high = ax.get_xlim()
    for digits in DIGITS:
        ticks = [digit * 10**power for power in range(-3, 3) for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 5:
            break
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlim(low, high)


def use_rows(ax, names):
    """Give the vertical axis a row for each name, from the top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color="0.92")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def ratios_of(case, contender):
    return [mine / theirs for mine, theirs in zip(case["values"]["sklstm"], case["values"][contender], strict=True)]


def significant(value):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rounded(ratio):
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def quantity(runs, unit):
    """Return the median with its unit."""
    return f"{significant(median(runs))} {unit}".strip()


def plot_measurements(cases, path):
    """Draw the ratios to contenders or, if there are none, the measured values."""
    compared = [case for case in cases if len(case["values"]) > 1]
    plot_ratios(compared, path) if compared else plot_values(cases, path)


def plot_ratios(cases, path):
    """Draw the median ratio to each contender, and a line from the least to the largest."""
    contenders = [[name for name in case["values"] if name != "sklstm"] for case in cases]
    sizes = [len(names) for names in contenders]
    height = 0.8 + 0.27 * sum(sizes) + 0.4 * len(cases)
    runs = {"color": BLUE, "linewidth": 2}
    figure, axes = new_figure(height, len(cases), sharex=True, height_ratios=[size + 0.3 for size in sizes])
    axes = axes[:, 0]
    for ax, case, names in zip(axes, cases, contenders, strict=True):
        for row, name in enumerate(names):
            ratios = ratios_of(case, name)
            ax.plot([min(ratios), max(ratios)], [row, row], **runs)
            ax.plot(median(ratios), row, "o", **runs)
            ax.text(1.01, row, rounded(median(ratios)), transform=ax.get_yaxis_transform(), va="center")
            if goal := case.get("goals", {}).get(name):
                ax.plot(float(goal.split()[1]), row, "|", color=RED, markersize=14, markeredgewidth=2, label="goal")
        use_rows(ax, [f"{name}, {quantity(case['values'][name], case['unit'])}" for name in names])
        ax.set_title(f"{case['case']}: sklstm {quantity(case['values']['sklstm'], case['unit'])}", loc="left", size=10)
    axes[0].plot([], [], "o-", label="median, and least to largest ratio", **runs)
    axes[0].set_xscale("log")
    low, high = axes[0].get_xlim()
    axes[0].set_xlim(min(low, 0.8), max(high, 1.25))
    for ax, case, following in zip(axes, cases, [*cases[1:], None], strict=True):
        use_ratio_axis(ax)
        label, less_is_better = RATIOS[case["unit"]]
        ax.axvspan(*((ax.get_xlim()[0], 1) if less_is_better else (1, ax.get_xlim()[1])), color=BLUE, alpha=0.06)
        if following is None or RATIOS[following["unit"]][0] != label:
            ax.set_xlabel(label)
            ax.tick_params(labelbottom=True)
    add_legend(figure, axes)
    save(figure, path)


def plot_values(cases, path):
    """Draw the median of each case, with a panel for each unit, and the goals."""
    units = list(dict.fromkeys(case["unit"] for case in cases))
    by_unit = {unit: [case for case in cases if case["unit"] == unit] for unit in units}
    sizes = [len(members) for members in by_unit.values()]
    figure, axes = new_figure(0.3 + 0.27 * sum(sizes) + 0.6 * len(units), len(units), height_ratios=sizes)
    for ax, (unit, members) in zip(axes[:, 0], by_unit.items(), strict=True):
        values = [median(case["values"]["sklstm"]) for case in members]
        if max(values) > 100 * min(values):  # bars of the least ones would be invisible
            ax.plot(values, range(len(values)), "o", color=BLUE)
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter("{x:g}")
        else:
            ax.barh(range(len(values)), values, height=0.6, color=BLUE)
        for row, (case, value) in enumerate(zip(members, values, strict=True)):
            ax.text(1.01, row, significant(value), transform=ax.get_yaxis_transform(), va="center")
            if goal := case.get("goals", {}).get("sklstm"):
                ax.vlines(float(goal.split()[1]), row - 0.4, row + 0.4, color=RED, linewidth=3, label="goal")
        use_rows(ax, [case["case"] for case in members])
        ax.grid(visible=ax.get_xscale() == "log", axis="y")
        ax.set_xlabel(QUANTITIES[unit])
    add_legend(figure, axes[:, 0])
    save(figure, path)


def plot_dots(ax, rows, columns):
    """Draw a dot for each row and column; columns map names to values, of which NaN is left out."""
    for name, values in columns.items():
        marker, color = STYLES[name]
        size = 12 if marker == "|" else 7
        ax.plot(values, range(len(rows)), marker, color=color, markersize=size, markeredgewidth=1.5, label=name)
    use_rows(ax, rows)


def separate_rows(ax, *ends):
    """Draw a line above each of some rows."""
    for row in ends:
        ax.axhline(row - 0.5, color="0.3", linewidth=0.8)


def add_legend(figure, axes, **params):
    """Put one legend with the labels of all axes above them, if there are any."""
    found = {}
    for ax in axes:
        found |= {label: handle for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    if found:
        columns = {"ncols": min(len(found), 5), "frameon": False} | params
        figure.legend(found.values(), found.keys(), loc="outside upper center", **columns)
