"""Missed words of a field run: sound, features, and the variants' detections."""

from __future__ import annotations

import base64
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

from harness import format as fmt
from harness.records.field_record import FieldStimulus, FieldVariant
from harness.report.pages.recording_plots import LEVELS, level_limits
from harness.stats.matching import is_keyword

AROUND_S = 0.5
"""Sound before and after each word."""
SLICE_S = 0.02
GAP_ROWS = 3
"""Transparent rows between the two parts of the picture."""
OPEN = 9
"""Words that are shown at once; the others are folded."""
NAMED = 5
"""Up to this many variants with the same detection are named."""
_PALETTE = 64
"""More colors cannot be told apart in the picture, and a page has a hundred pictures."""

Key = tuple[int, float, str]


def key_of(row: FieldStimulus) -> Key:
    """Return the identity of a word of the plan, the same for every variant; sorts in the plan's order."""
    return row.segment, row.onset_s, row.source


def begins_s(row: FieldStimulus) -> float:
    """Return the start of a word's clip in its segment: at least half a second before it, at a slice."""
    return SLICE_S * math.floor(max(0.0, row.onset_s - AROUND_S) / SLICE_S + 1e-6)


def picture(mel: NDArray[np.floating], features: NDArray[Any], apart: bool = False) -> bytes:
    """Return a PNG: the mel spectrogram above the features of a front end, low bands below.

    `mel` (T, R) are levels in dBFS, one each 10 ms, `features` (S, C) of the same time, one each 20 ms. A
    band is a pixel high, a feature as high as makes both parts about equal. With `apart` the colors of each
    channel span its own values, as suits coefficients of different sizes.
    """
    high = max(1, mel.shape[1] // features.shape[1])
    if apart:
        features = features - features.min(axis=0).astype(np.float32)
        features = features / np.maximum(features.max(axis=0), 1)
    wide = np.repeat(np.repeat(features, 2, axis=0), high, axis=1)
    columns = min(len(wide), len(mel))
    above = _shades(mel[:columns], *level_limits(mel[:columns]))
    low = float(features.min())
    below = _shades(wide[:columns], low, max(low + 1, float(features.max())))
    pixels = np.concatenate([above, np.full((GAP_ROWS, columns), _PALETTE, np.uint8), below])
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
class MissedWord:
    """A missed word as the template shows it."""

    word: str
    where: str
    source: str
    clip: str  # path of the sound
    pictures: list[tuple[str, str]]  # front end and a data URL
    outcomes: list[tuple[bool, str]]  # right or wrong, and the variants with that result


def missed_words(variants: Sequence[FieldVariant], folder: Path) -> list[MissedWord]:
    """Return the missed words of a route that have a clip in the record's folder, in the plan's order."""
    by_word: dict[Key, list[tuple[FieldVariant, FieldStimulus]]] = {}
    for variant in variants:
        for row in variant.stimuli:
            by_word.setdefault(key_of(row), []).append((variant, row))
    found = []
    for _, results in sorted(by_word.items()):
        cut = next((row for _, row in results if row.clip and is_missed(row)), None)
        if cut and (folder / cut.clip).is_file():
            drawn = {variant.front_end: row.picture for variant, row in results if row.picture}
            found.append(
                MissedWord(
                    word=f"“{cut.word}”"
                    if is_keyword(cut.label)
                    else f"{cut.word or 'a sound'} (non-keyword)",
                    where=f"{cut.condition} · segment {cut.segment}, {fmt.seconds(cut.onset_s)}",
                    source=" · ".join(filter(None, (cut.source, cut.speaker))),
                    clip=cut.clip,
                    pictures=[
                        (name, f"data:image/png;base64,{base64.b64encode(png.read_bytes()).decode()}")
                        for name, path in drawn.items()
                        if (png := folder / path).is_file()
                    ],
                    outcomes=_outcomes(results),
                )
            )
    return found


def listening_sentence(variants: Sequence[FieldVariant], clips: int) -> str:
    """Return the number of words that some variant missed, and of those that have clips."""
    missed = len({key_of(row) for variant in variants for row in variant.stimuli if is_missed(row)})
    if not missed:
        counts = any(row.counts for variant in variants for row in variant.stimuli)
        return "Every variant was right on every word." if counts else "No word counts."
    sentence = f"{fmt.plural(missed, 'word')} missed or confused by some variant; {clips} with sound below"
    return f"{sentence}{', of every condition, label and cause' if 0 < clips < missed else ''}."


def is_missed(row: FieldStimulus) -> bool:
    """Return whether a word counts and was missed or confused."""
    return row.counts and not row.correct


def _outcomes(results: Sequence[tuple[FieldVariant, FieldStimulus]]) -> list[tuple[bool, str]]:
    """Describe each detection of a word with its variants, the most frequent detection first."""
    alike: dict[tuple[bool, str], list[str]] = {}
    for variant, row in results:
        detected = f"“{row.detected}”" if row.detected else "no detection" if row.correct else "missed"
        score = f"average {row.score}" if row.detected else f"highest score {row.peak}"
        details = [score] if row.score is not None or row.peak is not None else []
        if row.excluded:
            detected, details = "not counted", [row.excluded]
        elif row.cause:
            details.append(f"cause: {row.cause}")
        text = f"{variant.title} ({', '.join(details)})" if details else variant.title
        alike.setdefault((row.correct, detected), []).append(text)
    return [
        (
            right,
            f"{detected}: {'; '.join(of) if len(of) <= NAMED else f'{len(of)} of {len(results)} variants'}",
        )
        for (right, detected), of in sorted(alike.items(), key=lambda item: -len(item[1]))
    ]
