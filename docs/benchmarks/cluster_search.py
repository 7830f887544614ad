"""A grid search on several processes and on a cluster.

How much faster is a grid search on several processes or on a cluster? `GridSearchCV` tries 3 numbers of units (16, 32,
50) and 3 learning rates (0.001, 0.005, 0.01) with the 5 folds of `TimeSeriesSplit` on the windows of the sine: 45 fits
of 230 epochs in batches of 32, without a refit. It runs serially, with `n_jobs=2` on joblib's own processes, and on a
Dask cluster of two worker processes with one thread each.

Each search runs in a new process. In the last case, one worker is killed after a quarter of the time that the search
takes on both, and Dask starts another one. The script asserts that the scores of all searches are equal.

`search` is the time of `GridSearchCV.fit`, in which each worker imports sklstm and compiles. `cluster` is the time to
start the scheduler and the workers. The second table has the time that a new process takes for the import and for the
first fit, of one epoch, with and without a compilation cache that an earlier process left in
`JAX_COMPILATION_CACHE_DIR`.
"""

import os
import signal
import sys
import tempfile
from functools import partial
from itertools import chain
from statistics import median
from threading import Timer
from time import perf_counter

import numpy as np
from harness import run_script, seconds, take_turns
from peers import SAME_NETWORK, full_windows, sine

GRID = {"units": [16, 32, 50], "learning_rate": [0.001, 0.005, 0.01]}
SERIAL, PROCESSES, CLUSTER, LOST = "serial", "n_jobs=2", "Dask, two workers", "Dask, one worker killed"
STARTS = ["no cache", "empty cache", "filled cache"]


def make_search(n_values, epochs, splits, **params):
    """Return a search over the first `n_values` of each parameter."""
    from sklearn.model_selection import GridSearchCV

    import sklstm._engine  # noqa: F401  # which the first fit would import
    from sklstm import LSTMForecaster

    return GridSearchCV(
        LSTMForecaster(epochs=epochs, random_state=0, **SAME_NETWORK),
        {name: values[:n_values] for name, values in GRID.items()},
        scoring="neg_mean_squared_error",
        cv=splits,
        refit=False,
        error_score="raise",
        **params,
    )


def search_here(n_jobs, n_values, epochs):
    """Return the seconds of a search, zero for the start of a cluster, and the scores."""
    X, y = full_windows(sine())
    search = make_search(n_values, epochs, splits_of(X), n_jobs=n_jobs)
    return seconds(search.fit, X, y), 0.0, *search.cv_results_["mean_test_score"]


def search_on_cluster(n_values, epochs, kill_after=None):
    """Return the seconds of a search on a cluster, those of its start, and the scores."""
    from distributed import Client, LocalCluster
    from joblib import parallel_config

    X, y = full_windows(sine())
    splits = splits_of(X)
    search = make_search(n_values, epochs, splits)
    start = perf_counter()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.amm.stop()  # it would leave a single copy of data that no waiting task needs
        client.wait_for_workers(2)
        started = perf_counter() - start
        first_worker, _ = client.run(os.getpid).values()
        failure = Timer(kill_after or 0, os.kill, (first_worker, signal.SIGKILL))
        with parallel_config("dask", scatter=[X, y, *chain.from_iterable(splits)]):
            if kill_after:
                failure.start()
            took = seconds(search.fit, X, y)
        if kill_after and (failure.is_alive() or first_worker in client.run(os.getpid).values()):
            raise RuntimeError("The search ended before a worker was lost.")
    return took, started, *search.cv_results_["mean_test_score"]


def splits_of(X):
    from sklearn.model_selection import TimeSeriesSplit

    return list(TimeSeriesSplit(5).split(X))


