"""Missed words of a field run: sound, features, and the variants' scores over time."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.records.field_record import FieldRecord, FieldStimulus, FieldVariant
from harness.report import format as fmt
from harness.report.pages.recording_plots import LEVELS, level_limits
from harness.stats.matching import is_keyword

AROUND_S = 0.5
"""Sound before and after each word."""
SLICE_S = 0.02
COLUMN_S = 0.01
"""Time of a column of the picture."""
GAP_ROWS = 3
"""Transparent rows between the two parts of the picture."""
OPEN = 9
"""Words that are shown at once; the others are folded."""
TINTS = 5
"""Colors for the variants' scores; of more variants only this many are drawn."""
TOP = 64
"""Height of the plot of scores, in its own units: four scores each."""
_PALETTE = 64
"""More colors cannot be told apart in the picture, and a page has a hundred pictures."""

Key = tuple[int, float, str]


def key_of(row: FieldStimulus) -> Key:
    """Return the identity of a word of the plan, the same for every variant; sorts in the plan's order."""
    return row.segment, row.onset_s, row.source


def begins_s(row: FieldStimulus) -> float:
    """Return the start of a word's clip in its segment: at least half a second before it, at a slice."""
    return SLICE_S * math.floor(max(0.0, row.onset_s - AROUND_S) / SLICE_S + 1e-6)


def scores_file(variant: FieldVariant, row: FieldStimulus) -> str:
    """Return the CSV of scores beside a word's clip: `time_s` in the segment, then each label."""
    return f"{row.clip.removesuffix('.wav')}.{variant.id}-{variant.route}.csv"


def picture(mel: NDArray[np.floating], micro: NDArray[np.integer]) -> bytes:
    """Return a PNG of one pixel per value: the mel spectrogram above the micro features, low bands below.

    Args:
        mel: (T, R) levels in dBFS, one each 10 ms.
        micro: (S, R) features of the same time, one each 20 ms.

    Returns:
        The file, min(T, 2 S) pixels wide.
    """
    wide = np.repeat(micro, 2, axis=0)
    columns = min(len(wide), len(mel))
    pixels = np.concatenate(
        [
            _shades(mel[:columns], *level_limits(mel[:columns])),
            np.full((GAP_ROWS, columns), _PALETTE, np.uint8),
            _shades(wide[:columns], 0, max(1, int(micro.max()))),
        ]
    )
    colors = matplotlib.colormaps[LEVELS](np.linspace(0, 1, _PALETTE), bytes=True)[:, :3]
    image = Image.fromarray(pixels)
    image.putpalette(colors.tobytes() + bytes(3))
    file = io.BytesIO()
    image.save(file, "PNG", transparency=_PALETTE, optimize=True)
    return file.getvalue()


