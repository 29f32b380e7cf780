"""Compare two runs of a modeled board, every figure exactly.

A baseline holds what was accepted. This comparison shows what a change of the code does before
anybody accepts it: both runs are of one emulated board, so only the code differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_INCONCLUSIVE, EXIT_REGRESSED, UsageError
from harness.records.record import RunRecord, VariantRow
from harness.records.verdict import Figure, SeriesName, SeriesVerdict
from harness.regression.epochs import differences as environment_differences
from harness.regression.exact import is_of_a_commit
from harness.regression.from_record import night_of
from harness.regression.nights import Night
from harness.regression.sentences import differences as differences_text
from harness.regression.sentences import gravity


@dataclass(frozen=True)
class ClipChange:
    """The clips of which a variant detects more or less in a second run."""

    variant: str
    engine: str
    lost: tuple[str, ...]
    """Clips that were correct in the first run only, in the order in which they were played."""
    gained: tuple[str, ...]  # clips that were correct in the second run only


@dataclass(frozen=True)
class Comparison:
    """The differences between two runs."""

    base: Night
    head: Night
    compared: int  # number of series that either run has, and that mean the same in both
    differences: tuple[SeriesVerdict, ...]
    """The gravest first. `reference` is of the first run, `value` of the second; `sentence` is the reason why
    there is no value, without a full stop."""
    clips: tuple[ClipChange, ...] = ()  # see `clip_changes`
    without_blocks: bool = False
    """True if a run has no blocks, so that those of the other are not compared either."""

    @property
    def exit_code(self) -> int:
        """3 if a series changed or is missing, else 4 if one broke, else 5 if one is inconclusive."""
        statuses = {item.status for item in self.differences}
        if statuses & {"changed", "missing"}:
            return EXIT_REGRESSED
        if "broken" in statuses:
            return EXIT_BROKEN
        return EXIT_INCONCLUSIVE if "noisy" in statuses else EXIT_CLEAN


def compare_records(base: RunRecord, head: RunRecord) -> Comparison:
    """Compare two runs; leave out the blocks of one if the other has none.

    Raises:
        UsageError: see `compare` and `night_of`.
    """
    clips, without_blocks = clip_changes(base, head), not (base.blocks and head.blocks)
    if without_blocks:
        base, head = replace(base, blocks=[]), replace(head, blocks=[])
    compared = compare(night_of(base), night_of(head))
    return replace(compared, clips=clips, without_blocks=without_blocks)


def compare(base: Night, head: Night) -> Comparison:
    """Compare every series of two runs; a fault that both have in the same words is not a difference.

    Raises:
        UsageError: a real board, different boards, environments or procedures, a run that broke, or no
            series in common.
    """
    _refuse(base, head)
    then, now = _figures(base), _figures(head)
    kept = [name for name in sorted({*then, *now}) if not _is_of_two_codes(name, base, head)]
    if not any(name in then and name in now for name in kept):
        raise UsageError(
            "the two runs have no series in common",
            where=f"runs {base.id} and {head.id}",
            remedy="Measure the same --variants with the same --engine in both.",
        )
    found = [*_faults(base, head)]
    for name in kept:
        if name not in now:
            if (name.variant, name.engine) not in head.faults:  # listed once, as a fault
                found.append(SeriesVerdict(str(name), "missing", "", reference=then[name]))
        elif name not in then:
            found.append(SeriesVerdict(str(name), "new", "", value=now[name]))
        elif unusable := _unusable(name, base, head):
            found.append(unusable)
        elif then[name] != now[name]:
            found.append(_changed(name, then[name], now[name]))
    names = {*kept, *(item.name for item in found)}
    return Comparison(base, head, len(names), tuple(sorted(found, key=gravity)))


def clip_changes(base: RunRecord, head: RunRecord) -> tuple[ClipChange, ...]:
    """List lost and gained clips of the variants that were played the same clips in both runs.

    Variants without a change are left out.
    """
    before = {(row.id, _engine(row)): row for row in base.variants}
    found = []
    for row in head.variants:
        then = before.get((row.id, _engine(row)))
        if then is None or [clip.source for clip in then.stimuli] != [clip.source for clip in row.stimuli]:
            continue
        pairs = list(zip(then.stimuli, row.stimuli, strict=True))
        lost = tuple(one.source for one, two in pairs if one.correct and not two.correct)
        gained = tuple(one.source for one, two in pairs if two.correct and not one.correct)
        if lost or gained:
            found.append(ClipChange(row.id, _engine(row), lost, gained))
    return tuple(found)


def _engine(row: VariantRow) -> str:
    return row.firmware.engine if row.firmware else ""


def _refuse(base: Night, head: Night) -> None:
    for night in (base, head):
        if not night.modeled:
            raise UsageError(
                f"{night.board} is a real board, whose times differ from run to run: two runs prove nothing",
                where=f"run {night.id}",
                remedy="Judge its runs with `earshot nightly`, or compare two runs of the emulated board.",
            )
        if night.fault:
            remedy = "Repair that and measure again."
            raise UsageError(f"this run broke: {night.fault.rstrip('.')}", f"run {night.id}", remedy)
    if differing := environment_differences(head, base):
        raise UsageError(
            f"between the two runs {differences_text(differing)}, so their figures cannot be compared",
            where=f"runs {base.id} and {head.id}",
            remedy="Measure both on one machine with the same tools; if the code itself changed them, accept "
            "the run as a new epoch with `earshot baseline accept`.",
        )


def _is_of_two_codes(name: SeriesName, base: Night, head: Night) -> bool:
    """Return True for hashes of different commits or dirty trees, which always differ."""
    return is_of_a_commit(name) and (base.commit != head.commit or base.dirty or head.dirty)


def _figures(night: Night) -> dict[SeriesName, Figure | None]:
    """Return all values; of a time the mean of all samples, which changes with every cycle."""
    return {**night.exact, **{name: measured.mean_us for name, measured in night.times.items()}}


def _faults(base: Night, head: Night) -> Iterator[SeriesVerdict]:
    for (variant, engine), fault in sorted(head.faults.items()):
        if base.faults.get((variant, engine)) != fault:
            yield SeriesVerdict(f"{variant}/{engine}/-/-", "broken", fault.rstrip("."))


def _unusable(name: SeriesName, base: Night, head: Night) -> SeriesVerdict | None:
    for night, which in ((head, "the second run"), (base, "the first run")):
        measured = night.times.get(name)
        if measured is not None and measured.mean_us is None:
            return SeriesVerdict(str(name), "broken", f"{measured.problem}, in {which}")
        if measured is not None and not measured.identical:
            reason = f"blocks of one image differ in {which}, although its clock is modeled"
            return SeriesVerdict(str(name), "noisy", reason)
    return None


def _changed(name: SeriesName, then: Figure | None, now: Figure | None) -> SeriesVerdict:
    change = None
    if isinstance(then, int | float) and isinstance(now, int | float) and then:
        change = (now - then) / then
    return SeriesVerdict(str(name), "changed", "", value=now, reference=then, change=change)
