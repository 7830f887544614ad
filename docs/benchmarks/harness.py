"""Contenders that take turns, each in a process of its own."""

import multiprocessing
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from statistics import median
from time import perf_counter


def seconds(function, *args):
    """Return how long one call takes."""
    start = perf_counter()
    function(*args)
    return perf_counter() - start


def stopwatch(function, *args, calls=1):
    """Return a function without arguments that measures the seconds of the median of so many calls."""
    return lambda: median(seconds(function, *args) for _ in range(calls))


def take_turns(contenders, runs):
    """Return what every contender measured, A B C A B C ..., so that a change of the machine's speed hits all."""
    turns = [{name: measure() for name, measure in contenders.items()} for _ in range(runs)]
    return {name: [turn[name] for turn in turns] for name in contenders}


def compare(preparations, runs):
    """Let contenders that stay take turns: each is prepared once, and measures in the same process every time."""
    with ExitStack() as stack:
        contenders = {name: stack.enter_context(process(prepare)) for name, prepare in preparations.items()}
        return take_turns(contenders, runs)


@contextmanager
def process(prepare):
    """Start a process and call `prepare` there; what that returns can be called from here, and measures there.

    It is a new interpreter, since the thread pools and the memory of this one would be part of a forked one.
    """
    context = multiprocessing.get_context("spawn")
    connection, other_end = context.Pipe()
    worker = context.Process(target=_serve, args=(prepare, other_end))
    worker.start()
    other_end.close()  # so that a worker which fails is noticed here

    def measure():
        connection.send("measure")
        return connection.recv()

    try:
        connection.recv()  # prepared: from now on it uses no processor until asked to
        yield measure
    finally:
        connection.close()
        worker.join()


def _serve(prepare, connection):
    measure = prepare()
    connection.send("prepared")
    while True:
        try:
            connection.recv()
        except EOFError:
            return
        connection.send(measure())


def run_script(*args):
    """Run a Python script in a new process; return the seconds to its end, and the numbers that it printed last."""
    with tempfile.TemporaryDirectory() as folder:  # for the logs that some libraries write
        start = perf_counter()
        finished = subprocess.run([sys.executable, *map(str, args)], cwd=folder, capture_output=True, text=True)
        took = perf_counter() - start
    if finished.returncode:
        raise RuntimeError(f"{args} failed:\n{finished.stderr}")
    return took, *map(float, finished.stdout.splitlines()[-1].split())
