"""Videos that do not fit in memory: memory and time.

How much memory does a fit on a large file of videos take? A new process writes 20,000 clips of ten frames of 100 x 100
pixels to a file, 2 GB of uint8, maps it into memory, and fits `LSTMClassifier(network="frames")` on it for one epoch
(filters (8, 8), pools of 4, 16 units, batches of 32). The goal is a peak of 1 GB.

The peak is that of the resident memory without pages of the file. The system releases these pages when other programs
need memory. If memory is plenty, all 2 GB of them may be resident as well.

The time includes imports and compilation. The clips are read twice, once for their mean and standard deviation. The
process had one core, and other work ran at the same time.
"""

import re
import sys
import tempfile
from functools import partial
from pathlib import Path
from threading import Event, Thread

import numpy as np
from harness import run_script, seconds, take_turns

FRAMES = (10, 100, 100)


def write_clips(path, n_clips):
    """Write clips of noise, of which those of odd rows are brighter, and return them as a memory map."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for row in range(n_clips):
            file.write(rng.integers(128 + 64 * (row % 2), size=FRAMES, dtype=np.uint8).tobytes())
    return np.memmap(path, np.uint8, mode="r", shape=(n_clips, *FRAMES))


def fit(clips):
    from sklstm import LSTMClassifier

    LSTMClassifier(
        16,
        network="frames",
        network_params={"filters": (8, 8), "pool_size": 4},
        bidirectional=False,
        dropout=0.0,
        epochs=1,
        batch_size=32,
        random_state=0,
    ).fit(clips, np.arange(len(clips)) % 2)


def anonymous_megabytes():
    """Return the resident memory of this process that belongs to no file."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024 / 1e6


def watch_peak(function, *args):
    """Return the seconds that a call takes, and the peak of memory meanwhile."""
    peaks, ended = [], Event()

    def watch():
        while not ended.wait(0.05):
            peaks.append(anonymous_megabytes())

    watcher = Thread(target=watch)
    watcher.start()
    taken = seconds(function, *args)
    ended.set()
    watcher.join()
    return taken, max(peaks)


def measure(quick):
    n_clips = 200 if quick else 20_000
    runs = take_turns({"clips": partial(run_script, __file__, n_clips)}, runs=1)["clips"]
    *_, times, megabytes = zip(*runs, strict=True)
    name = f"{n_clips * np.prod(FRAMES) / 1e9:.2f} GB of clips, one epoch"
    return [
        {"case": name, "unit": "MB", "values": {"sklstm": megabytes}, "goals": {"sklstm": "<= 1000"}},
        {"case": name, "unit": "s", "values": {"sklstm": times}},
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(*watch_peak(fit, write_clips(Path(folder, "clips.dat"), int(sys.argv[1]))))
