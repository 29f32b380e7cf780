"""The field figures of a variant, computed from its played segments at any threshold and window.

Segments are taken one at a time, so that memory does not grow with their audio and scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from harness.records.field_record import (
    CAUSES,
    FieldFalseAccept,
    FieldSegment,
    FieldStimulus,
    FieldVariant,
    Replay,
)
from harness.records.record import DetectionRow, StimulusRow
from harness.stats.det import DetCounter
from harness.stats.gaps import FreeTime, extend_gaps, loss_reason
from harness.stats.matching import TOLERANCE_S, is_keyword, match
from harness.stats.recognizer import THRESHOLD, Averages, average, detect, replay
from harness.stats.segment import SLICE_MS, Answer, Answers, FieldWord, Gap, PlayedSegment
from harness.stats.timing import TimingCounter

LATENCY, RECOGNIZER, FRONT_END, SOUND, MODEL = CAUSES


def field_figures(
    variant: FieldVariant,
    segments: Iterable[PlayedSegment],
    *,
    threshold: int = THRESHOLD,
    window_s: float = TOLERANCE_S,
) -> FieldVariant:
    """Compute the figures of a variant on one route.

    At the board's own threshold the detections are the board's; at any other they are recomputed from the
    logged scores, and a word also needs complete averages to count. DET points are always recomputed.

    Args:
        variant: identity, labels, model, firmware, route, clips, notes and faults.
        segments: in the order of the plan.
        threshold: of the recognizer, 0 to 255.
        window_s: a detection counts for a word until this long after its end.

    Returns:
        `variant` with segments, stimuli, false accepts, timing, DET points, replay and reference, and with
        further notes.
    """
    figures = _Figures(variant.labels, threshold, window_s)
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

    Args:
        label: the keyword's label.
        peak: highest single score of the label on the board; None without scores.
        answers: the host model's answers; None without a host.
        replayed: result of the replay; None without a replay.
        threshold: of the recognizer, 0 to 255.

    Returns:
        One of `CAUSES`; "" if there are no answers and the board's scores explain nothing.
    """

    def recognizes(answer: Answer) -> bool:
        return answer.label == label and answer.score > threshold

    if replayed:
        return LATENCY
    if peak is not None and peak > threshold:
        return RECOGNIZER
    if answers is None:
        return ""
    if recognizes(answers.clip):
        return FRONT_END
    return SOUND if recognizes(answers.clean) else MODEL


