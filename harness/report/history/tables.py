"""What the index has as CSV too: the last night of every series, and the noise of one image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.regression.a_a import a_a
from harness.regression.epochs import A_A_NIGHTS
from harness.report import format as figures
from harness.report.history.boards import BoardHistory
from harness.report.history.words import night_sd_text
from harness.report.table import Column, Table, frame

_A_A_NIGHTS = 400
"""Latest nights that the noise of one image is taken from."""


def series_frame(boards: Sequence[BoardHistory]) -> pd.DataFrame:
    """The last night of every series in raw figures, for a CSV."""
    rows = [
        {
            "board": board.name,
            "night": board.nights[-1].id,
            "started": board.nights[-1].started,
            "series": str(series.name),
            "status": series.status,
            "advisory": series.verdict.advisory if series.verdict else None,
            "value": series.latest,
            "accepted": None if np.isnan(series.accepted[-1]) else float(series.accepted[-1]),
            "change": series.change,
            "nights": int(np.isfinite(series.values).sum()),
            "levels": len(series.levels),
        }
        for board in boards
        for series in board.series
    ]
    names = "board night started series status advisory value accepted change nights levels"
    return frame(names, rows)


def noise_table(boards: Sequence[BoardHistory]) -> tuple[Table, list[str]]:
    """What nights of one image say of each real board's noise, and a sentence a board."""
    rows, said = [], []
    for board in boards:
        found = a_a(board.nights[-_A_A_NIGHTS:])
        if not found.series:
            continue
        said.append(
            f"On {board.name} the rule had {found.alarmed} false alarms in {found.judged} nights of "
            f"unchanged images, before confirmation."
        )
        rows += [
            {
                "board": board.name,
                "series": f"{one.name.variant} {one.name.metric} {one.name.input_mode}",
                "image": one.image[:8],
                "nights": one.nights,
                "night_sd": one.night_sd,
                "false_alarms": one.false_alarms,
                "gates": "gates" if one.gates else f"advisory: {one.nights} of {A_A_NIGHTS} nights",
            }
            for one in found.series
        ]
    table = Table(
        name="noise",
        title="The same image, night after night (A/A)",
        frame=frame("board series image nights night_sd false_alarms gates", rows),
        columns=[
            Column("Board", ["board"], figure=False),
            Column("Series", ["series"], figure=False),
            Column("Image", ["image"], figure=False),
            Column("Nights", ["nights"], figures.count),
            Column("Night sd", ["night_sd"], night_sd_text),
            Column("False alarms", ["false_alarms"], figures.count),
            Column("Gate", ["gates"], figure=False),
        ],
        note=f"Of the latest {_A_A_NIGHTS} nights those on which the image ran that was measured most often. "
        f"With fewer than {A_A_NIGHTS} such nights a series is advisory: it is told, and fails nothing.",
        headed=len(boards) > 1,
    )
    return table, said
