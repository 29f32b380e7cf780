"""Whether a study's figures bear its claims out. Pure: a record in, judgments out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.records.study import Claim, Network, Point, StudyRecord
from harness.stats.pairing import CONFIDENCE, Paired, paired

Verdict = Literal["holds", "does not hold", "undecided"]


@dataclass(frozen=True)
class Judgment:
    """What became of a claim.

    Attributes:
        claim: which.
        verdict: see `judge`.
        paired: the figures; None where no pair of networks is there.
        missing: networks of `claim.this` that lack their counterpart, or failed themselves.
    """

    claim: Claim
    verdict: Verdict
    paired: Paired | None
    missing: int


def judge(claim: Claim, record: StudyRecord) -> Judgment:
    """Holds a claim against the figures of a study.

    It holds if the difference lies above the margin with its interval by clips and with its interval over the
    seeds: then neither other clips nor another training would be expected to change it. It does not hold if
    both lie below. Everything between is undecided, as is a single seed. Where the margin is 0, McNemar's
    exact test has to see a difference as well: it is right for few clips too, the intervals are not.

    Args:
        claim: of the record.
        record: the study.
    """
    pairs, missing = [], 0
    for point, other in _counterparts(claim, record):
        this = record.network_of(point, claim.this_state)
        that = record.network_of(other, claim.that_state) if other is not None else None
        if this is None or that is None:
            missing += 1
        else:
            pairs.append((this, that, point.seed))
    pairs = _distinct(pairs)
    if not pairs:
        return Judgment(claim, "undecided", None, missing)
    found = paired(
        [record.right(this) for this, _, _ in pairs],
        [record.right(that) for _, that, _ in pairs],
        [seed for _, _, seed in pairs],
    )
    return Judgment(claim, _verdict(found, claim.margin), found, missing)


def _verdict(found: Paired, margin: float) -> Verdict:
    if found.by_seed.low is None or found.by_seed.high is None:
        return "undecided"
    if margin == 0 and found.p >= 1 - CONFIDENCE:
        return "undecided"
    if min(found.low, found.by_seed.low) > margin:
        return "holds"
    if max(found.high, found.by_seed.high) < margin:
        return "does not hold"
    return "undecided"


def _counterparts(claim: Claim, record: StudyRecord) -> Iterator[tuple[Point, Point | None]]:
    """Each point of `claim.this` with that of `claim.that` which it is compared with."""
    if not claim.this or not claim.that:  # another state of the same points
        for point in record.points:
            if _belongs(point, claim.this or claim.that):
                yield point, point
        return
    both = {name for name in claim.this if name in claim.that}
    apart = {name for name in both if claim.this[name] != claim.that[name]}
    others = {_without(point, apart): point for point in record.points if _belongs(point, claim.that)}
    for point in record.points:
        if _belongs(point, claim.this):
            yield point, others.get(_without(point, apart))


def _belongs(point: Point, side: dict[str, list[str]]) -> bool:
    return all(point.at[name] in values for name, values in side.items())


def _without(point: Point, names: set[str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in point.at.items() if name not in names)


def _distinct(pairs: list[tuple[Network, Network, int]]) -> list[tuple[Network, Network, int]]:
    """Each pair of networks once: trained ones belong to many points."""
    return list({(id(this), id(that)): (this, that, seed) for this, that, seed in pairs}.values())
