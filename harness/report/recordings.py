"""The page of a night's recordings: each as it sounds, as the models see it, and what they heard."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.image import imsave

from harness.records.record import RunRecord, StimulusRow
from harness.report import format as figures
from harness.report.html import page_template, write_text
from harness.report.view_data import Facts, Glance, Image, Waveform
from harness.report.view_drawing import LEVELS, level_limits
from harness.report.views import decibels, peak_dbfs

PAGE = "recordings.html"

_NO_METADATA: dict[str, Any] = {"Software": None}
_NAMED = 3
"""Variants that are named where so many heard the same; more are counted."""


@dataclass(frozen=True)
class Outcome:
    """What some variants made of a recording.

    Attributes:
        correct: whether that is what it is.
        heard: in words.
        by: which variants, in words.
        names: all of them.
    """

    correct: bool
    heard: str
    by: str
    names: str


@dataclass(frozen=True)
class _Line:
    """A recording as the template needs it; pictures are data URIs, empty where there is none."""

    facts: Facts
    levels: str
    wave: str
    stretches: int
    mel: str
    micro: str
    outcomes: list[Outcome]


def render_recordings(record: RunRecord, recordings: Sequence[Glance], folder: Path) -> Path:
    """Writes recordings.html; the same night and recordings give the same bytes.

    Args:
        record: of the night; it has what each variant heard, by the recordings' names.
        recordings: in the order in which they were played.
        folder: where the page goes; made when it is not there.

    Returns:
        The path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        _Line(
            facts=glance.facts,
            levels=f"peak {decibels(peak_dbfs(glance.facts))} · {figures.seconds(glance.facts.duration_s)}",
            wave=outline(glance.waveform),
            stretches=max(1, len(glance.waveform.start_s) - 1),
            mel=picture(glance.mel) if glance.mel else "",
            micro=picture(glance.micro) if glance.micro else "",
            outcomes=outcomes(record, glance.facts.name),
        )
        for glance in recordings
    ]
    sample = next((glance for glance in recordings if glance.mel and glance.micro), None)
    html = page_template("recordings.html.j2").render(
        title=f"Earshot: the recordings of {record.board.title}, {record.run.get('started', '')[:10]}",
        board=record.board.title,
        headline=_headline(lines, sum(bool(variant.stimuli) for variant in record.variants)),
        mel=sample.mel.method if sample and sample.mel else "",
        micro=sample.micro.method if sample and sample.micro else "",
        lines=lines,
    )
    write_text(folder / PAGE, html)
    return folder / PAGE


def outcomes(record: RunRecord, name: str) -> list[Outcome]:
    """What the variants made of a recording, those together that made the same of it, the most first."""
    by_heard: dict[tuple[bool, str], list[str]] = {}
    for variant in record.variants:
        for row in variant.stimuli:
            if row.source == name:
                by_heard.setdefault((row.correct, _heard(row)), []).append(variant.title)
    total = sum(map(len, by_heard.values()))
    found = []
    for (correct, heard), titles in sorted(by_heard.items(), key=lambda item: (-len(item[1]), item[0])):
        many = f"{len(titles)} of {total} variants" if len(titles) < total else f"all {total} variants"
        by = ", ".join(titles) if len(titles) <= _NAMED else many
        found.append(Outcome(correct, heard, by, ", ".join(titles)))
    return found


def outline(wave: Waveform) -> str:
    """The waveform as the path of an SVG element: x is the stretch's index, y is 0 to 40 from above."""
    reach = max(0.01, float(np.abs([wave.low, wave.high]).max()))
    above = [f"{index},{_y(value, reach)}" for index, value in enumerate(wave.high)]
    below = [f"{index},{_y(value, reach)}" for index, value in reversed(list(enumerate(wave.low)))]
    return f"M{' '.join(above)}L{' '.join(below)}Z"


def picture(image: Image) -> str:
    """The view as a PNG of one pixel a value, as a data URI."""
    levels = image.values.astype(np.float32)
    low, high = level_limits(levels) if image.values.dtype.kind == "f" else (0, max(1, levels.max()))
    file = io.BytesIO()
    imsave(file, levels.T, cmap=LEVELS, vmin=low, vmax=high, origin="lower", metadata=_NO_METADATA)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _y(value: float, reach: float) -> str:
    return f"{20 - 19 * value / reach:.1f}"


def _heard(row: StimulusRow) -> str:
    if row.detected:
        return f"“{row.detected}”"
    return "nothing announced" if row.correct else "missed"


def _headline(lines: Sequence[_Line], variants: int) -> str:
    """How many there are, and how many every variant heard as what they are."""
    played = [line for line in lines if line.outcomes]
    right = sum(all(outcome.correct for outcome in line.outcomes) for line in played)
    number = f"{len(lines)} recording{'' if len(lines) == 1 else 's'}"
    if not played:
        return f"{number}; no variant's listening is in the record"
    by = " by every variant" if variants > 1 else ""
    return f"{number}: {right} of {len(played)} heard as what they are{by}"