def _shades(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Convert (T, R) values to (R, T) indexes of the palette, the first row at the bottom."""
    share = (values.T[::-1].astype(np.float32) - low) / (high - low)
    return np.rint(share.clip(0, 1) * (_PALETTE - 1)).astype(np.uint8)


@dataclass(frozen=True)
class Curve:
    """A variant's score of a label over time.

    Attributes:
        tint: number of the color, from 1.
        points: of an SVG polyline: x in columns of the picture, y from 0 (score 255) to 64 (0).
        instead: the label is the detected one instead of the right one.
    """

    tint: int
    points: str
    instead: bool


@dataclass(frozen=True)
class Outcome:
    """The result of a variant, or of several with the same result, in words.

    Attributes:
        by: title of the variant, or a number of variants.
        correct: the word is right.
        detected: the detection.
        detail: score and cause.
        tint: number of the curve's color, from 1; 0 without a curve.
        at: column of the picture at the time of the detection.
        names: titles of the variants.
    """

    by: str
    correct: bool
    detected: str
    detail: str
    tint: int
    at: float | None
    names: str


@dataclass(frozen=True)
class MissedWord:
    """A missed word as the template shows it; positions are in columns of the picture."""

    word: str
    where: str
    source: str
    clip: str
    picture: str
    columns: int
    spoken: tuple[float, float]
    outcomes: list[Outcome]
    curves: list[Curve]

    @property
    def half_seconds(self) -> list[int]:
        return list(range(50, self.columns, 50))


def missed_words(record: FieldRecord, variants: Sequence[FieldVariant], folder: Path) -> list[MissedWord]:
    """Return the missed words that have a clip in the record's folder, in the order of the plan.

    Args:
        record: the run.
        variants: variants of one route.
        folder: of the record.
    """
    by_word: dict[Key, list[tuple[int, FieldVariant, FieldStimulus]]] = {}
    for tint, variant in enumerate(variants, 1):
        for row in variant.stimuli:
            by_word.setdefault(key_of(row), []).append((tint, variant, row))
    found = []
    for _, results in sorted(by_word.items()):
        cut = next((row for *_, row in results if row.clip and _is_missed(row)), None)
        if cut and (folder / cut.clip).is_file():
            found.append(_missed_word(record, results, cut, folder))
    return found


def listening_sentence(variants: Sequence[FieldVariant], clips: int) -> str:
    """Say how many words some variant missed, and how many of them have clips."""
    missed = len({key_of(row) for variant in variants for row in variant.stimuli if _is_missed(row)})
    if not missed:
        return "Every variant was right on every word."
    sentence = f"{fmt.plural(missed, 'word')} missed or confused by some variant; {clips} with sound below"
    if clips < missed:
        sentence += ", of every condition, label and cause" if clips else ""
    if clips and len(variants) > TINTS:
        sentence += f". Curves show the first {TINTS} variants that missed a word"
    return f"{sentence}."


def _is_missed(row: FieldStimulus) -> bool:
    return row.counts and not row.correct


def _missed_word(
    record: FieldRecord,
    results: Sequence[tuple[int, FieldVariant, FieldStimulus]],
    cut: FieldStimulus,
    folder: Path,
) -> MissedWord:
    columns, png = round((cut.end_s + record.window_s - begins_s(cut)) / COLUMN_S), b""
    if cut.picture and (folder / cut.picture).is_file():
        png = (folder / cut.picture).read_bytes()
        columns = Image.open(io.BytesIO(png)).width
    # A color for each variant, or for the first of those that missed the word.
    tinted = [one for one in results if _is_missed(one[2])]
    if len(results) > TINTS:
        tinted = [(place, *one[1:]) for place, one in enumerate(tinted[:TINTS], 1)]
    return MissedWord(
        word=f"“{cut.word}”" if is_keyword(cut.label) else f"{cut.word or 'a sound'} (non-keyword)",
        where=f"{cut.condition} · segment {cut.segment}, {fmt.seconds(cut.onset_s)}",
        source=" · ".join(filter(None, (cut.source, cut.speaker))),
        clip=cut.clip,
        picture=f"data:image/png;base64,{base64.b64encode(png).decode()}" if png else "",
        columns=columns,
        spoken=(_column(cut, cut.onset_s), _column(cut, cut.end_s)),
        outcomes=_merged([_outcome(*one) for one in results]),
        curves=[curve for one in tinted for curve in _curves(*one, folder)],
    )


def _merged(outcomes: list[Outcome]) -> list[Outcome]:
    """Merge equal results, the most frequent first, if there are more variants than colors."""
    if len(outcomes) <= TINTS:
        return outcomes
    alike: dict[tuple[bool, str], list[str]] = {}
    for one in outcomes:
        alike.setdefault((one.correct, one.detected), []).append(one.names)
    return [
        Outcome(f"{len(names)} of {len(outcomes)} variants", correct, detected, "", 0, None, ", ".join(names))
        for (correct, detected), names in sorted(alike.items(), key=lambda item: -len(item[1]))
    ]


def _outcome(tint: int, variant: FieldVariant, row: FieldStimulus) -> Outcome:
    details = []
    detected = f"“{row.detected}”" if row.detected else "no detection" if row.correct else "missed"
    if row.excluded:
        detected, details = "not counted", [row.excluded]
    elif row.detected:
        details.append(f"average {row.score}")
    elif not row.correct and row.peak is not None:
        details.append(f"highest score {row.peak}")
    if row.cause:
        details.append(f"cause: {row.cause}")
    at = _column(row, row.detected_at_s) if row.detected_at_s is not None else None
    return Outcome(variant.title, row.correct, detected, ", ".join(details), tint, at, variant.title)


def _curves(tint: int, variant: FieldVariant, row: FieldStimulus, folder: Path) -> list[Curve]:
    """Return the curve of the right label, and of the label that was detected instead."""
    labels = [row.label] if is_keyword(row.label) else []
    if row.detected and row.detected != row.label:
        labels.append(row.detected)
    path = folder / scores_file(variant, row)
    if not row.clip or not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        scores = list(csv.DictReader(file))
    curves = []
    for label in labels:
        if scores and label in scores[0]:
            points = [
                f"{_column(row, float(one['time_s'])):.0f},{TOP - float(one[label]) * TOP / 255:.1f}"
                for one in scores
            ]
            curves.append(Curve(tint, " ".join(points), instead=label != row.label))
    return curves


def _column(row: FieldStimulus, at_s: float) -> float:
    return round((at_s - begins_s(row)) / COLUMN_S, 1)
