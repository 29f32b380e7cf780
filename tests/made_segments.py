"""Segments with made-up scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.records.field_record import FieldSegment, FieldStimulus, FieldVariant
from harness.records.record import DetectionRow
from harness.stats.recognizer import average, detect
from harness.stats.segment import FIRST_SLICE_MS, SLICE_MS, Answer, Answers, FieldWord, PlayedSegment

LABELS = ["silence", "unknown", "yes", "no"]
VARIANT = FieldVariant("tiny", "Tiny", LABELS)


def word(
    label: str,
    onset_s: float,
    end_s: float | None = None,
    *,
    source: str = "",
    speaker: str = "",
    answers: Answers | None = None,
) -> FieldWord:
    end_s = onset_s + 0.5 if end_s is None else end_s
    return FieldWord(label, label, source or f"{label}/{onset_s:g}.wav", speaker, onset_s, end_s, answers)


def answers(clip: str = "silence", clean: str = "silence", score: int = 255) -> Answers:
    return Answers(Answer(clip, score), Answer(clean, score))


def scores(
    says: Sequence[tuple[str, int, int] | tuple[str, int, int, int]], times_ms: np.ndarray
) -> np.ndarray:
    """Return scores (N, 4): silence except for (label, from ms, until ms, score = 255)."""
    made = np.zeros((len(times_ms), len(LABELS)), np.uint8)
    made[:, 0] = 255
    for label, begin, end, *score in says:
        within = (times_ms >= begin) & (times_ms < end)
        made[within] = 0
        made[within, LABELS.index(label)] = score[0] if score else 255
    return made


def segment(
    words: Sequence[FieldWord] = (),
    says: Sequence[tuple] = (),
    *,
    audio_s: float = 20.0,
    period_ms: int = SLICE_MS,
    number: int = 1,
    condition: str = "quiet",
    host_says: Sequence[tuple] | None = None,
    **more: object,
) -> PlayedSegment:
    """Return a segment of a board with known scores and the detections that follow from them."""
    times_ms = np.arange(FIRST_SLICE_MS, int(audio_s * 1000) + 1, period_ms)
    made = scores(says, times_ms)
    heard = detect(average(times_ms, made), LABELS)
    row = FieldSegment(number, condition, audio_s, -1.0, 0, 0, True, 1.0, "", 0, None, None)
    found = zip(heard.labels.tolist(), heard.scores.tolist(), heard.times_ms.tolist(), strict=True)
    detections = [DetectionRow(LABELS[label], score, ms / 1000) for label, score, ms in found]
    whole = PlayedSegment(row, words, times_ms.astype(np.uint32), made, detections)
    if host_says is not None:
        slice_ms = np.arange(FIRST_SLICE_MS, int(audio_s * 1000) + 1, SLICE_MS)
        whole = replace(whole, slice_scores=scores(host_says, slice_ms))
    return replace(whole, **more)  # type: ignore[arg-type]


def stimulus(label: str = "yes", detected: str | None = None, **more: object) -> FieldStimulus:
    """Return a word of a record, right if the detected label is its own."""
    detection = (None, None, None) if detected is None else (detected, 210, 1.9)
    delay_s = None if detected is None else 0.4
    made = FieldStimulus(
        label, label, f"{label}.wav", 1.0, 1.5, *detection, detected == label, 1, "quiet", "", delay_s, None
    )
    return replace(made, **more)  # type: ignore[arg-type]
