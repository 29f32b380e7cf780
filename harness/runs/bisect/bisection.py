"""The commit that changed a series, found by `git bisect run`; each commit is measured by its own code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import EarshotError, UsageError
from harness.layout import ROOT
from harness.records.verdict import SeriesName
from harness.regression.reading import Reading, measure
from harness.runs.bisect import bisect_step as step
from harness.runs.bisect.repository import Commit, Copy, Repository, own_environment

_CANDIDATE = re.compile(r"^# possible first bad commit: \[([0-9a-f]{40})\]", re.M)


@dataclass(frozen=True)
class Found:
    """What a bisection came to.

    Attributes:
        good: the reading that the series started from.
        bad: the reading that it ended with.
        readings: of all commits between that were measured, or could not be, in the order of asking.
        candidates: the commits of which one changed the series: one, or several where those between cannot be
            measured.
    """

    good: Reading
    bad: Reading
    readings: tuple[Reading, ...]
    candidates: tuple[Commit, ...]

    @property
    def culprit(self) -> Reading | None:
        """The commit that changed the series, with what it is there; None if there are several candidates."""
        if len(self.candidates) > 1:
            return None
        every = {reading.commit.sha: reading for reading in (self.bad, *self.readings)}
        return every[self.candidates[0].sha]

    @property
    def skipped(self) -> tuple[Reading, ...]:
        """Commits that could not be measured."""
        return tuple(reading for reading in self.readings if reading.problem)


def bisect(
    good: str,
    bad: str,
    series: SeriesName,
    options: Sequence[str] = (),
    repository: Path = ROOT,
    say: Callable[[str], None] = lambda line: None,
) -> Found:
    """Finds the first commit at which a series has another value than at a good one.

    Works in a copy of the repository under the system's temporary folder, which is removed afterwards.

    Args:
        good: a revision at which the series is as it should be.
        bad: a later one at which it is not.
        series: of the emulated board.
        options: of the measuring, see `harness.runs.bisect.measure_commit`.
        repository: the checkout.
        say: told one line about each commit.

    Raises:
        UsageError: a revision is none, the bad one is not made on top of the good one, one of them cannot be
            measured, or both have the same value.
        EarshotError: git bisect broke off.
    """
    theirs = Repository(repository)
    first, last = theirs.commit(good), theirs.commit(bad)
    if first.sha == last.sha or not theirs.is_ancestor(first, last):
        raise UsageError(
            f"{last} was not made on top of {first}",
            where=str(repository),
            remedy="Name the older commit first; for a branch, the one that `git merge-base` tells.",
        )
    with tempfile.TemporaryDirectory(prefix="earshot-bisect-", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        copy = theirs.copied_to(work / "checkout")
        ends = [_end(commit, copy, series, options, say) for commit in (first, last)]
        if ends[0].value == ends[1].value:
            raise UsageError(
                f"{series} is {ends[0].shown(series)} at {first} and at {last} alike",
                where=str(repository),
                remedy="Name an older good commit, or a series that changed: `earshot compare` tells.",
            )
        return _run(work, copy, ends[0], ends[1], series, options, say)


def _end(
    commit: Commit, copy: Copy, series: SeriesName, options: Sequence[str], say: Callable[[str], None]
) -> Reading:
    copy.check_out(commit)
    reading = measure(commit, copy, series, options)
    say(f"{commit}: {reading.shown(series)}")
    if reading.problem:
        raise UsageError(
            f"{commit} cannot be measured: {reading.problem.rstrip('.')}",
            remedy="Name another commit beside it.",
        )
    return reading


def _run(
    work: Path,
    copy: Copy,
    good: Reading,
    bad: Reading,
    series: SeriesName,
    options: Sequence[str],
    say: Callable[[str], None],
) -> Found:
    task = {"series": str(series), "options": [*options], "good": good.value}
    (work / step.TASK).write_text(json.dumps(task))
    copy.asked("bisect", "start", bad.commit.sha, good.commit.sha)
    command = ["git", "bisect", "run", sys.executable, step.__file__, str(work)]
    environment = own_environment(PYTHONPATH=str(ROOT), TMPDIR=str(work))
    log = []
    with subprocess.Popen(
        command,
        cwd=copy.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        try:
            for line in run.stdout:
                if line.startswith(step.MARK):
                    say(line[len(step.MARK) :].rstrip("\n"))
                else:
                    log.append(line)
        except BaseException:  # git, the step and what it measures with: none outlives the copy
            os.killpg(run.pid, signal.SIGKILL)
            raise
    readings = tuple(_readings(work, copy))
    candidates = _candidates(copy, run.returncode)
    if not candidates:
        raise EarshotError(
            f"git bisect broke off with status {run.returncode}: {''.join(log)[-400:].strip()}",
            where=str(copy.folder),
            remedy="Call it again; if it stays, name a good commit that is nearer.",
        )
    return Found(good, bad, readings, candidates)


def _readings(work: Path, copy: Copy) -> list[Reading]:
    """Of every commit that git asked for."""
    log = copy.asked("bisect", "log")
    asked = re.findall(r"^git bisect (?:good|bad|skip) ([0-9a-f]{40})$", log, re.M)
    return [reading for sha in asked if (reading := Reading.read(work, sha))]


def _candidates(copy: Copy, status: int) -> tuple[Commit, ...]:
    if status == 0:
        return (copy.commit("refs/bisect/bad"),)
    return tuple(copy.commit(sha) for sha in _CANDIDATE.findall(copy.asked("bisect", "log")))
