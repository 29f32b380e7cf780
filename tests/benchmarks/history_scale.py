"""Measure what a history of ten years takes, from records to the finished site."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.made_history import write_nights

from harness.history.folders import read_nights
from harness.regression.acceptance import accept
from harness.regression.baseline import Baseline
from harness.regression.nights import Night
from harness.report.history.site import render_history

_ACCEPTED_NIGHT = 14
"""Of each board's: what came before is no measure."""


@dataclass
class Stopwatch:
    """Seconds of each step, by the wall clock and of processors, those of child processes among them."""

    steps: dict[str, tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times what is done within."""
        wall_s, before = time.perf_counter(), os.times()
        yield
        busy_s = sum(os.times()[:4]) - sum(before[:4])
        self.steps[name] = (time.perf_counter() - wall_s, busy_s)

    def total(self, *names: str) -> tuple[float, float]:
        """Of some steps together."""
        walls, busy = zip(*(self.steps[name] for name in names), strict=True)
        return sum(walls), sum(busy)


def measure(folder: Path, nights: int) -> list[str]:
    """Makes up nights of two boards with 30 timed series each, and times what `earshot history` does.

    Args:
        folder: empty; gets records, index and site.
        nights: of each board.

    Returns:
        Lines for people.
    """
    watch = Stopwatch()
    records, index, site = folder / "nights", folder / "history.sqlite", folder / "site"
    with watch.step("making the records up"):
        written = write_nights(records, nights, say=lambda line: print(line, file=sys.stderr))
    with watch.step("reading them from nothing"):
        history = read_nights([records], index=index)
    baselines = _baselines(history.nights)
    paths = {id: record.path for id, record in history.records.items()}
    with watch.step("writing the site"):
        page = render_history(history.nights, baselines, site, records=paths, said={})
    with watch.step("reading them by the index"):
        read_nights([records], index=index)
    lines = [
        f"{name:<28} {wall_s:6.1f} s, {busy_s:6.1f} s of processors"
        for name, (wall_s, busy_s) in watch.steps.items()
    ]
    first_s, busy_s = watch.total("reading them from nothing", "writing the site")
    next_s, next_busy_s = watch.total("reading them by the index", "writing the site")
    return [
        f"on {os.cpu_count()} processors, with a load of {os.getloadavg()[0]:.1f}",
        f"{len(written):,} records of {_size(written)}, {len(history.nights):,} of them read",
        *lines,
        f"{'all of it, from nothing':<28} {first_s:6.1f} s, {busy_s:6.1f} s of processors",
        f"{'all of it, every morning':<28} {next_s:6.1f} s, {next_busy_s:6.1f} s of processors",
        f"index {_size([index])}, index.html {_size([page])}, the whole site {_size(site.rglob('*'))}",
    ]


def _baselines(nights: tuple[Night, ...]) -> dict[str, Baseline]:
    """With one of the first nights of each board accepted."""
    found = {}
    for board in sorted({night.board for night in nights}):
        own = [night for night in nights if night.board == board][:_ACCEPTED_NIGHT]
        found[board] = accept(None, own[-1], own, reason="made up", at=own[-1].ended)
    return found


def _size(paths: list[Path] | Iterator[Path]) -> str:
    return f"{sum(path.stat().st_size for path in paths if path.is_file()) / 1e6:,.1f} MB"


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--nights", type=int, default=3_650, metavar="N", help="of each of two boards (default: ten years)"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="make everything in this empty folder, and leave it there"
    )
    arguments = parser.parse_args()
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        print("\n".join(measure(arguments.keep, arguments.nights)))
        return
    with tempfile.TemporaryDirectory(prefix="earshot-scale-") as folder:
        print("\n".join(measure(Path(folder), arguments.nights)))


if __name__ == "__main__":
    main()
