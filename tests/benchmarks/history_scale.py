"""Measure how long `earshot history` takes for 2,200 records: three years of nights of two boards.

    python -m benchmarks.history_scale

Expected: at most 60 s of processor time for reading from an empty cache and writing the pages (measured:
25 s and 27 s).
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from benchmarks.made_history import write_nights

from harness.regression.acceptance import accept
from harness.regression.history import read_history
from harness.report.pages.history import render_history

_NIGHTS = 1_100
"""Nights of each board."""
_ACCEPTED_NIGHT = 14
"""The night of each board that is accepted, with those before it as its measure."""


def main() -> None:
    """Write made-up records of 30 timed series per board, and print the processor time of each step."""
    with tempfile.TemporaryDirectory(prefix="earshot-scale-") as name:
        folder = Path(name)
        os.environ["EARSHOT_HOME"] = str(folder / "home")
        print(f"{len(write_nights(folder / 'nights', _NIGHTS)):,} records, load {os.getloadavg()[0]:.1f}")
        start_s = time.process_time()
        history = read_history([folder / "nights"])
        read_s = time.process_time()
        read_history([folder / "nights"])
        again_s = time.process_time()
        baselines = {}
        for board in {night.board for night in history.nights}:
            own = [night for night in history.nights if night.board == board][:_ACCEPTED_NIGHT]
            baselines[board] = accept(None, own[-1], own, reason="made up", at=own[-1].ended)
        render_history(history, baselines, folder / "site")
        pages_s = time.process_time() - again_s
        size_mb = sum(path.stat().st_size for path in (folder / "site").rglob("*") if path.is_file()) / 1e6
        print(f"read from an empty cache {read_s - start_s:6.1f} s")
        print(f"read from the cache      {again_s - read_s:6.1f} s")
        print(f"write {size_mb:.0f} MB of pages    {pages_s:6.1f} s")


if __name__ == "__main__":
    main()
