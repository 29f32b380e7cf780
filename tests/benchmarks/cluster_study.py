"""A study of 36 points on tasks: `python -m benchmarks.cluster_study`.

Prints Dask's own cost, and wall time and efficiency by number of processes. Then it repeats the study with a
process killed at a random moment, which must not change a figure. `--processes 1 4 --kills 20` is the whole
test.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from harness.records.study import Point
from models import cluster
from models.store import Store
from models.studies import Study, load_study

STUDY = """
id = "cuts-{threshold}-{seed}"
title = "{threshold} % cut"
network = "tinyconv"
precision = "float32"
seed = [1, 2, 3, 4]

[study]
title = "Cuts"
question = "How much can go?"
x = "threshold"

[training]
epochs = 4
batch_size = 32

[pruning]
kind = "weights"
threshold = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
fine_tune_epochs = 4
"""


OVERHEAD_TASKS = 110
"""As many as in a first `make run`: 90 for the corpus, and 20 for five variants."""


def overhead() -> str:
    """Measure what tasks cost that do nothing, against calls of the same function."""
    with tempfile.TemporaryDirectory() as folder, cluster.opened(Store(Path(folder)), 2) as tasks:
        begun_s = time.monotonic()
        tasks.submit("begin", time.time).result()
        started_s = time.monotonic()
        submitted = [tasks.submit("nothing", time.time) for _ in range(OVERHEAD_TASKS)]
        for task in tasks.completed(submitted):
            task.result()
        done_s = time.monotonic()
    ended_s = time.monotonic()
    for _ in range(OVERHEAD_TASKS):
        time.time()
    total_s = ended_s - begun_s - (time.monotonic() - ended_s)
    return (
        f"Dask  {total_s:.1f} s for {OVERHEAD_TASKS} tasks: start {started_s - begun_s:.1f} s, "
        f"{(done_s - started_s) / OVERHEAD_TASKS * 1000:.1f} ms for each, end {ended_s - done_s:.1f} s"
    )


def points_of(
    study: Study, dataset: Path, processes: int, kill_after_s: float = 0
) -> tuple[list[Point], bool]:
    """Run the study with an empty store; kill one of its processes after a time, if one is given.

    Returns:
        The points, and whether a process was killed: the study may have ended before.
    """
    from harness.runs.study import run_study  # here: the processes of `overhead` would import it, too

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        killed = threading.Event()
        killer = threading.Timer(kill_after_s, _kill_one, [killed])
        with cluster.opened(store, processes) as tasks:
            tasks.submit("begin", time.time).result()  # the time to start counts for nothing
            if kill_after_s:
                killer.start()
            try:
                return run_study(study, dataset, store, processes).points, killed.is_set()
            finally:
                killer.cancel()


def _kill_one(killed: threading.Event) -> None:
    workers = [each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())]
    random.choice(workers).kill()
    killed.set()


def main(argv: Sequence[str] | None = None) -> None:
    """Print a line for each number of processes and each kill."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster_study", description=__doc__)
    parser.add_argument("--processes", nargs="+", type=int, default=[2], metavar="N")
    parser.add_argument("--kills", type=int, default=1, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the moments")
    options = parser.parse_args(argv)
    random.seed(options.seed)
    print(overhead(), flush=True)
    from small_datasets import tone_dataset

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "data").mkdir()
        (root / "cuts.toml").write_text(STUDY)
        dataset, study = tone_dataset(root / "data"), load_study("cuts", root)
        undisturbed, first_s = None, 0.0
        for processes in options.processes:
            begun_s = time.monotonic()
            points, _ = points_of(study, dataset, processes)
            wall_s = time.monotonic() - begun_s
            undisturbed, first_s = undisturbed or points, first_s or wall_s * processes
            assert points == undisturbed, "the figures depend on the number of processes"
            efficiency = first_s / processes / wall_s
            print(f"{processes} processes  {wall_s:6.1f} s  efficiency {100 * efficiency:.0f} %", flush=True)
        number = 0
        while number < options.kills:
            moment_s = random.uniform(0, wall_s)
            points, killed = points_of(study, dataset, processes, moment_s)
            assert points == undisturbed, "a kill changed a figure"
            number += killed
            what = f"kill {number:>2} after {moment_s:5.1f} s" if killed else "ended before the kill"
            print(f"{what}  the same figures", flush=True)


if __name__ == "__main__":
    main()
