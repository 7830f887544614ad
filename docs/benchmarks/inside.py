"""Gates and relevance.

How much time and memory do `gates` and `input_relevance` take? They are computed for 10,000 windows of 50 steps and
compared with `predict`, with one network of 50 units and the linear model. Memory is the growth of the peak resident
memory, including the result.

Each method runs in a new process, after a first call for one window, which compiles. Gates and states of 10,000 x 50 x
50 values are 600 MB, those of one unit are 12 MB.
"""

import sys
from functools import partial

from harness import run_script, seconds, take_turns
from memory import peak_megabytes

CALLS = {
    "predict": ("predict", {}),
    "gates": ("gates", {}),
    "gates of one unit": ("gates", {"units": 0}),
    "input_relevance": ("input_relevance", {}),
}


def look_inside(n_windows, call):
    """Return the seconds of a call, and the megabytes by which it raises the peak."""
    import numpy as np

    from sklstm import LSTMForecaster, SlidingWindow

    series = np.random.default_rng(0).standard_normal((n_windows + 1, 1)).cumsum(axis=0)
    windows, y = SlidingWindow(50).fit_transform(series[:-1]), series[1:, 0]
    model = LSTMForecaster(units=50, n_networks=1, epochs=1, random_state=0).fit(windows, y)
    model.network_weight_ = model.linear_weight_ = 0.5  # whatever was found on a random walk
    name, params = CALLS[call]
    method = partial(getattr(model, name), **params)
    method(windows[:1])
    before = peak_megabytes()
    return seconds(method, windows), peak_megabytes() - before


def measure(quick):
    n_windows = 100 if quick else 10_000
    scripts = {call: partial(run_script, __file__, n_windows, call) for call in CALLS}
    cases = []
    for call, runs in take_turns(scripts, runs=1 if quick else 3).items():
        _, times, megabytes = zip(*runs, strict=True)
        cases += [
            {"case": call, "unit": "s", "values": {"sklstm": times}},
            {"case": call, "unit": "MB", "values": {"sklstm": megabytes}},
        ]
    return cases


def answer(cases):
    from page import quantity

    found = {}
    for case in cases:
        found.setdefault(case["case"], []).append(quantity(case["values"]["sklstm"], case["unit"]))
    return "; ".join(f"{name}: {', '.join(quantities)}" for name, quantities in found.items()) + "."


if __name__ == "__main__":
    print(*look_inside(int(sys.argv[1]), sys.argv[2]))
