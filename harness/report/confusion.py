"""Confusion matrices, as figures of a page and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness import format as fmt
from harness.report.table import Column, Table


@dataclass(frozen=True)
class Matrix:
    """The confusion matrix of a variant, with a list of counts for each row."""

    title: str  # title of the variant
    rows: list[str]  # right labels
    columns: list[str]  # detected labels
    counts: list[list[int]]
    right: list[set[str]]  # for each row, the columns that are right
    detail: str = ""  # shown beside the title

    def share(self, row: int, column: int) -> float:
        """Return the share, 0 to 1, of a row's samples that are in a column."""
        whole = sum(self.counts[row])
        return self.counts[row][column] / whole if whole else 0.0


def confusion_table(matrices: Sequence[Matrix], said: str, detected: str, note: str) -> Table:
    """Return confusion matrices as a table, one row for each variant and right label.

    `said` is the header of the right labels, `detected` of the group of detected labels.
    """
    labels = list(dict.fromkeys(label for matrix in matrices for label in matrix.columns))
    rows = [
        {"variant": matrix.title, "label": label}
        | {f"detected {name}": count for name, count in zip(matrix.columns, counts, strict=True)}
        for matrix in matrices
        for label, counts in zip(matrix.rows, matrix.counts, strict=True)
    ]
    columns = [
        Column("variant", "Variant"),
        Column("label", said),
        *(Column((f"detected {label}",), label, fmt.count, group=detected) for label in labels),
    ]
    return Table("confusion", "Confusions", columns, rows, note)
