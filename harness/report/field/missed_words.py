"""Words that were not heard as what they are, to be listened to: sound, features, scores over time."""

from __future__ import annotations

import base64
import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.records.field_record import FieldRecord, FieldStimulus, FieldVariant
from harness.report import format as figures
from harness.report.field.names import CAUSES
from harness.report.field.picture import COLUMN_S, width_of
from harness.stats.matching import is_keyword

AROUND_S = 0.5
"""Of the sound before and after each word."""
SLICE_S = 0.02
OPEN = 9
"""Words that are shown at once; the others are folded."""
TINTS = 5
"""Colors there are for the variants' scores; of more variants only so many are drawn."""
_TOP = 64
"""Height of a plot of scores, in its own units: four scores each."""

Key = tuple[int, float, str]


def key_of(row: FieldStimulus) -> Key:
    """The same for a word of the plan whoever heard it; in the order of the plan."""
    return row.segment, row.onset_s, row.source


def begins_s(row: FieldStimulus) -> float:
    """Where a word's clip begins in its segment: at least half a second before it, where a slice does."""
    return SLICE_S * math.floor(max(0.0, row.onset_s - AROUND_S) / SLICE_S + 1e-6)


def scores_file(variant: FieldVariant, row: FieldStimulus) -> str:
    """Where the scores around a word lie, beside its clip: `time_s` in the segment, then each label."""
    return f"{row.clip.removesuffix('.wav')}.{variant.id}-{variant.route}.csv"


@dataclass(frozen=True)
class Curve:
    """A variant's score of a label over time, as the points of an SVG's polyline.

    Attributes:
        tint: which color, from 1.
        points: x in the picture's columns, y from 0 (255) to 64 (0).
        instead: whether it is of the label that was heard and not of the right one.
    """

    tint: int
    points: str
    instead: bool


@dataclass(frozen=True)
class Outcome:
    """What a variant, or several, made of a word, in words.

    Attributes:
        by: who: a title, or how many of how many.
        correct: whether that is right.
        heard: what was announced.
        detail: the score of it, and why it was missed.
        tint: of the curve, from 1; 0 if there is none.
        at: where it was announced, in the picture's columns.
        names: of all who are meant.
    """

    by: str
    correct: bool
    heard: str
    detail: str
    tint: int
    at: float | None
    names: str


@dataclass(frozen=True)
class Miss:
    """A word as the template needs it; everything along the time is in columns of the picture."""

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
    def seconds(self) -> list[int]:
        """Columns at which half a second is over."""
        return list(range(50, self.columns, 50))


def missed_words(variants: Sequence[FieldVariant]) -> int:
    """How many words of the plan some variant did not hear as what they are."""
    return len({key_of(row) for variant in variants for row in variant.stimuli if _missed(row)})


def misses(record: FieldRecord, variants: Sequence[FieldVariant], folder: Path) -> list[Miss]:
    """The missed words that were cut out, in the order of the plan.

    Args:
        record: the run.
        variants: of one route.
        folder: of the record, with the clips; those that are not there are left out.
    """
    by_word: dict[Key, list[tuple[int, FieldVariant, FieldStimulus]]] = {}
    for index, variant in enumerate(variants, 1):
        for row in variant.stimuli:
            by_word.setdefault(key_of(row), []).append((index, variant, row))
    found = []
    for _, heard in sorted(by_word.items()):
        cut = next((row for *_, row in heard if row.clip and _missed(row)), None)
        if cut and (folder / cut.clip).is_file():
            found.append(_miss(record, heard, cut, folder))
    return found


def _missed(row: FieldStimulus) -> bool:
    return row.counts and not row.correct


def _miss(
    record: FieldRecord,
    heard: Sequence[tuple[int, FieldVariant, FieldStimulus]],
    cut: FieldStimulus,
    folder: Path,
) -> Miss:
    path = folder / cut.picture
    drawn = path.read_bytes() if cut.picture and path.is_file() else b""
    window = cut.end_s + record.window_s - begins_s(cut)
    columns = width_of(drawn) or round(window / COLUMN_S)
    # A color for each variant, or for the first of those that missed it.
    tinted = [one for one in heard if _missed(one[2])]
    if len(heard) > TINTS:
        tinted = [(place, *one[1:]) for place, one in enumerate(tinted[:TINTS], 1)]
    what = f"“{cut.word}”" if is_keyword(cut.label) else f"{cut.word or 'a sound'} (no keyword)"
    return Miss(
        word=what,
        where=f"{cut.condition} · segment {cut.segment}, {figures.seconds(cut.onset_s)}",
        source=" · ".join(filter(None, (cut.source, cut.speaker))),
        clip=cut.clip,
        picture=f"data:image/png;base64,{base64.b64encode(drawn).decode()}" if drawn else "",
        columns=columns,
        spoken=(_column(cut, cut.onset_s), _column(cut, cut.end_s)),
        outcomes=_together([_outcome(*one) for one in heard]),
        curves=[curve for one in tinted for curve in _curves(*one, folder)],
    )


def _together(outcomes: list[Outcome]) -> list[Outcome]:
    """Each by itself where there are colors enough; else those that made the same of it, the most first."""
    if len(outcomes) <= TINTS:
        return outcomes
    alike: dict[tuple[bool, str], list[str]] = {}
    for one in outcomes:
        alike.setdefault((one.correct, one.heard), []).append(one.names)
    return [
        Outcome(f"{len(names)} of {len(outcomes)} variants", correct, heard, "", 0, None, ", ".join(names))
        for (correct, heard), names in sorted(alike.items(), key=lambda item: -len(item[1]))
    ]


def _outcome(tint: int, variant: FieldVariant, row: FieldStimulus) -> Outcome:
    details = []
    if row.excluded:
        heard, details = "not counted", [row.excluded]
    else:
        nothing = "nothing announced" if row.correct else "missed"
        heard = f"“{row.detected}”" if row.detected else nothing
        if row.detected and row.score is not None:
            details.append(f"average {row.score}")
        elif not row.correct and row.peak is not None:
            details.append(f"highest score {row.peak}")
        if row.cause:
            details.append(CAUSES.get(row.cause, row.cause).split(":")[0])
    at = _column(row, row.detected_at_s) if row.detected_at_s is not None else None
    return Outcome(variant.title, row.correct, heard, ", ".join(details), tint, at, variant.title)


def _curves(tint: int, variant: FieldVariant, row: FieldStimulus, folder: Path) -> list[Curve]:
    """Of the right label, and of the one that was heard instead."""
    labels = [row.label] if is_keyword(row.label) else []
    if row.detected and row.detected != row.label:
        labels.append(row.detected)
    path = folder / scores_file(variant, row)
    if not row.clip or not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        scores = list(csv.DictReader(file))
    return [
        Curve(
            tint,
            " ".join(
                f"{_column(row, float(one['time_s'])):.0f},{_TOP - float(one[label]) * _TOP / 255:.1f}"
                for one in scores
            ),
            instead=label != row.label,
        )
        for label in labels
        if scores and label in scores[0]
    ]


def _column(row: FieldStimulus, at_s: float) -> float:
    """Where a moment of the segment is in the picture of a word."""
    return round((at_s - begins_s(row)) / COLUMN_S, 1)
