"""Measure how long `earshot history` takes for three years of nights of two boards.

    python -m benchmarks.history_scale

Expected on 2 idle cores: at most 60 s from an empty cache.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from benchmarks.made_history import write_nights

from harness.regression.acceptance import accept
from harness.regression.history import read_history
from harness.report.pages.history import render_history

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
    started = time.perf_counter()
    history = read_history([folder / "nights"])
    read = time.perf_counter()
    baselines = {}
    for board in {night.board for night in history.nights}:
        own = [night for night in history.nights if night.board == board][:_ACCEPTED_NIGHT]
        baselines[board] = accept(None, own[-1], own, reason="made up", at=own[-1].ended)
    begun = time.perf_counter()
    render_history(history, baselines, folder / "site")
    written = time.perf_counter()
    read_history([folder / "nights"])
    again = time.perf_counter()
    size_mb = sum(path.stat().st_size for path in (folder / "site").rglob("*") if path.is_file()) / 1e6
    first_s = read - started + written - begun
    return [
        f"{len(records):,} records, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        f"read from an empty cache  {read - started:6.1f} s",
        f"read from the cache       {again - written:6.1f} s",
        f"write the pages           {written - begun:6.1f} s ({size_mb:.0f} MB)",
        f"in all                    {first_s:6.1f} s",
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--nights", type=int, default=1_100, metavar="N", help="nights of each board (default: three years)"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave everything in this empty folder")
    arguments = parser.parse_args()
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        print("\n".join(measure(arguments.keep, arguments.nights)))
        return
    with tempfile.TemporaryDirectory(prefix="earshot-scale-") as folder:
        print("\n".join(measure(Path(folder), arguments.nights)))


if __name__ == "__main__":
    main()
