"""Figures that have to be the same: sizes, histograms, checksums, and all times of a modeled clock. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records.verdict import Figure, SeriesName, SeriesVerdict
from harness.regression import sentences
from harness.regression.baseline import Epoch
from harness.regression.nights import Night
from harness.regression.series import Measured


def is_of_a_commit(name: SeriesName) -> bool:
    """Whether a figure is an artifact's hash: another one for each commit, the same for one."""
    return name.metric.endswith("_sha256")


def judge_exact(
    name: SeriesName, value: Figure, night: Night, epoch: Epoch, earlier: Sequence[Night]
) -> SeriesVerdict:
    """Holds a figure against the accepted one, with no tolerance in either direction.

    Args:
        name: of the series.
        value: tonight's.
        night: tonight.
        epoch: in force.
        earlier: nights of the epoch, for hashes: they are held against the same commit's.
    """
    if is_of_a_commit(name):
        return _judge_hash(name, value, night, earlier)
    key = str(name)
    accepted = epoch.exact.get(name)
    if accepted is None:
        return SeriesVerdict(key, "new", new(name, night), night.dirty, value)
    since = epoch.accepted[-1].at if epoch.accepted else epoch.since
    if value == accepted:
        sentence = f"{name} is {sentences.amount(value, name)}, as accepted."
        return SeriesVerdict(key, "ok", sentence, night.dirty, value, accepted, _share(value, accepted))
    return SeriesVerdict(
        key,
        "changed",
        sentences.changed(night.board, name, value, accepted, since),
        night.dirty,
        value,
        accepted,
        _share(value, accepted),
    )


def judge_modeled(name: SeriesName, measured: Measured, night: Night, epoch: Epoch) -> SeriesVerdict:
    """Holds a time of a modeled clock against the accepted one: to the cycle, by the mean of all samples."""
    if measured.mean_us is not None and not measured.identical:
        return SeriesVerdict(
            str(name),
            "noisy",
            f"{name} differs between blocks of one image, though its clock is modeled and repeats exactly: "
            f"the emulator is not deterministic here, so measure again and look at both transcripts.",
            night.dirty,
            measured.mean_us,
        )
    assert measured.mean_us is not None, "what has a problem is not judged"
    return judge_exact(name, measured.mean_us, night, epoch, ())


def new(name: SeriesName, night: Night) -> str:
    """A series that nothing was accepted for."""
    return (
        f"{name} is new on {night.board}: nothing was accepted to hold it against, accept it with "
        f"{sentences.acceptance(night.board, name)}."
    )


def _judge_hash(name: SeriesName, value: Figure, night: Night, earlier: Sequence[Night]) -> SeriesVerdict:
    of_commit = [other for other in earlier if other.commit == night.commit and name in other.exact]
    key = str(name)
    if not of_commit:
        sentence = f"{name} has nothing to be held against: commit {night.commit[:10]} was not built before."
        return SeriesVerdict(key, "ok", sentence, night.dirty, value)
    before = of_commit[0].exact[name]
    if value == before or night.dirty:  # a dirty tree is not what its commit was
        sentence = f"{name} has nothing that would contradict commit {night.commit[:10]}."
        return SeriesVerdict(key, "ok", sentence, night.dirty, value, before)
    sentence = sentences.rebuilt(name, value, before, night.commit)
    return SeriesVerdict(key, "changed", sentence, False, value, before)


def _share(value: Figure, accepted: Figure) -> float | None:
    if isinstance(value, str) or isinstance(accepted, str) or not accepted:
        return None
    return value / accepted - 1
