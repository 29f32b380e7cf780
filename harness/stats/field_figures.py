"""The field figures of a variant, computed from its played segments at any threshold and window.

Segments are taken one at a time, so that memory does not grow with their audio and scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness.recognizer import Recognizer
from harness.records.field_record import (
    CAUSES,
    FieldFalseAccept,
    FieldSegment,
    FieldStimulus,
    FieldTiming,
    FieldVariant,
    ReferenceRow,
    Replay,
)
from harness.records.record import STAGES, DetectionRow
from harness.stats.det import DetCounter
from harness.stats.matching import TOLERANCE_S, is_keyword, match, windows
from harness.stats.recognizer import CLOCK_WRAP_MS, Averages, average, detect, replay
from harness.stats.segment import SLICE_MS, Answers, FreeTime, PlayedSegment, loss_reason
from harness.stats.tuning.log import gaps_of_averages

LATENCY, RECOGNIZER, FRONT_END, SOUND, MODEL = CAUSES


def field_figures(
    variant: FieldVariant,
    segments: Iterable[PlayedSegment],
    *,
    threshold: int | None = None,
    window_s: float = TOLERANCE_S,
) -> FieldVariant:
    """Compute the figures of a variant on one route.

    The detections are the board's. At a threshold for all labels in place of its own, they are recomputed
    from the logged scores, and a word also needs complete averages to count. DET points are always
    recomputed, with one threshold for all labels.

    Returns:
        `variant` with segments, stimuli, false accepts, timing, DET points, replay and reference, and with
        further notes.
    """
    own = variant.recognizer
    used = own if threshold is None else replace(own, threshold=threshold, thresholds={})
    figures = _Figures(variant.labels, own, used, window_s)
    for segment in segments:
        figures.add(segment)
    return figures.row(variant)


def cause_of(
    label: str, peak: int | None, answers: Answers | None, replayed: bool | None, threshold: int
) -> str:
    """Return the cause of a keyword that was not detected as its label.

    The first condition that holds decides:

    - "latency": the keyword is detected when the recognizer gets the host's score of every slice. The board
      had no time for all of them, or lost audio.
    - "recognizer": a score of the label exceeded the threshold; the averages did not, or were suppressed.
    - "front end": the model recognizes the same sound if the front end is reset before it.
    - "sound": the model recognizes the recording itself, without room, noise and gain.
    - "model": not even that.

    The model recognizes a keyword if it is the best label, with a score above the threshold.

    `peak` is the highest single score of the label on the board. The cause is "" if there are no answers of
    the host and the board's scores explain nothing.
    """
    if replayed:
        return LATENCY
    if peak is not None and peak > threshold:
        return RECOGNIZER
    if answers is None:
        return ""
    for cause, answer in ((FRONT_END, answers.clip), (SOUND, answers.clean)):
        if answer.label == label and answer.score > threshold:
            return cause
    return MODEL


class _Figures:
    def __init__(self, labels: Sequence[str], own: Recognizer, used: Recognizer, window_s: float) -> None:
        self._labels, self._window_s = labels, window_s
        self._own, self._used = own, used
        self._threshold_of = dict(zip(labels, used.thresholds_of(labels), strict=True))
        self._segments: list[FieldSegment] = []
        self._stimuli: list[FieldStimulus] = []
        self._false_accepts: list[FieldFalseAccept] = []
        self._timing, self._det = TimingCounter(), DetCounter(labels, used, window_s)
        self._replayed: list[bool] = []  # of the words that count
        self._reference = ReferenceRow()
        self._differing: list[int] = []

    def add(self, segment: PlayedSegment) -> None:
        """Match the words of a segment with the detections, and count both."""
        averages = average(segment.times_ms, segment.scores, self._used)
        # Records are lost on the link only: the board averages their scores too, so its detections are right
        # as soon as a gap ends. Recomputed averages lack these scores for longer.
        recomputed = self._detections(averages, self._used, segment.sound_starts_s)
        detections, gaps = recomputed, gaps_of_averages(segment, self._used)
        if self._used == self._own:
            detections, gaps = [one for one in segment.detections if one.at_s >= 0], [*segment.gaps]
            if not gaps and not _same(detections, recomputed):
                self._differing.append(segment.row.number)

        number, condition, audio_s = segment.row.number, segment.row.condition, segment.row.audio_s
        free = FreeTime(segment.words, gaps, self._window_s, audio_s)
        matching = match(segment.words, detections, self._window_s)
        for word, row, peak, replayed in zip(
            segment.words, matching.rows, self._peaks(segment), self._replay(segment), strict=True
        ):
            excluded = loss_reason(word, gaps, self._window_s)
            missed = is_keyword(word.label) and not row.correct and not excluded
            threshold = self._threshold_of.get(word.label, self._used.threshold)
            cause = cause_of(word.label, peak, word.answers, replayed, threshold) if missed else ""
            at_s = row.detected_at_s if word.is_found else None
            delay_s = None if at_s is None else at_s - row.end_s
            if replayed is not None and not excluded:
                self._replayed.append(replayed)
            self._stimuli.append(
                FieldStimulus(
                    **vars(row), segment=number, condition=condition, speaker=word.speaker, delay_s=delay_s,
                    peak=peak, excluded=excluded, cause=cause,
                )
            )  # fmt: skip
        self._false_accepts += [
            FieldFalseAccept(
                **vars(one), segment=number, condition=condition, within_word=free.in_window(one.at_s)
            )
            for one in matching.false_accepts
            if not free.in_gap(one.at_s)
        ]
        self._segments.append(replace(segment.row, keyword_free_s=free.seconds))
        self._timing.add(segment)
        self._count_equal_scores(segment)
        self._det.add(segment)

    def row(self, variant: FieldVariant) -> FieldVariant:
        right, notes = self._replayed, list(variant.notes)
        if self._differing:
            notes.append(
                "The board's detections differ from those that the recognizer makes of the logged scores, in "
                f"segments {', '.join(map(str, self._differing))}"
            )
        return replace(
            variant,
            segments=self._segments,
            stimuli=self._stimuli,
            false_accepts=self._false_accepts,
            timing=self._timing.timing(),
            det=self._det.points(),
            replay=Replay(float(SLICE_MS), sum(right), len(right)) if right else None,
            reference=self._reference,
            notes=notes,
        )

    def _detections(self, averages: Averages, recognizer: Recognizer, starts_s: float) -> list[DetectionRow]:
        """Return the detections of a recognizer; omit those before the sound starts."""
        found = detect(averages, self._labels, recognizer)
        times_s = found.times_ms / 1000 - starts_s
        rows = zip(found.labels.tolist(), found.scores.tolist(), times_s.tolist(), strict=True)
        return [DetectionRow(self._labels[label], score, at_s) for label, score, at_s in rows if at_s >= 0]

    def _peaks(self, segment: PlayedSegment) -> list[int | None]:
        """Return the highest single score of each word's label within its window."""
        times_s = np.asarray(segment.times_ms, dtype=np.int64) / 1000 - segment.sound_starts_s
        peaks: list[int | None] = []
        for word, (begin_s, end_s) in zip(segment.words, windows(segment.words, self._window_s), strict=True):
            begin, end = np.searchsorted(times_s, begin_s), np.searchsorted(times_s, end_s, side="right")
            known = word.label in self._labels and begin < end
            label = self._labels.index(word.label) if known else 0
            peaks.append(int(segment.scores[begin:end, label].max()) if known else None)
        return peaks

    def _replay(self, segment: PlayedSegment) -> list[bool | None]:
        """Return for each word whether it is right with the host's score of every slice."""
        if segment.slice_scores is None:
            return [None] * len(segment.words)
        averages = replay(segment.slice_scores, self._used)
        detections = self._detections(averages, self._used, 0.0)
        return [row.correct for row in match(segment.words, detections, self._window_s).rows]

    def _count_equal_scores(self, segment: PlayedSegment) -> None:
        """Count the inferences whose scores on the board equal those of the host."""
        if segment.reference_scores is None or not len(segment.scores):
            return
        differences = np.abs(segment.scores.astype(int) - segment.reference_scores.astype(int)).max(axis=1)
        before = self._reference
        self._reference = ReferenceRow(
            inferences=(before.inferences or 0) + len(differences),
            equal=(before.equal or 0) + int((differences == 0).sum()),
            max_difference=max(before.max_difference or 0, int(differences.max())),
        )


