"""What was announced though nobody had said it: how often, and how rarely it could be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.records.field_record import DetPoint, FieldVariant
from harness.report import format as figures
from harness.report.field.accuracy import others_of
from harness.report.field.shown import audio_time, of, per_hour_interval
from harness.report.table import Column, Table, frame
from harness.stats.field.det import operating_point
from harness.stats.field.rates import accuracy, false_accept_rate, rate

LIMITS = {"at most 10 an hour": 10.0, "at most 1 an hour": 1.0, "at most 3 in 24 hours": 3 / 24}
"""False accepts that people put up with; the last is what Amazon asks of devices with its wake word."""


def false_accepts_table(variants: Sequence[FieldVariant]) -> Table:
    """False accepts per hour with their interval."""
    rows = []
    for variant in variants:
        accepts, others = false_accept_rate(variant), accuracy(others_of(variant))
        row: dict[str, Any] = {"variant": variant.title, "false_accepts": accepts.events}
        row |= {"hours": accepts.hours, "within_words": accepts.within_words}
        if accepts.per_hour is not None:
            row |= {"per_hour": accepts.per_hour, "low": accepts.low, "high": accepts.high}
        if others.total:
            row |= {"wrongly": others.total - others.correct, "others": others.total}
            row |= {"wrongly_low": 1 - others.high, "wrongly_high": 1 - others.low}
            row |= {"wrongly_share": 1 - (others.value or 0.0)}
        rows.append(row)
    return Table(
        name="false-accepts",
        title="False accepts",
        frame=frame(
            "variant false_accepts hours per_hour low high wrongly others wrongly_share wrongly_low "
            "wrongly_high within_words",
            rows,
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Number", ["false_accepts"], figures.count, group="While nothing was said"),
            Column("in so long", ["hours"], audio_time, group="While nothing was said"),
            Column("an hour", ["per_hour"], figures.significant, group="While nothing was said"),
            Column("95 % interval", ["low", "high"], per_hour_interval, group="While nothing was said"),
            Column("Number", ["wrongly", "others"], of, group="For a word that is no keyword"),
            Column("Share", ["wrongly_share"], figures.share, group="For a word that is no keyword"),
            Column(
                "95 % interval",
                ["wrongly_low", "wrongly_high"],
                figures.interval,
                group="For a word that is no keyword",
            ),
            Column("Once too many for a word", ["within_words"], figures.count),
        ],
        note=(
            "Hours are those outside of the windows of all words. The interval is the exact one of Poisson's "
            "distribution; with no event at all there is only an upper end, 3 divided by the hours."
        ),
    )


def operating_table(variants: Sequence[FieldVariant], threshold: int) -> Table:
    """How much is missed where no more than so many false accepts are allowed, after what is missed now.

    Args:
        variants: of one route.
        threshold: the one that was used.
    """
    rows = []
    for variant in variants:
        whole = [point for point in variant.det if not point.condition]
        if whole:
            used = min(whole, key=lambda point: abs(point.threshold - threshold))
            rows.append({"variant": variant.title, "limit": "as it is"} | _point(used))
            for limit, allowed in LIMITS.items():
                row: dict[str, Any] = {"variant": variant.title, "limit": limit, "limit_per_hour": allowed}
                if found := operating_point(variant.det, allowed):
                    row |= _point(found.point) | {"proven": found.proven}
                rows.append(row)
    return Table(
        name="operating",
        title="What is missed at so many false accepts",
        frame=frame(
            "variant limit limit_per_hour threshold misses keywords miss_rate low high "
            "accepted_non_keywords non_keywords false_accepts hours proven",
            rows,
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("False accepts", ["limit"], figure=False),
            Column("Threshold", ["threshold"], figures.count),
            Column("Keywords missed", ["misses", "keywords"], of),
            Column("Share", ["miss_rate"], figures.share),
            Column("95 % interval", ["low", "high"], figures.interval),
            Column("Others taken for a keyword", ["accepted_non_keywords", "non_keywords"], of),
            Column("False accepts counted", ["false_accepts"], figures.count),
            Column("Certain", ["proven"], _certain, figure=False),
        ],
        note=(
            "The threshold that misses least among those with at most so many false accepts, recomputed "
            "from the logged scores: no second run. Certain: even the upper end of the 95 % interval is "
            "within the limit; otherwise there was too little audio to tell. A dash: no threshold was that "
            "quiet."
        ),
        headed=True,
        tones=["strong" if row["limit"] == "as it is" else "" for row in rows],
    )


def _point(point: DetPoint) -> dict[str, Any]:
    row: dict[str, Any] = {"threshold": point.threshold, "misses": point.misses, "keywords": point.keywords}
    row |= {"accepted_non_keywords": point.accepted_non_keywords, "non_keywords": point.non_keywords}
    row |= {"false_accepts": point.false_accepts, "hours": point.hours}
    missed = rate(point.misses, point.keywords)
    return row | ({"miss_rate": missed.value, "low": missed.low, "high": missed.high} if missed.total else {})


def _certain(proven: bool | None) -> str:
    return figures.DASH if proven is None else "yes" if proven else "too little audio"


def strays_table(variants: Sequence[FieldVariant]) -> Table:
    """Every announcement that belongs to no word."""
    rows = [
        {"variant": variant.title, "segment": one.segment, "condition": one.condition, "label": one.label}
        | {"score": one.score, "at_s": one.at_s, "within_word": one.within_word}
        for variant in variants
        for one in variant.false_accepts
    ]
    return Table(
        name="strays",
        title="Each false accept",
        frame=frame("variant segment condition label score at_s within_word", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Segment", ["segment"], figures.count),
            Column("Condition", ["condition"], figure=False),
            Column("Announced", ["label"], figure=False),
            Column("Score", ["score"], figures.count),
            Column("At", ["at_s"], figures.seconds),
            Column("It was", ["within_word"], _where, figure=False),
        ],
    )


def _where(within_word: bool) -> str:
    return "once too many for a word" if within_word else "while nothing was said"


def det_frame(variants: Sequence[FieldVariant]) -> pd.DataFrame:
    """Every point of every curve, for the CSV; `condition` is empty for all together."""
    rows = [
        {
            "variant": variant.title,
            "condition": one.condition,
            "threshold": one.threshold,
            "misses": one.misses,
        }
        | {"keywords": one.keywords, "confusions": one.confusions, "false_accepts": one.false_accepts}
        | {
            "hours": one.hours,
            "accepted_non_keywords": one.accepted_non_keywords,
            "non_keywords": one.non_keywords,
        }
        for variant in variants
        for one in variant.det
    ]
    return frame(
        "variant condition threshold misses keywords confusions false_accepts hours "
        "accepted_non_keywords non_keywords",
        rows,
    )
