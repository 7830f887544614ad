"""Measure, and write the page of results."""

import argparse
import json
import os
import tempfile
from datetime import datetime
from importlib import import_module
from pathlib import Path

QUESTIONS = [
    "whole_process",
    "second_fit",
    "training_throughput",
    "grid_search",
    "one_window",
    "backtest",
    "memory",
    "scaling",
    "inside",
    "decoding",
    "limits",
    "accuracy",
    "interval_coverage",
    "interval_costs",
    "known",
    "record",
    "many_series",
    "clips",
    "classification",
    "quantiles",
    "accuracy_peers",
]
ONLY_BY_NAME = ["cluster_search"]  # they need the extra ecosystem
ALL = [*QUESTIONS, *ONLY_BY_NAME]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=ALL, default=QUESTIONS, help="questions to measure")
    parser.add_argument("--page", dest="only", action="store_const", const=[], help="measure nothing, write the page")
    parser.add_argument("--quick", action="store_true", help="few runs of little work, to a temporary folder")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow would tell of the GPU that it does not find

    docs = Path(tempfile.gettempdir()) / "sklstm-benchmarks" if args.quick else Path(__file__).resolve().parents[1]
    results = docs / "benchmarks" / "results"
    results.mkdir(parents=True, exist_ok=True)
    for name in args.only:
        print(name, flush=True)
        save(name, import_module(name).measure(args.quick), results / f"{name}.json")

    from page import write_page

    found = [name for name in ALL if (results / f"{name}.json").exists()]
    print(write_page({name: json.loads((results / f"{name}.json").read_text()) for name in found}, docs))


def save(name, cases, path):
    from page import environment

    result = {
        "question": name,
        "date": datetime.now().isoformat(" ", "minutes"),
        "environment": environment(),
        "cases": cases,
    }
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
