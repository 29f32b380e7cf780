"""What `git bisect run` asks of each commit: exit status 0 as at the good one, 1 not so, 125 not measurable.

Called by its path with the folder of the bisection, in the commit's checkout. An error of its own is 128,
which ends the bisection: Python's usual 1 would blame the commit.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

TASK = "task.json"
MARK = "step: "
"""Begins the lines that are for the user."""

_AS_GOOD, _OTHER, _SKIP, _ABORT = 0, 1, 125, 128


def main(work: Path, checkout: Path) -> int:
    """Measures the commit that is checked out.

    Args:
        work: holds the task, takes the reading.
        checkout: of the commit.
    """
    from harness.records.verdict import SeriesName
    from harness.regression.reading import measure
    from harness.runs.bisect.repository import Repository

    task = json.loads((work / TASK).read_text())
    series, repository = SeriesName.parse(task["series"]), Repository(checkout)
    reading = measure(repository.commit("HEAD"), repository, series, task["options"])
    reading.write(work)
    print(f"{MARK}{reading.commit}: {reading.shown(series)}", flush=True)
    if reading.problem:
        return _SKIP
    return _AS_GOOD if reading.value == task["good"] else _OTHER


if __name__ == "__main__":
    try:
        status = main(Path(sys.argv[1]), Path.cwd())
    except Exception:
        traceback.print_exc()
        status = _ABORT
    sys.exit(status)
