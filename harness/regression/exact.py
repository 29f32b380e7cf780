"""Judge figures that must not change: sizes, histograms, checksums, and all times of a modeled clock."""

from __future__ import annotations

from collections.abc import Sequence

from harness import format as fmt
from harness.records.verdict import Figure, SeriesName, SeriesVerdict
from harness.regression.baseline import Epoch
from harness.regression.nights import Night
from harness.regression.sentences import acceptance, amount, day
from harness.regression.series import Measured


def is_of_a_commit(name: SeriesName) -> bool:
    """Return True for an artifact's hash, which is comparable between runs of one commit only."""
    return name.metric.endswith("_sha256")


def judge_exact(
    name: SeriesName, value: Figure, night: Night, epoch: Epoch, earlier: Sequence[Night]
) -> SeriesVerdict:
    """Compare a figure with the accepted one, without tolerance.

    A hash is compared with those of the same commit in `earlier`, runs of the epoch.
    """
    if is_of_a_commit(name):
        return _judge_hash(name, value, night, earlier)
    accepted = epoch.exact.get(str(name))
    if accepted is None:
        return SeriesVerdict(str(name), "new", new(name, night), night.dirty, value)
    change = None
    by = ""
    if not isinstance(value, str) and not isinstance(accepted, str):
        change = value / accepted - 1 if accepted else None
        share = "" if change is None else f", {fmt.precise_change(change)}"
        by = f" ({fmt.added(value - accepted)}{share})"
    if value == accepted:
        sentence = f"{name} is {amount(value, name)}, as accepted."
        return SeriesVerdict(str(name), "ok", sentence, night.dirty, value, accepted, change)
    since = epoch.accepted[-1].at if epoch.accepted else epoch.since
    sentence = (
        f"{name} changed from {amount(accepted, name)}, accepted on {day(since)}, to {amount(value, name)}"
        f"{by}: revert the change, or accept it with {acceptance(night.board, name)}."
    )
    return SeriesVerdict(str(name), "changed", sentence, night.dirty, value, accepted, change)


def judge_modeled(name: SeriesName, measured: Measured, night: Night, epoch: Epoch) -> SeriesVerdict:
    """Compare a time of a modeled clock with the accepted one: to the cycle, by the mean of all samples."""
    assert measured.mean_us is not None, "a series with a problem is not judged"
    if not measured.identical:
        sentence = (
            f"{name} differs between blocks of one image although its clock is modeled: the emulator is not "
            f"deterministic here, so measure again and compare the transcripts of the blocks."
        )
        return SeriesVerdict(str(name), "noisy", sentence, night.dirty, measured.mean_us)
    return judge_exact(name, measured.mean_us, night, epoch, ())


def new(name: SeriesName, night: Night) -> str:
    """Return the sentence on a series without an accepted value."""
    return f"{name} is new on {night.board}: accept it with {acceptance(night.board, name)}."


def _judge_hash(name: SeriesName, value: Figure, night: Night, earlier: Sequence[Night]) -> SeriesVerdict:
    commit = night.commit[:10]
    of_commit = [other for other in earlier if other.commit == night.commit and name in other.exact]
    if not of_commit:
        sentence = f"{name} is not compared: commit {commit} was not built before."
        return SeriesVerdict(str(name), "ok", sentence, night.dirty, value)
    before = of_commit[0].exact[name]
    if value == before or night.dirty:  # a dirty tree is not what its commit was
        sentence = f"{name} does not contradict earlier builds of commit {commit}."
        return SeriesVerdict(str(name), "ok", sentence, night.dirty, value, before)
    sentence = (
        f"{name} is {amount(value, name)}, an earlier build of commit {commit} gave {amount(before, name)}: "
        f"the build is not reproducible, so look for a path, a timestamp or a tool that changed."
    )
    return SeriesVerdict(str(name), "changed", sentence, False, value, before)
