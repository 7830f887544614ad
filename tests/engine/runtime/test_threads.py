import threading

import keras
import pytest
from threadpoolctl import threadpool_limits

from sklstm._engine.runtime import threads

needs_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="the other backends have threads of their own")


def threads_of(n_tasks):
    """Return the results of some tasks that wait for each other, and how many threads there were."""
    together = threading.Barrier(min(n_tasks, 2), timeout=60)

    def task(number):
        together.wait()
        return number, threading.get_ident()

    with threads.mapping(n_tasks) as map_tasks:
        numbers, idents = zip(*map_tasks(task, range(n_tasks)), strict=True)
    assert numbers == tuple(range(n_tasks))
    return set(idents)


@needs_jax
def test_tasks_run_side_by_side(monkeypatch):
    monkeypatch.setattr(threads, "_effective_n_threads", lambda: 2)
    assert len(threads_of(4)) == 2
    assert threads_of(1) == {threading.get_ident()}


@pytest.mark.backend
def test_threads_are_limited_as_those_of_scikit_learn_are():
    with threadpool_limits(1), threads.mapping(4) as map_tasks:
        assert map_tasks is map
