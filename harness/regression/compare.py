"""Two nights of a modeled board held against each other, figure by figure, with no tolerance. Pure.

A baseline says what was accepted; this says what a change of the code does, before anybody accepts it: both
nights are of one emulated board, so that nothing but the code lies between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_INCONCLUSIVE, EXIT_REGRESSED, UsageError
from harness.records.clips import ClipChange
from harness.records.verdict import STATUSES, Figure, SeriesName, Status
from harness.regression.exact import is_of_a_commit
from harness.regression.nights import Night
from harness.regression.sentences import differences as told_differences


@dataclass(frozen=True)
class Difference:
    """A series that is not in both nights the same.

    Attributes:
        name: which.
        status: "changed"; "missing" from the second night; "new" there; "broken" or "noisy" in it.
        base: what it was; None if there was nothing.
        head: what it is; None if there is nothing.
        reason: why there is no figure, without a full stop; "" if there is one.
    """

    name: SeriesName
    status: Status
    base: Figure | None = None
    head: Figure | None = None
    reason: str = ""

    @property
    def by(self) -> int | float | None:
        """How much more it is, in the unit of the metric; None of what cannot be subtracted."""
        if isinstance(self.base, (int, float)) and isinstance(self.head, (int, float)):
            return self.head - self.base
        return None

    @property
    def share(self) -> float | None:
        """The same as a share of what it was; None where there is none."""
        by = self.by
        return (
            by / self.base if by is not None and isinstance(self.base, (int, float)) and self.base else None
        )


@dataclass(frozen=True)
class Comparison:
    """What lies between two nights.

    Attributes:
        base: the first.
        head: the second.
        compared: how many series were held against each other.
        differences: the gravest first: by status, then times by microseconds, then the rest by its share.
        clips: which clips variants lost and gained, where `heard` changed.
    """

    base: Night
    head: Night
    compared: int
    differences: tuple[Difference, ...]
    clips: tuple[ClipChange, ...] = ()

    @property
    def exit_code(self) -> int:
        """3 if anything changed or is gone, else 4 if anything broke, else 5 if anything is undecided."""
        statuses = {difference.status for difference in self.differences}
        if statuses & {"changed", "missing"}:
            return EXIT_REGRESSED
        if "broken" in statuses:
            return EXIT_BROKEN
        return EXIT_INCONCLUSIVE if "noisy" in statuses else EXIT_CLEAN


def compare(base: Night, head: Night) -> Comparison:
    """Holds every series of the second night against the first.

    A fault that both nights have, word for word, is no difference. What is new has nothing to be held
    against.

    Args:
        base: such as the night of the commit that a branch began at.
        head: such as the night of the branch; when either was measured does not matter.

    Raises:
        UsageError: they cannot be compared: a real board, two boards, environments or ways of measuring, a
            night that broke, or no series that both have.
    """
    _refuse(base, head)
    names = sorted({*base.times, *base.exact, *head.times, *head.exact})
    kept = [name for name in names if not _is_of_two_codes(name, base, head)]
    shared = [name for name in kept if _has(base, name) and _has(head, name)]
    if not shared:
        raise UsageError(
            "the two nights have no series in common",
            where=f"nights {base.id} and {head.id}",
            remedy="Measure the same --variants with the same --engine in both.",
        )
    found = [*_faults(base, head), *(item for name in kept if (item := _difference(name, base, head)))]
    found.sort(key=_gravity)
    return Comparison(base, head, len(shared), tuple(found))


def _gravity(item: Difference) -> tuple[int, bool, float, SeriesName]:
    """Times by microseconds: what is cut to whole ones may be a large share of a stage that takes four."""
    is_time = item.name.metric.endswith("_us")
    return (
        STATUSES.index(item.status),
        not is_time,
        -abs((item.by if is_time else item.share) or 0),
        item.name,
    )


def _refuse(base: Night, head: Night) -> None:
    for night in (base, head):
        if not night.modeled:
            raise UsageError(
                f"{night.board} is a real board, on which every night is another: two points say nothing",
                where=f"night {night.id}",
                remedy="Let `earshot nightly` judge its nights, or compare two nights of the emulated board.",
            )
        if night.fault:
            raise UsageError(
                f"this night broke: {night.fault.rstrip('.')}",
                where=f"night {night.id}",
                remedy="Put that right and measure it again.",
            )
    then = {**base.environment, "board": base.uid, "procedure": str(base.procedure)}
    now = {**head.environment, "board": head.uid, "procedure": str(head.procedure)}
    differing = {
        name: (then.get(name, "nothing"), now.get(name, "nothing"))
        for name in then.keys() | now.keys()
        if then.get(name) != now.get(name)
    }
    if differing:
        raise UsageError(
            f"between the two nights {told_differences(differing)}, so their figures cannot be compared",
            where=f"nights {base.id} and {head.id}",
            remedy="Measure both on one machine with the same tools; if the code itself changed them, accept "
            "the night as a new epoch with `earshot baseline accept`.",
        )


def _is_of_two_codes(name: SeriesName, base: Night, head: Night) -> bool:
    """A hash says something of one commit built twice, and nothing of two commits or a dirty tree."""
    return is_of_a_commit(name) and (base.commit != head.commit or base.dirty or head.dirty)


def _has(night: Night, name: SeriesName) -> bool:
    return name in night.times or name in night.exact


def _faults(base: Night, head: Night) -> Iterator[Difference]:
    for (variant, engine), fault in sorted(head.faults.items()):
        if base.faults.get((variant, engine)) != fault:
            yield Difference(SeriesName(variant, engine, "-", "-"), "broken", reason=fault.rstrip("."))


def _difference(name: SeriesName, base: Night, head: Night) -> Difference | None:
    """What is said of one series; None if nothing is."""
    own = (name.variant, name.engine)
    if not _has(head, name):
        if own in head.faults:  # told once, as a fault
            return None
        return Difference(name, "missing", base=_value(base, name))
    if not _has(base, name):
        return Difference(name, "new", head=_value(head, name))
    for night, kind in ((head, "this night"), (base, "the night it is compared with")):
        made = night.times.get(name)
        if made is not None and made.mean_us is None:
            return Difference(name, "broken", reason=f"{made.problem}, in {kind}")
        if made is not None and not made.identical:
            reason = f"blocks of one image differ in {kind}, though its clock is modeled and repeats exactly"
            return Difference(name, "noisy", reason=reason)
    then, now = _value(base, name), _value(head, name)
    return Difference(name, "changed", then, now) if then != now else None


def _value(night: Night, name: SeriesName) -> Figure | None:
    """A time is the mean of all samples: it changes with every cycle that they show."""
    measured = night.times.get(name)
    return night.exact[name] if measured is None else measured.mean_us
