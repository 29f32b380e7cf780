"""What was announced for each label, "none" among it: as matrices on the page, and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.field_record import FieldVariant
from harness.report import format as figures
from harness.report.comparisons import matrices_table
from harness.report.table import Table
from harness.stats.field.breakdowns import NONE, Confusions, confusions
from harness.stats.matching import is_keyword


@dataclass(frozen=True)
class MatrixCell:
    """A count as a text, whether it is right, and its share of the row, 0 to 1."""

    text: str
    right: bool
    share: float


@dataclass(frozen=True)
class MatrixRow:
    """What was announced for a label."""

    label: str
    cells: list[MatrixCell]


@dataclass(frozen=True)
class Matrix:
    """A variant's confusions as the template needs them.

    Attributes:
        title: the variant's.
        heard: the columns; labels that are no keyword and were never announced are left out.
        rows: one for each label that was said.
    """

    title: str
    heard: list[str]
    rows: list[MatrixRow]


def matrices(variants: Sequence[FieldVariant]) -> list[Matrix]:
    """One for each variant that was played something."""
    found = []
    for variant, counted in _counted(variants):
        kept = [
            place
            for place, label in enumerate(counted.columns)
            if is_keyword(label) or any(counts[place] for counts in counted.counts)
        ]
        rows = [
            MatrixRow(
                label, [_cell(label, counted.columns[place], counts[place], sum(counts)) for place in kept]
            )
            for label, counts in zip(counted.rows, counted.counts, strict=True)
        ]
        found.append(Matrix(variant.title, [counted.columns[place] for place in kept], rows))
    return found


def confusion_table(variants: Sequence[FieldVariant]) -> Table:
    """A row for each label that was said, a column for each that was announced."""
    return matrices_table(
        [(variant.title, one.rows, one.columns, one.counts) for variant, one in _counted(variants)],
        said="Said",
        heard="Announced",
        note="Words by what they are and by what was announced for them; “none” is nothing.",
    )


def _counted(variants: Sequence[FieldVariant]) -> list[tuple[FieldVariant, Confusions]]:
    return [
        (variant, confusions(variant.stimuli, variant.labels))
        for variant in variants
        if any(row.counts for row in variant.stimuli)
    ]


def _cell(said: str, heard: str, count: int, whole: int) -> MatrixCell:
    """Right is the label itself, and of a word that is no keyword whatever is none."""
    right = heard == said if is_keyword(said) else heard == NONE or not is_keyword(heard)
    return MatrixCell(figures.count(count), right, count / whole if whole else 0.0)
