"""Measure how long `earshot history` takes for three years of nights of two boards.

    python -m benchmarks.history_scale

Expected on 2 idle cores: at most 60 s from an empty cache.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.made_history import write_nights

from harness.regression.acceptance import accept
from harness.regression.history import read_history
from harness.report.pages.history import render_history

T = TypeVar("T")

_ACCEPTED_NIGHT = 14
"""The night of each board that is accepted, with those before it as its measure."""


def measure(folder: Path, nights: int) -> list[str]:
    """Write made-up records of two boards with 30 timed series each, and time the steps of the command.

    Args:
        folder: an empty folder for records, cache and pages.
        nights: number of nights of each board.
    """
    os.environ["EARSHOT_HOME"] = str(folder / "home")
    records = write_nights(folder / "nights", nights)
    history, first = _timed("read from an empty cache", lambda: read_history([folder / "nights"]))
    _, again = _timed("read from the cache", lambda: read_history([folder / "nights"]))
    baselines = {}
    for board in {night.board for night in history.nights}:
        own = [night for night in history.nights if night.board == board][:_ACCEPTED_NIGHT]
        baselines[board] = accept(None, own[-1], own, reason="made up", at=own[-1].ended)
    _, pages = _timed("write the pages", lambda: render_history(history, baselines, folder / "site"))
    size_mb = sum(path.stat().st_size for path in (folder / "site").rglob("*") if path.is_file()) / 1e6
    heading = f"{len(records):,} records, {size_mb:.0f} MB of pages, load {os.getloadavg()[0]:.1f}"
    return [heading, first, again, pages]


def _timed(name: str, work: Callable[[], T]) -> tuple[T, str]:
    wall_s, busy_s = time.perf_counter(), time.process_time()
    result = work()
    wall_s, busy_s = time.perf_counter() - wall_s, time.process_time() - busy_s
    return result, f"{name:<26} {wall_s:6.1f} s, {busy_s:6.1f} s of processor time"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--nights", type=int, default=1_100, metavar="N", help="nights of each board (default: three years)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="earshot-scale-") as folder:
        print("\n".join(measure(Path(folder), arguments.nights)))


if __name__ == "__main__":
    main()
