"""How well, label by label: accuracies, what was heard instead, and pairs of variants on the same clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.report import figures
from harness.report.family.entries import Entry, float32_of
from harness.report.table import Column, Table, frame
from harness.results.pairing import CONFIDENCE, paired
from harness.results.statistics import wilson_interval


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
    heard = list(dict.fromkeys(label for matrix in matrices for label in matrix.labels))
    values = [
        [
            matrix.title,
            label,
            *(row[matrix.labels.index(name)] if name in matrix.labels else None for name in heard),
        ]
        for matrix in matrices
        for label, row in zip(matrix.labels, matrix.counts, strict=True)
    ]
    names = [f"heard {label}" for label in heard]
    return Table(
        name="confusion",
        title="What was heard instead",
        frame=pd.DataFrame(values, columns=["variant", "label", *names], dtype=object),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Label", ["label"], figure=False),
            *(
                Column(label, [name], figures.count, group="Heard as")
                for label, name in zip(heard, names, strict=True)
            ),
        ],
        note="Clips of the test set by their right label and by the label that the model gave.",
    )


def pairs_table(entries: Sequence[Entry]) -> Table:
    """Every variant against float32 of the same network, on the same clips."""
    compared = [
        (entry, reference, paired([entry.right], [reference.right], [entry.model.seed or 0]))
        for entry in entries
        if (reference := float32_of(entry, entries)) is not None
        and reference is not entry
        and entry.model
        and reference.model
        and entry.right
        and entry.model.test_labels == reference.model.test_labels
        and entry.kind != "float32"
    ]
    adjusted = holm([result.p for *_, result in compared])
    rows = [
        {
            "variant": entry.title,
            "reference": reference.title,
            "clips": result.clips,
            "difference": result.difference,
            "low": result.low,
            "high": result.high,
            "only_variant": result.only_first,
            "only_reference": result.only_second,
            "p": result.p,
            "p_holm": p,
            "reads": _reading(result.difference, p),
        }
        for (entry, reference, result), p in zip(compared, adjusted, strict=True)
    ]
    return Table(
        name="pairs",
        title="Against float32 of the same network, on the same clips",
        frame=frame(
            "variant reference clips difference low high only_variant only_reference p p_holm reads", rows
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Compared with", ["reference"], figure=False),
            Column("Clips", ["clips"], figures.count),
            Column("points", ["difference"], figures.points, group="Difference"),
            Column("95 % interval", ["low", "high"], figures.points_interval, group="Difference"),
            Column("this variant", ["only_variant"], figures.count, group="Right alone, clips"),
            Column("float32", ["only_reference"], figures.count, group="Right alone, clips"),
            Column("p", ["p"], figures.probability),
            Column("p, corrected", ["p_holm"], figures.probability),
            Column("It is", ["reads"], figure=False),
        ],
        note=(
            "McNemar's exact test on the clips that only one of the two had right, corrected by Holm for the "
            f"{len(rows)} comparisons of this table; below {1 - CONFIDENCE:.2f} counts as a difference. One "
            "training each: whether a method is better than another is for the studies, over several seeds."
        ),
    )


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for their number, in the same order.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979).
    """
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = highest
    return adjusted


def _reading(difference: float, p: float) -> str:
    if p >= 1 - CONFIDENCE:
        return "not told apart"
    return "better" if difference > 0 else "worse"
