"""Variants against each other on the same words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from harness.records.field_record import FieldVariant
from harness.report.comparisons import comparisons_table
from harness.report.field.accuracy import keywords_of
from harness.report.table import Table
from harness.stats.field.comparing import compared
from harness.stats.field.rates import accuracy
from harness.stats.pairing import CONFIDENCE

_ALL_PAIRS = 5
"""Variants up to which each is compared with each; of more, each with the one that hears most."""


def pairs_table(variants: Sequence[FieldVariant]) -> Table:
    """McNemar's test on the words that count for both."""
    return comparisons_table(
        [
            (one.title, other.title, result)
            for one, other in _pairs(variants)
            if (result := compared(one, other))
        ],
        title="Against each other, on the same words",
        unit="words",
        sides=("the first", "the other"),
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
