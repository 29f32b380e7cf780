"""A night of a board's history accepted as its baseline: which night, and what changes in the file."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.records.reading import read_record
from harness.records.verdict import SeriesName
from harness.regression.acceptance import accept
from harness.regression.baseline import Baseline
from harness.regression.baseline_file import read_baseline, to_toml, write_baseline
from harness.regression.from_record import night_of
from harness.regression.history import read_history
from harness.regression.nights import Night
from harness.runs.journal import RECORD


@dataclass(frozen=True)
class Accepted:
    """A baseline that was written.

    Attributes:
        night: that was accepted.
        baseline: as it is now.
        path: its file.
        before: the file's text before; "" if there was none.
    """

    night: Night
    baseline: Baseline
    path: Path
    before: str

    @property
    def diff(self) -> str:
        """What changed in the file, as `diff -u` tells it."""
        before, after = (text.splitlines(keepends=True) for text in (self.before, to_toml(self.baseline)))
        name = str(self.path)
        return "".join(difflib.unified_diff(before, after, name if before else "/dev/null", name))


def baseline_path(board: str, baselines: Path) -> Path:
    """The file of a board's baseline."""
    return baselines / f"{board}.toml"


def accept_night(
    board: str,
    reason: str,
    at: str,
    baselines: Path,
    history: Sequence[Path],
    *,
    series: Collection[SeriesName] = (),
    which: str = "",
    say: Callable[[str], None] = lambda line: None,
) -> Accepted:
    """Accepts a night and writes the baseline.

    Args:
        board: its name.
        reason: why, for whoever reads the file.
        at: when, ISO 8601.
        baselines: the folder of the baselines.
        history: folders of nights.
        series: see `harness.regression.acceptance.accept`.
        which: the night: its folder or record, or the beginning of its id; "" takes the last one.
        say: told of records that are left out.

    Raises:
        UsageError: there is no such night, or it cannot be accepted.
    """
    found = read_history(history)
    for one in found.left_out:
        say(one.sentence)
    nights = [night for night in found.nights if night.board == board]
    night = _chosen(nights, board, which, history)
    path = baseline_path(board, baselines)
    before = read_baseline(path)
    text = path.read_text(encoding="utf-8") if before else ""
    baseline = accept(before, night, nights, reason=reason, at=at, series=series)
    write_baseline(baseline, path)
    return Accepted(night, baseline, path, text)


def _chosen(nights: Sequence[Night], board: str, which: str, history: Sequence[Path]) -> Night:
    if which and Path(which).exists():
        return _of_file(Path(which), board)
    found = [night for night in nights if night.id.startswith(which)]
    if not found:
        folders = ", ".join(map(str, history))
        there = ", ".join(night.id for night in nights[-5:])
        raise UsageError(
            f"there is no night {which!r} of {board}" if which else f"there is no night of {board}",
            where=folders,
            remedy=f"The last ones are {there}."
            if there
            else "Measure one with `earshot nightly`, or name "
            "the folders where its nights are with --history.",
        )
    if which and len(found) > 1:
        raise UsageError(
            f"{len(found)} nights of {board} have an id that begins with {which!r}",
            where=", ".join(night.id for night in found),
            remedy="Name one of them with more of its id.",
        )
    return found[-1]


def _of_file(path: Path, board: str) -> Night:
    file = path / RECORD if path.is_dir() else path
    night = night_of(read_record(file))
    if night.board != board:
        raise UsageError(
            f"this night is of {night.board}, not of {board}",
            where=str(file),
            remedy=f"Say --board {night.board}, or name another night.",
        )
    return night
