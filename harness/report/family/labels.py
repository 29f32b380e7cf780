"""How well, label by label: accuracies, what was heard instead, and pairs of variants on the same clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.report import format as figures
from harness.report.comparisons import comparisons_table, matrices_table
from harness.report.family.entries import Entry, float32_of
from harness.report.table import Column, Table
from harness.stats.pairing import CONFIDENCE, paired
from harness.stats.statistics import wilson_interval


def different_models(entries: Sequence[Entry]) -> list[Entry]:
    """The entries without those of the same .tflite: a second engine hears what the first one did."""
    known: set[str] = set()
    found = []
    for entry in entries:
        sha256 = entry.model.tflite_sha256 if entry.model else None
        if sha256 is None or sha256 not in known:
            found.append(entry)
        if sha256 is not None:
            known.add(sha256)
    return found


def labels_table(entries: Sequence[Entry]) -> Table:
    """The accuracy of every label of the test set, one row for each variant."""
    names: dict[str, None] = {}
    rows: list[dict[str, Any]] = []
    for entry in entries:
        counts = entry.model.accuracy.get("testing", []) if entry.model else []
        row: dict[str, Any] = {"variant": entry.title}
        for count in counts:
            names[count.label] = None
            row[f"{count.label} correct"], row[f"{count.label} samples"] = count.correct, count.total
            if count.total:
                row[f"{count.label} accuracy"] = count.correct / count.total
                low, high = wilson_interval(count.correct, count.total)
                row[f"{count.label} low"], row[f"{count.label} high"] = low, high
        if counts:
            rows.append(row)
    figure_names = ("correct", "samples", "accuracy", "low", "high")
    columns = ["variant", *(f"{label} {name}" for label in names for name in figure_names)]
    values = [[row.get(name) for name in columns] for row in rows]
    shown = [Column("Variant", ["variant"], figure=False)]
    for label in names:
        shown.append(Column("right", [f"{label} accuracy"], figures.share, group=label))
        shown.append(
            Column("95 % interval", [f"{label} low", f"{label} high"], figures.interval, group=label)
        )
    return Table(
        name="labels",
        title="Accuracy by label",
        frame=pd.DataFrame(values, columns=columns, dtype=object),
        columns=shown,
        note="The share of a label's clips in the test set that were heard as it, with Wilson's interval.",
    )


@dataclass(frozen=True)
class Confusion:
    """What a variant heard of each label.

    Attributes:
        title: the variant's.
        labels: in order.
        counts: clips, by the right label (rows) and the one that was heard (columns).
        accuracy: over all, 0 to 1.
    """

    title: str
    labels: list[str]
    counts: list[list[int]]
    accuracy: float

    def share(self, right: int, heard: int) -> float:
        """Of the clips of a label the share that was heard as that, 0 to 1."""
        whole = sum(self.counts[right])
        return self.counts[right][heard] / whole if whole else 0.0


def confusions(entries: Sequence[Entry]) -> list[Confusion]:
    """The confusion matrix of every variant whose answers are known clip by clip."""
    found = []
    for entry in entries:
        if entry.right and entry.model:
            labels = entry.variant.labels
            counts = np.zeros((len(labels), len(labels)), int)
            np.add.at(counts, (entry.model.test_labels, entry.model.test_heard), 1)
            accuracy = sum(entry.right) / len(entry.right)
            found.append(Confusion(entry.title, labels, counts.tolist(), accuracy))
    return found


def confusion_table(matrices: Sequence[Confusion]) -> Table:
    """The same, one row for each right label; columns for what was heard."""
    return matrices_table(
        [(matrix.title, matrix.labels, matrix.labels, matrix.counts) for matrix in matrices],
        said="Label",
        heard="Heard as",
        note="Clips of the test set by their right label and by the label that the model gave.",
    )


def pairs_table(entries: Sequence[Entry]) -> Table:
    """Every variant against float32 of the same network, on the same clips."""
    compared = [
        (entry.title, reference.title, paired([entry.right], [reference.right], [entry.model.seed or 0]))
        for entry in entries
        if (reference := float32_of(entry, entries)) is not None
        and reference is not entry
        and entry.model
        and reference.model
        and entry.right
        and entry.model.test_labels == reference.model.test_labels
        and entry.kind != "float32"
    ]
    return comparisons_table(
        compared,
        title="Against float32 of the same network, on the same clips",
        unit="clips",
        sides=("this variant", "float32"),
        note=(
            "McNemar's exact test on the clips that only one of the two had right, corrected by Holm for the "
            f"{len(compared)} comparisons of this table; below {1 - CONFIDENCE:.2f} counts as a difference. "
            "One training each: whether a method is better than another is for the studies, over seeds."
        ),
    )
