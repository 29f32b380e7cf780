"""Tables that several pages share: paired comparisons of variants, confusion matrices, and rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report import format as fmt
from harness.report.table import Column, Table
from harness.stats.pairing import CONFIDENCE, Paired, holm
from harness.stats.statistics import wilson_interval

RATE_COLUMNS = [
    Column("accuracy", "Accuracy", fmt.share),
    Column("low high", "95 % interval", fmt.interval),
    Column("accuracy low high", "0 to 100 %", lambda *_: "", mark="interval"),
]
"""Columns for the keys of `rate`."""


def rate(correct: int, total: int) -> dict[str, float]:
    """Return an accuracy with the ends of its 95 % Wilson interval; nothing where nothing was counted."""
    if not total:
        return {}
    low, high = wilson_interval(correct, total)
    return {"accuracy": correct / total, "low": low, "high": high}


def comparisons_table(
    compared: Sequence[tuple[str, str, Paired]], title: str, unit: str, sides: tuple[str, str], note: str
) -> Table:
    """Return McNemar's tests of pairs of variants, given by their titles, with Holm's correction.

    `unit` was counted, such as "clips"; `sides` names the two above the counts of only one right.
    """
    rows = [
        vars(result)
        | {"variant": variant, "reference": reference, unit: result.clips}
        | {"p_holm": p, "reads": _reading(result, p)}
        for (variant, reference, result), p in zip(
            compared, holm([item[2].p for item in compared]), strict=True
        )
    ]
    alone = f"Only one right, {unit}"
    columns = [
        Column("variant", "Variant"),
        Column("reference", "Compared with"),
        Column(unit, unit.capitalize(), fmt.count),
        Column("difference", "points", fmt.points, group="Difference"),
        Column("low high", "95 % interval", fmt.points_interval, group="Difference"),
        Column("only_first", sides[0], fmt.count, group=alone),
        Column("only_second", sides[1], fmt.count, group=alone),
        Column("p", "p", fmt.probability),
        Column("p_holm", "p, corrected", fmt.probability),
        Column("reads", f"{sides[0].capitalize()} is"),
    ]
    return Table("pairs", title, columns, rows, note)


def _reading(result: Paired, p: float) -> str:
    if p >= 1 - CONFIDENCE:
        return "no difference"
    return "better" if result.difference > 0 else "worse"


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
