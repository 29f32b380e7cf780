"""What a commit's own code measures of one series, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.layout import store_root
from harness.records.reading import read_record
from harness.records.verdict import Figure, SeriesName
from harness.regression import sentences
from harness.regression.from_record import night_of
from harness.runs.bisect.repository import Commit, Repository, own_environment
from models.errors import UserFacingError

_MODULE = "harness.runs.bisect.measure_commit"
_WITHOUT_THE_INSTALLED = f"""
import runpy, sys
sys.meta_path = [each for each in sys.meta_path if "__editable__" not in getattr(each, "__module__", "")]
runpy.run_module({_MODULE!r}, run_name="__main__")
"""
"""Runs the module. `pip install --editable` would fill in what a commit lacks, and a mixture be measured."""
_RECORD = "run.json"
_EXPLAINED = "earshot: "
"""Begins what a command says of its own failure."""


@dataclass(frozen=True)
class Reading:
    """A series at a commit.

    Attributes:
        commit: which.
        value: None if there is none.
        problem: why, without a full stop; "" if there is a value.
    """

    commit: Commit
    value: Figure | None
    problem: str = ""

    def shown(self, series: SeriesName) -> str:
        """The value with its unit, or why there is none."""
        return f"not measured: {self.problem}" if self.value is None else sentences.amount(self.value, series)

    def write(self, folder: Path) -> None:
        """Keeps it for another process."""
        (folder / f"{self.commit.sha}.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path, sha: str) -> Reading | None:
        """What `write` kept of a commit; None if it kept nothing."""
        try:
            kept = json.loads((folder / f"{sha}.json").read_text())
        except FileNotFoundError:
            return None
        return cls(Commit(**kept["commit"]), kept["value"], kept["problem"])


def measure(commit: Commit, checkout: Repository, series: SeriesName, options: Sequence[str]) -> Reading:
    """Measures the commit that is checked out with its own code; trained models and images are shared.

    A commit that cannot be measured is a reading without a value.

    Args:
        commit: the one.
        checkout: has it checked out; nothing is written there.
        series: which figure.
        options: of the measuring, see `harness.runs.bisect.measure_commit`.
    """
    if not (checkout.folder / Path(*_MODULE.split("."))).with_suffix(".py").is_file():
        return Reading(commit, None, f"its harness has no {_MODULE}, which measures one block")
    with tempfile.TemporaryDirectory(prefix="earshot-block-") as folder:
        record = Path(folder) / _RECORD
        # Without bytecode: two commits within a second may have sources of one size, and one's would be run.
        environment = own_environment(
            PYTHONPATH=str(checkout.folder),
            PYTHONDONTWRITEBYTECODE="1",
            EARSHOT_HOME=str(store_root().resolve()),
            TMPDIR=folder,  # what is left by a process that is killed goes with it
        )
        done = subprocess.run(
            [sys.executable, "-c", _WITHOUT_THE_INSTALLED, *options, "--output", str(record)],
            cwd=checkout.folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode:
            return Reading(commit, None, _why(done.stderr))
        try:
            return _read(commit, record, series)
        except UserFacingError as problem:
            return Reading(commit, None, str(problem))


def _why(said: str) -> str:
    """Its own explanation, or else the last line that a process left behind, without a full stop."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["its harness said nothing"]
    last = next((line for line in reversed(lines) if line.startswith(_EXPLAINED)), lines[-1])
    return last.removeprefix(_EXPLAINED).rstrip(".")


def _read(commit: Commit, path: Path, series: SeriesName) -> Reading:
    record = read_record(path)
    if record.code.get("commit") != commit.sha:
        return Reading(commit, None, f"it was the code of {record.code.get('commit')} that measured")
    night = night_of(record)
    measured = night.times.get(series)
    value = night.exact.get(series) if measured is None else measured.mean_us
    if value is not None:
        return Reading(commit, value)
    fault = night.faults.get((series.variant, series.engine)) or (measured.problem if measured else "")
    if fault:
        return Reading(commit, None, fault.rstrip("."))
    there = ", ".join(str(name) for name in sorted({*night.times, *night.exact}))
    return Reading(commit, None, f"one block has no {series}, it measures {there}")