def _same(first: Sequence[DetectionRow], second: Sequence[DetectionRow]) -> bool:
    return len(first) == len(second) and all(
        (one.label, one.score) == (other.label, other.score) and abs(one.at_s - other.at_s) < 1e-6
        for one, other in zip(first, second, strict=True)
    )


class TimingCounter:
    """Speed of a board over all inferences of a run, at 16 bytes per inference."""

    def __init__(self) -> None:
        self._periods_ms: list[NDArray[np.uint32]] = []
        self._stages_us: dict[str, list[NDArray[np.uint32]]] = {stage: [] for stage in STAGES}
        self._worked_s = self._busy_us = 0.0
        self._inferences = self._overruns = self._samples_lost = 0

    def add(self, segment: PlayedSegment) -> None:
        """Add a segment; periods across lost records are left out."""
        times_ms = np.asarray(segment.times_ms, dtype=np.int64)
        periods_ms = np.diff(times_ms) % CLOCK_WRAP_MS
        ends_s = times_ms[1:] / 1000 - segment.sound_starts_s
        whole = np.ones(len(periods_ms), bool)
        for gap in segment.gaps:
            whole &= (ends_s <= gap.begin_s) | (ends_s > gap.end_s)
        self._periods_ms.append(periods_ms[whole].astype(np.uint32))
        stages_us = {stage: np.asarray(segment.stage_us.get(stage, ()), np.uint32) for stage in STAGES}
        for stage, values in stages_us.items():
            self._stages_us[stage].append(values)
        if len(periods_ms) and all(len(values) == len(times_ms) for values in stages_us.values()):
            # In a period the board works on the audio of the period before, so both are as long. The
            # inference before the first period belongs to none.
            self._busy_us += float(sum(int(values[1:][whole].sum()) for values in stages_us.values()))
            self._worked_s += periods_ms[whole].sum() / 1000 - segment.row.lost_s
        self._inferences += len(times_ms)
        self._overruns += segment.overruns
        self._samples_lost += segment.row.samples_lost

    def timing(self) -> FieldTiming | None:
        """Return the figures; None if no segment has a second inference."""
        periods_ms = np.concatenate(self._periods_ms) if self._periods_ms else np.empty(0)
        if not len(periods_ms):
            return None
        stages_us = {stage: np.concatenate(values) for stage, values in self._stages_us.items()}
        median, p95, longest = np.quantile(periods_ms, [0.5, 0.95, 1]).tolist()
        return FieldTiming(
            median,
            p95,
            longest,
            stage_us={stage: float(np.median(values)) for stage, values in stages_us.items() if len(values)},
            realtime_factor=1e6 * self._worked_s / self._busy_us if self._busy_us else None,
            overruns=self._overruns,
            samples_lost=self._samples_lost,
            inferences=self._inferences,
        )