def first_fit(cache=None):
    """Return the seconds of the import and of the first fit, with the compilation cache in a folder."""
    if cache:
        os.environ |= {"JAX_COMPILATION_CACHE_DIR": cache, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    start = perf_counter()
    import sklstm._engine  # noqa: F401
    from sklstm import LSTMForecaster

    imported = perf_counter() - start
    return imported, seconds(LSTMForecaster(epochs=1, random_state=0, **SAME_NETWORK).fit, *full_windows(sine()))


def measure(quick):
    size = (2, 10) if quick else (3, 230)
    searches = {
        SERIAL: partial(run_script, __file__, "here", 1, *size),
        PROCESSES: partial(run_script, __file__, "here", 2, *size),
        CLUSTER: partial(run_script, __file__, "cluster", *size),
    }
    runs = 1 if quick else 2
    values = take_turns(searches, runs)
    quarter = median(took for _, took, *_ in values[CLUSTER]) / 4
    values |= take_turns({LOST: partial(run_script, __file__, "cluster", *size, quarter)}, runs)
    expected = values[SERIAL][0][3:]
    for _, _, _, *scores in chain.from_iterable(values.values()):
        np.testing.assert_allclose(scores, expected, rtol=1e-6)
    return [
        *({"case": name, "search": seconds_of(1, of), "cluster": seconds_of(2, of)} for name, of in values.items()),
        *({"case": n, "import": seconds_of(1, of), "first fit": seconds_of(2, of)} for n, of in starts(runs).items()),
    ]


def seconds_of(column, runs):
    return [run[column] for run in runs]


def starts(runs):
    """Return what the start of a process takes without a cache, with an empty one, and with one that is filled."""
    values = {name: [] for name in STARTS}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            for name, cache in zip(STARTS, ([], [folder], [folder]), strict=True):
                values[name].append(run_script(__file__, "start", *cache))
    return values


def table(cases):
    by_name = {case["case"]: case for case in cases}
    serial = median(by_name[SERIAL]["search"])
    yield "| case | search | min to max | cluster | search, of serial |"
    yield "|---|---:|---:|---:|---:|"
    for name in (SERIAL, PROCESSES, CLUSTER, LOST):
        runs, start = by_name[name]["search"], median(by_name[name]["cluster"])
        search = f"{median(runs):.0f} s | {min(runs):.0f} to {max(runs):.0f}"
        cluster = f"{start:.1f} s" if start else ""
        yield f"| {name} | {search} | {cluster} | {median(runs) / serial:.2f} |"
    yield from ("", "| new process | import | first fit |", "|---|---:|---:|")
    for name in STARTS:
        case = by_name[name]
        yield f"| {name} | {median(case['import']):.1f} s | {median(case['first fit']):.1f} s |"


def answer(cases):
    times = {case["case"]: median(case["search"]) for case in cases if "search" in case}
    return "; ".join(f"{name}: {time:.0f} s" for name, time in times.items()) + "."


def plot(cases, path):
    """Draw the time of each search, and that of the import and the first fit of a process."""
    from figures import BLUE, ORANGE, SKY, new_figure, save, use_rows

    parts = {"search": BLUE, "cluster": ORANGE, "import": SKY, "first fit": BLUE}
    titles = {"search": "searches", "import": "new processes"}
    figure, axes = new_figure(4, len(titles), height_ratios=[4, 3])
    for ax, (part, title) in zip(axes[:, 0], titles.items(), strict=True):
        members = [case for case in cases if part in case]
        names = [name for name in parts if name in members[0]]
        ends = [0] * len(members)
        for name in names:
            times = [median(case[name]) for case in members]
            ax.barh(range(len(members)), times, left=ends, height=0.6, color=parts[name], label=name)
            ends = [end + time for end, time in zip(ends, times, strict=True)]
        use_rows(ax, [case["case"] for case in members])
        ax.grid(visible=False)
        ax.set_title(title, loc="left", size=10)
        ax.set_xlabel("time (s)")
        ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    save(figure, path)


if __name__ == "__main__":
    kind, *args = sys.argv[1:]
    if kind == "here":
        print(*search_here(*map(int, args)))
    elif kind == "cluster":
        print(*search_on_cluster(*map(int, args[:2]), *map(float, args[2:])))
    else:
        print(*first_fit(*args))
