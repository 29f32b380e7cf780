"""Tables that several pages have: variants against each other, and what was heard of what."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from harness.report import format as figures
from harness.report.table import Column, Table, frame
from harness.stats.pairing import CONFIDENCE, Paired, holm


def comparisons_table(
    compared: Sequence[tuple[str, str, Paired]], title: str, unit: str, sides: tuple[str, str], note: str
) -> Table:
    """McNemar's tests, corrected for their number.

    Args:
        compared: titles of two variants, and what came of it.
        title: of the table.
        unit: what was counted, such as "clips".
        sides: what the two are called above the counts of what one alone had right.
        note: how it is read.
    """
    adjusted = holm([result.p for *_, result in compared])
    rows = [
        {
            "variant": variant,
            "reference": reference,
            unit: result.clips,
            "difference": result.difference,
            "low": result.low,
            "high": result.high,
            "only_variant": result.only_first,
            "only_reference": result.only_second,
            "p": result.p,
            "p_holm": p,
            "reads": _reading(result.difference, p),
        }
        for (variant, reference, result), p in zip(compared, adjusted, strict=True)
    ]
    alone = f"Right alone, {unit}"
    return Table(
        name="pairs",
        title=title,
        frame=frame(
            f"variant reference {unit} difference low high only_variant only_reference p p_holm reads", rows
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Compared with", ["reference"], figure=False),
            Column(unit.capitalize(), [unit], figures.count),
            Column("points", ["difference"], figures.points, group="Difference"),
            Column("95 % interval", ["low", "high"], figures.points_interval, group="Difference"),
            Column(sides[0], ["only_variant"], figures.count, group=alone),
            Column(sides[1], ["only_reference"], figures.count, group=alone),
            Column("p", ["p"], figures.probability),
            Column("p, corrected", ["p_holm"], figures.probability),
            Column(f"{sides[0].capitalize()} is", ["reads"], figure=False),
        ],
        note=note,
    )


def matrices_table(
    matrices: Sequence[tuple[str, Sequence[str], Sequence[str], Sequence[Sequence[int]]]],
    said: str,
    heard: str,
    note: str,
) -> Table:
    """Confusion matrices, one row for each variant and label that was said.

    Args:
        matrices: a variant's title, the labels of the rows, those of the columns, and the counts.
        said: what stands above the labels of the rows.
        heard: what stands above those of the columns.
        note: how it is read.
    """
    columns = list(dict.fromkeys(label for _, _, labels, _ in matrices for label in labels))
    values = [
        [title, label, *(dict(zip(labels, row, strict=True)).get(name) for name in columns)]
        for title, rows, labels, counts in matrices
        for label, row in zip(rows, counts, strict=True)
    ]
    names = [f"heard {label}" for label in columns]
    return Table(
        name="confusion",
        title="What was heard instead",
        frame=pd.DataFrame(values, columns=["variant", "label", *names], dtype=object),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column(said, ["label"], figure=False),
            *(
                Column(label, [name], figures.count, group=heard)
                for label, name in zip(columns, names, strict=True)
            ),
        ],
        note=note,
    )


def _reading(difference: float, p: float) -> str:
    if p >= 1 - CONFIDENCE:
        return "not told apart"
    return "better" if difference > 0 else "worse"
