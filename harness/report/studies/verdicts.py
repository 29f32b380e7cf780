"""What became of a study's claims, as sentences and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.records.study import StudyRecord
from harness.report import format as figures
from harness.report.table import Column, Table, frame
from harness.stats.claims import Judgment, judge
from harness.stats.pairing import CONFIDENCE

_WORDS = {"holds": "Holds", "does not hold": "Does not hold", "undecided": "Undecided"}


def judgments(record: StudyRecord) -> list[Judgment]:
    """The study's claims, each held against the figures."""
    return [judge(claim, record) for claim in record.claims]


def sentences(found: Sequence[Judgment]) -> list[str]:
    """A sentence for each claim: the verdict first, then the claim, then the figures."""
    return [f"{_WORDS[item.verdict]}: {item.claim.text}. {_figures(item)}" for item in found]


def summary_text(record: StudyRecord) -> str:
    """The study in a few lines for a terminal."""
    heading = f"{record.title}. {record.question}"
    return "\n".join([heading, *(f"- {line}" for line in sentences(judgments(record)))])


def verdicts_table(found: Sequence[Judgment]) -> Table:
    """The claims with the figures behind their verdicts."""
    rows = []
    for item in found:
        row: dict[str, Any] = {"claim": item.claim.text, "verdict": item.verdict}
        row |= {"margin": item.claim.margin, "missing": item.missing}
        if pair := item.paired:
            row |= {"difference": pair.difference, "low": pair.low, "high": pair.high}
            row |= {"low_seeds": pair.by_seed.low, "high_seeds": pair.by_seed.high, "seeds": pair.seeds}
            row |= {"only_this": pair.only_first, "only_that": pair.only_second, "p": pair.p}
            row |= {"networks": pair.runs, "clips": pair.clips}
        rows.append(row)
    names = (
        "claim verdict margin difference low high low_seeds high_seeds seeds only_this only_that p networks "
        "clips missing"
    )
    return Table(
        name="verdicts",
        title="Verdicts",
        frame=frame(names, rows),
        columns=[
            Column("Claim", ["claim"], _capitalized, figure=False),
            Column("Verdict", ["verdict"], figure=False),
            Column("Has to exceed, points", ["margin"], _points),
            Column("Difference, points", ["difference"], _points),
            Column("by clips", ["low", "high"], _interval),
            Column("over seeds", ["low_seeds", "high_seeds"], _interval),
            Column("Only the first right", ["only_this"], figures.count),
            Column("Only the other right", ["only_that"], figures.count),
            Column("McNemar's p", ["p"], _p),
            Column("Pairs × clips", ["networks", "clips"], _product),
            Column("Pairs missing", ["missing"], lambda count: figures.count(count or None), optional=True),
        ],
        note=(
            "Differences of accuracy on the same clips of the test set. A claim holds if the difference lies "
            f"above what it has to exceed with both {CONFIDENCE:.0%} intervals: by clips (each counted once, "
            "with its mean over the pairs), and over the seeds (Student's t). It does not hold if both lie "
            "below. Otherwise it is undecided: other clips or another training might turn it. McNemar's "
            "exact test pools all pairs; where the difference has to exceed 0 it must see one too (p < 0.05)."
        ),
    )


def _figures(item: Judgment) -> str:
    pair = item.paired
    if pair is None:
        return "There is nothing to compare."
    seeds = "of a single seed"
    if pair.by_seed.low is not None:
        seeds = f"over {pair.seeds} seeds {_interval(pair.by_seed.low, pair.by_seed.high)}"
    answers = figures.count(pair.runs * pair.clips)
    return (
        f"The difference is {_points(pair.difference)} points (by clips {_interval(pair.low, pair.high)}, "
        f"{seeds}); of {answers} answers the first alone had {figures.count(pair.only_first)} right, the "
        f"other alone {figures.count(pair.only_second)} (McNemar's p {_p_with_sign(pair.p)})."
    )


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _product(networks: int | None, clips: int | None) -> str:
    return figures.DASH if networks is None else f"{figures.count(networks)} × {figures.count(clips)}"


def _points(share: float | None) -> str:
    """A difference of rates in points, with its sign: +1.2, −0.4, 0."""
    if share is None:
        return figures.DASH
    return f"{100 * share:+.1f}".replace("-", "−") if share else "0"


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return figures.DASH
    return f"{_points(max(low, -1.0))} to {_points(min(high, 1.0))}"


def _p(value: float | None) -> str:
    if value is None:
        return figures.DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def _p_with_sign(value: float) -> str:
    text = _p(value)
    return text if text.startswith("<") else f"= {text}"
