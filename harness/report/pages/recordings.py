"""The page of a run's recordings: three small views of each, and the detections of the variants."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.image import imsave

from harness import format as fmt
from harness.recording_views import Glance
from harness.records.record import RunRecord, StimulusRow
from harness.report.html import write_page
from harness.report.pages.recording_plots import LEVELS, level_limits
from models.views import Image, Waveform

PAGE = "recordings.html"
_NAMED = 3
"""Variants with the same outcome that are named; more are counted."""


@dataclass(frozen=True)
class Outcome:
    """One outcome of a recording, and the variants that share it: `by` is short, `names` has all of them."""

    correct: bool
    detected: str
    by: str
    names: str


def render_recordings(record: RunRecord, recordings: Sequence[Glance], folder: Path) -> Path:
    """Write recordings.html into a folder and return its path; the bytes are reproducible.

    The variants of the record refer to the recordings, which are in playback order, by name.
    """
    lines: list[dict[str, Any]] = [
        {
            "facts": glance.facts,
            "wave": outline(glance.waveform),
            "stretches": max(1, len(glance.waveform.start_s) - 1),
            "mel": picture(glance.mel),
            "micro": picture(glance.micro),
            "outcomes": outcomes(record, glance.facts.name),
        }
        for glance in recordings
    ]
    played = [line["outcomes"] for line in lines if line["outcomes"]]
    right = sum(all(outcome.correct for outcome in found) for found in played)
    result = f"{right} of {len(played)} recognized by every variant" if played else "none was played"
    sample = next((glance for glance in recordings if glance.mel and glance.micro), None)
    return write_page(
        "recordings.html.j2",
        folder / PAGE,
        title=f"Earshot: the recordings of {record.board.title}, {record.run.get('started', '')[:10]}",
        board=record.board.title,
        headline=f"{fmt.plural(len(lines), 'recording')}: {result}",
        mel=sample.mel.method if sample and sample.mel else "",
        micro=sample.micro.method if sample and sample.micro else "",
        lines=lines,
    )


def outcomes(record: RunRecord, name: str) -> list[Outcome]:
    """Return the outcomes of a recording, the most frequent first."""
    variants: dict[tuple[bool, str], list[str]] = {}
    for variant in record.variants:
        for row in variant.stimuli:
            if row.source == name:
                variants.setdefault((row.correct, _detected(row)), []).append(variant.title)
    total = sum(map(len, variants.values()))
    found = []
    for (correct, detected), titles in sorted(variants.items(), key=lambda item: (-len(item[1]), item[0])):
        names = ", ".join(titles)
        by = names if len(titles) <= _NAMED else f"{len(titles)} of {total} variants"
        found.append(Outcome(correct, detected, by, names))
    return found


def outline(wave: Waveform) -> str:
    """Return the waveform as an SVG path: x is the stretch's index, y runs from 0 at the top to 40."""
    reach = max(0.01, float(np.abs([wave.low, wave.high]).max()))
    edges = [*enumerate(wave.high), *reversed(list(enumerate(wave.low)))]
    return f"M{' '.join(f'{x},{20 - 19 * value / reach:.1f}' for x, value in edges)}Z"


def picture(image: Image | None) -> str:
    """Return a view as the data URI of a PNG with one pixel for each value; "" without a view."""
    if image is None:
        return ""
    levels = image.values.astype(np.float32)
    low, high = level_limits(levels) if image.values.dtype.kind == "f" else (0, max(1, levels.max()))
    file = io.BytesIO()
    imsave(file, levels.T, cmap=LEVELS, vmin=low, vmax=high, origin="lower", metadata={"Software": None})  # type: ignore[dict-item]
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _detected(row: StimulusRow) -> str:
    if row.detected:
        return f"“{row.detected}”"
    return "nothing detected" if row.correct else "missed"
