"""Find the commit that changed a series of the emulated board, by git's bisection.

Each commit is measured by its own code (`harness.runs.measure_commit` of that commit) in a clone, so the
files, index and bisection of the user are left alone.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.layout import ROOT, store_root
from harness.link.deadline import Deadline
from harness.processes.command import run
from harness.records.reading import read_record
from harness.records.verdict import Figure, SeriesName
from harness.regression.from_record import night_of
from harness.regression.sentences import amount
from models import progress
from models.errors import UserFacingError
from models.scratch import ScratchFolder

_MODULE = "harness.runs.measure_commit"
_MEASURE = f"""
import runpy, sys
sys.meta_path = [each for each in sys.meta_path if "__editable__" not in getattr(each, "__module__", "")]
runpy.run_module({_MODULE!r}, run_name="__main__")
"""
"""Without the finder of `pip install --editable`, which would supply what a commit lacks from another one."""
_EXPLAINED = "earshot: "
"""Begins the message of a command that failed."""

_FOUND = re.compile(r"^# (?:possible )?first bad commit: \[([0-9a-f]{40})\]", re.M)


def bisect(
    good: str, bad: str, series: SeriesName, options: Sequence[str] = (), repository: Path = ROOT
) -> list[str]:
    """Find the first commit at which a series has another value than at a good one.

    Args:
        good: a revision at which the series is as it should be.
        bad: a later one at which it is not.
        series: of the emulated board.
        options: of the measurement, see `harness.runs.measure_commit`.
        repository: the checkout.

    Returns:
        Descriptions of the possible commits: one, or several if those between them cannot be measured.

    Raises:
        UsageError: a revision does not exist or is not an ancestor of the other, one of them cannot be
            measured, or both have the same value.
    """
    if _call(repository, "rev-parse", "--git-dir").returncode:
        raise UsageError("this is not a git checkout", str(repository), "Clone Earshot with git.")
    first, last = _commit(repository, good), _commit(repository, bad)
    if first == last or _call(repository, "merge-base", "--is-ancestor", first, last).returncode:
        raise UsageError(
            f"{good} is not an ancestor of {bad}",
            where=str(repository),
            remedy="Give an older, good commit first; if the commits are on two branches, give their "
            "`git merge-base` as the good one.",
        )
    with ScratchFolder("bisect") as folder:
        clone = folder / "checkout"
        _git(repository, "clone", "--quiet", "--shared", "--no-checkout", str(repository), str(clone))
        values = []
        for commit in (first, last):
            _git(clone, "checkout", "--quiet", "--force", "--detach", commit)
            with progress.task(f"measure {commit[:7]}"):
                values.append(measure(clone, series, options))
            progress.log(f"{_describe(clone, commit)}: {amount(values[-1], series)}")
        if values[0] == values[1]:
            raise UsageError(
                f"{series} is {amount(values[0], series)} at both commits",
                where=str(repository),
                remedy="Name an older good commit, or a series that changed; `earshot compare` lists those.",
            )
        _git(clone, "bisect", "start", last, first)
        while not (found := _FOUND.findall(_git(clone, "bisect", "log"))):
            try:
                with progress.task(f"measure {_commit(clone, 'HEAD')[:7]}"):
                    value = measure(clone, series, options)
                answer, outcome = "good" if value == values[0] else "bad", amount(value, series)
            except UsageError as problem:
                answer, outcome = "skip", f"skipped, {problem.what}"
            progress.log(f"{_describe(clone, 'HEAD')}: {outcome}")
            _git(clone, "bisect", answer, allowed=(0, 2))  # 2: only skipped commits are left
        return [_describe(clone, commit) for commit in found]


def measure(checkout: Path, series: SeriesName, options: Sequence[str]) -> Figure:
    """Measure the checked-out commit with its own code; models and images are shared through the store.

    Raises:
        UsageError: the commit cannot be measured.
    """
    commit = _commit(checkout, "HEAD")

    def refusal(what: str) -> UsageError:
        return UsageError(what.rstrip("."), _describe(checkout, commit), "Name another commit beside it.")

    if not (checkout / Path(*_MODULE.split("."))).with_suffix(".py").is_file():
        raise refusal(f"its harness has no {_MODULE}")
    with ScratchFolder("block") as folder:
        path = folder / "run.json"
        # No bytecode: sources of two commits may have the same size and second, and stale code would run.
        environment = clean_environment(
            PYTHONPATH=str(checkout),
            PYTHONDONTWRITEBYTECODE="1",
            EARSHOT_HOME=str(store_root().resolve()),
            TMPDIR=str(folder),  # files of a killed process are removed with it
        )
        command = [sys.executable, "-c", _MEASURE, *options, "--output", str(path)]
        ended = run(command, Deadline(math.inf), environment, checkout)
        if ended.status != 0:
            lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()] or ["no message"]
            last = next((line for line in reversed(lines) if line.startswith(_EXPLAINED)), lines[-1])
            raise refusal(last.removeprefix(_EXPLAINED))
        try:
            record = read_record(path)
            night = night_of(record)
        except UserFacingError as problem:
            raise refusal(str(problem)) from None
    if night.commit != commit:
        raise refusal(f"the code of commit {night.commit} measured")
    measured = night.times.get(series)
    value = night.exact.get(series) if measured is None else measured.mean_us
    if value is None:
        fault = night.faults.get((series.variant, series.engine)) or (measured.problem if measured else "")
        names = ", ".join(str(name) for name in sorted({*night.times, *night.exact}))
        raise refusal(fault or f"one block has no {series}, it measures {names}")
    return value


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without git's variables, which lead to another repository inside of a hook."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | more


def _commit(folder: Path, revision: str) -> str:
    found = _call(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.returncode:
        raise UsageError(
            f"there is no commit {revision!r}",
            where=str(folder),
            remedy="Fetch it: `git fetch --unshallow` if the history is cut, else `git fetch --all`.",
        )
    return found.stdout.strip()


def _describe(folder: Path, commit: str) -> str:
    return _git(folder, "show", "--no-patch", "--format=%h by %an, %as: %s", commit)


def _git(folder: Path, *arguments: str, allowed: Sequence[int] = (0,)) -> str:
    answer = _call(folder, *arguments)
    if answer.returncode not in allowed:
        raise UsageError(
            f"`git {' '.join(arguments[:2])}` failed: {answer.stderr.strip()[-300:]}",
            where=str(folder),
            remedy="Make sure that `git fsck` finds nothing and that the disk has room.",
        )
    return answer.stdout.strip()


def _call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    quiet = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
    return subprocess.run(
        ["git", *quiet, *arguments],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        errors="replace",
    )
