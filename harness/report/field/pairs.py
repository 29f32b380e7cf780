"""Variants against each other on the same words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from harness.report import figures
from harness.report.family.labels import holm
from harness.report.field.accuracy import keywords_of
from harness.report.table import Column, Table, frame
from harness.results.field.comparing import compared
from harness.results.field.rates import accuracy
from harness.results.field_record import FieldVariant
from harness.results.pairing import CONFIDENCE

_ALL_PAIRS = 5
"""Variants up to which each is compared with each; of more, each with the one that hears most."""


def pairs_table(variants: Sequence[FieldVariant]) -> Table:
    """McNemar's test on the words that count for both."""
    found = [(one, other, result) for one, other in _pairs(variants) if (result := compared(one, other))]
    adjusted = holm([result.p for *_, result in found])
    rows = [
        {
            "variant": one.title,
            "reference": other.title,
            "words": result.clips,
            "difference": result.difference,
            "low": result.low,
            "high": result.high,
            "only_variant": result.only_first,
            "only_reference": result.only_second,
            "p": result.p,
            "p_holm": p,
            "reads": _reading(result.difference, p),
        }
        for (one, other, result), p in zip(found, adjusted, strict=True)
    ]
    return Table(
        name="pairs",
        title="Against each other, on the same words",
        frame=frame(
            "variant reference words difference low high only_variant only_reference p p_holm reads", rows
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Compared with", ["reference"], figure=False),
            Column("Words", ["words"], figures.count),
            Column("points", ["difference"], figures.points, group="Difference"),
            Column("95 % interval", ["low", "high"], figures.points_interval, group="Difference"),
            Column("the first", ["only_variant"], figures.count, group="Right alone, words"),
            Column("the other", ["only_reference"], figures.count, group="Right alone, words"),
            Column("p", ["p"], figures.probability),
            Column("p, corrected", ["p_holm"], figures.probability),
            Column("The first is", ["reads"], figure=False),
        ],
        note=(
            "McNemar's exact test on the words that only one of the two had right, all words that count "
            f"for both; corrected by Holm for the comparisons of this table. Below {1 - CONFIDENCE:.2f} "
            "counts as a difference. The same recording under several conditions counts as several words: "
            "they are not quite independent, and the interval is a little too narrow."
        ),
    )


def _pairs(variants: Sequence[FieldVariant]) -> list[tuple[FieldVariant, FieldVariant]]:
    if len(variants) <= _ALL_PAIRS:
        return list(combinations(variants, 2))
    best = max(variants, key=lambda variant: accuracy(keywords_of(variant)).value or 0.0)
    return [(variant, best) for variant in variants if variant is not best]


def _reading(difference: float, p: float) -> str:
    if p >= 1 - CONFIDENCE:
        return "not told apart"
    return "better" if difference > 0 else "worse"