class _Figures:
    def __init__(self, labels: Sequence[str], threshold: int, window_s: float) -> None:
        self._labels = labels
        self._threshold = threshold
        self._window_s = window_s
        self._segments: list[FieldSegment] = []
        self._stimuli: list[FieldStimulus] = []
        self._false_accepts: list[FieldFalseAccept] = []
        self._timing = TimingCounter()
        self._det = DetCounter(window_s)
        self._replayed: dict[int, bool] = {}  # by the index of the stimulus
        self._reference = {"inferences": 0, "equal": 0, "max_difference": 0}
        self._differing: list[int] = []

    def add(self, segment: PlayedSegment) -> None:
        averages = average(segment.times_ms, segment.scores)
        extended = extend_gaps(segment.gaps)
        recomputed = self._detections(averages, self._threshold, segment.sound_starts_s)
        detections, gaps = recomputed, extended
        if self._threshold == THRESHOLD:
            detections, gaps = [one for one in segment.detections if one.at_s >= 0], tuple(segment.gaps)
            if not gaps and not _same(detections, recomputed):
                self._differing.append(segment.row.number)

        free = FreeTime(segment.words, gaps, self._window_s, segment.row.audio_s)
        matching = match(segment.words, detections, self._window_s)
        for word, row, peak, right in zip(
            segment.words, matching.rows, self._peaks(segment), self._replay(segment), strict=True
        ):
            self._add_stimulus(segment.row, word, row, peak, right, gaps)
        self._false_accepts += [
            FieldFalseAccept(
                segment.row.number,
                segment.row.condition,
                one.label,
                one.score,
                one.at_s,
                within_word=free.in_window(one.at_s),
            )
            for one in matching.false_accepts
            if not free.in_gap(one.at_s)
        ]
        self._segments.append(replace(segment.row, keyword_free_s=free.seconds))
        self._timing.add(segment)
        self._compare(segment)
        self._det.add(
            segment.words,
            extended,
            segment.row.audio_s,
            lambda threshold: self._detections(averages, threshold, segment.sound_starts_s),
        )

    def row(self, variant: FieldVariant) -> FieldVariant:
        return replace(
            variant,
            segments=self._segments,
            stimuli=self._stimuli,
            false_accepts=self._false_accepts,
            timing=self._timing.timing(),
            det=self._det.points(),
            replay=self._replay_row(),
            reference=self._reference if self._reference["inferences"] else {},
            notes=[*variant.notes, *self._notes()],
        )

    def _add_stimulus(
        self,
        segment: FieldSegment,
        word: FieldWord,
        row: StimulusRow,
        peak: int | None,
        replayed: bool | None,
        gaps: Sequence[Gap],
    ) -> None:
        excluded = loss_reason(word, gaps, self._window_s)
        missed = is_keyword(word.label) and not row.correct and not excluded
        if replayed is not None:
            self._replayed[len(self._stimuli)] = replayed
        self._stimuli.append(
            FieldStimulus(
                **vars(row),
                segment=segment.number,
                condition=segment.condition,
                speaker=word.speaker,
                delay_s=None if row.detected_at_s is None else row.detected_at_s - row.end_s,
                peak=peak,
                excluded=excluded,
                cause=cause_of(word.label, peak, word.answers, replayed, self._threshold) if missed else "",
            )
        )

    def _detections(self, averages: Averages, threshold: int, starts_s: float) -> list[DetectionRow]:
        """Return the detections at a threshold, those before the sound left out."""
        found = detect(averages, threshold)
        times_s = found.times_ms / 1000 - starts_s
        rows = zip(found.labels.tolist(), found.scores.tolist(), times_s.tolist(), strict=True)
        return [DetectionRow(self._labels[label], score, at_s) for label, score, at_s in rows if at_s >= 0]

    def _peaks(self, segment: PlayedSegment) -> list[int | None]:
        """Return the highest single score of each word's label within its window."""
        times_s = np.asarray(segment.times_ms, dtype=np.int64) / 1000 - segment.sound_starts_s
        peaks: list[int | None] = []
        for word in segment.words:
            begin = np.searchsorted(times_s, word.onset_s)
            end = np.searchsorted(times_s, word.end_s + self._window_s, side="right")
            known = word.label in self._labels and begin < end
            label = self._labels.index(word.label) if known else 0
            peaks.append(int(segment.scores[begin:end, label].max()) if known else None)
        return peaks

    def _replay(self, segment: PlayedSegment) -> list[bool | None]:
        """Return for each word whether it is right with the host's score of every slice."""
        if segment.slice_scores is None:
            return [None] * len(segment.words)
        detections = self._detections(replay(segment.slice_scores), self._threshold, 0.0)
        return [row.correct for row in match(segment.words, detections, self._window_s).rows]

    def _replay_row(self) -> Replay | None:
        counted = [place for place in self._replayed if self._stimuli[place].counts]
        if not counted:
            return None
        changed = [
            place
            for place in counted
            if is_keyword(self._stimuli[place].label)
            and self._replayed[place] != self._stimuli[place].correct
        ]
        won = [place for place in changed if self._replayed[place]]
        lost = [place for place in changed if not self._replayed[place]]
        correct = sum(self._replayed[place] for place in counted)
        return Replay(float(SLICE_MS), correct, len(counted), won, lost)

    def _compare(self, segment: PlayedSegment) -> None:
        if segment.reference_scores is None or not len(segment.scores):
            return
        differences = np.abs(segment.scores.astype(int) - segment.reference_scores.astype(int)).max(axis=1)
        self._reference["inferences"] += len(differences)
        self._reference["equal"] += int((differences == 0).sum())
        self._reference["max_difference"] = max(self._reference["max_difference"], int(differences.max()))

    def _notes(self) -> list[str]:
        if not self._differing:
            return []
        return [
            "The board's detections differ from those that the recognizer makes of the logged scores, in "
            f"segments {', '.join(map(str, self._differing))}"
        ]


def _same(first: Sequence[DetectionRow], second: Sequence[DetectionRow]) -> bool:
    return len(first) == len(second) and all(
        (one.label, one.score) == (other.label, other.score) and abs(one.at_s - other.at_s) < 1e-6
        for one, other in zip(first, second, strict=True)
    )
