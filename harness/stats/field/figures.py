"""A variant's row of the field record, out of what its segments gave: at any threshold and window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from harness.records.field_record import FieldFalseAccept, FieldSegment, FieldStimulus, FieldVariant, Replay
from harness.records.record import DetectionRow, StimulusRow
from harness.stats.field.causes import cause_of
from harness.stats.field.det import DetCounter
from harness.stats.field.free_time import FreeTime
from harness.stats.field.front_ends import FrontEndCounter
from harness.stats.field.inputs import SLICE_MS, FieldWord, Gap, SegmentHeard
from harness.stats.field.loss import lengthened, reason_of
from harness.stats.field.recognizer import SUPPRESSION_MS, THRESHOLD, Averages, announce, average
from harness.stats.field.replay import replay
from harness.stats.field.timing import TimingCounter
from harness.stats.matching import TOLERANCE_S, is_keyword, match


def field_figures(
    variant: FieldVariant,
    segments: Iterable[SegmentHeard],
    *,
    threshold: int = THRESHOLD,
    window_s: float = TOLERANCE_S,
) -> FieldVariant:
    """The figures of one variant on one route.

    At the board's own threshold the words are those that the board announced; at any other they are
    recomputed from the logged scores, and then a word also needs whole averages to be judged. The DET points
    are always recomputed.

    Args:
        variant: what is known beside the segments: identity, model, firmware, route, clips, notes, faults.
        segments: in the order of the plan; each is looked at once and then let go.
        threshold: of the recognizer, 0 to 255.
        window_s: a detection counts for a word until so long after its end.

    Returns:
        `variant` with segments, stimuli, false accepts, timing, DET points, front ends, replay and reference;
        notes that follow from them are added to its own.
    """
    figures = _Figures(variant.labels, threshold, window_s)
    for segment in segments:
        figures.add(segment)
    return figures.row(variant)


class _Figures:
    """What is known of the segments so far."""

    def __init__(self, labels: Sequence[str], threshold: int, window_s: float) -> None:
        self._labels = labels
        self._threshold = threshold
        self._window_s = window_s
        self._segments: list[FieldSegment] = []
        self._stimuli: list[FieldStimulus] = []
        self._false_accepts: list[FieldFalseAccept] = []
        self._timing = TimingCounter()
        self._det = DetCounter(window_s)
        self._front_ends = FrontEndCounter()
        self._replayed: dict[int, bool] = {}  # by the place of the stimulus, those that count
        self._reference = {"inferences": 0, "equal": 0, "max_difference": 0}
        self._differs: list[int] = []
        self._crowded = 0

    def add(self, segment: SegmentHeard) -> None:
        """Adds what a segment gave."""
        averages = average(segment.times_ms, segment.scores)
        whole_averages = lengthened(segment.gaps)
        own = self._threshold == THRESHOLD
        gaps = segment.gaps if own else whole_averages
        recomputed = self._heard(averages, self._threshold, segment.sound_starts_s)
        heard = [one for one in segment.detections if one.at_s >= 0] if own else recomputed
        if own and not segment.gaps and not _same(heard, recomputed):
            self._differs.append(segment.row.number)

        free = FreeTime(segment.words, gaps, self._window_s, segment.row.audio_s)
        matching = match(segment.words, heard, self._window_s)
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
        self._crowded += _crowded(segment.words)
        self._timing.add(segment)
        if segment.slice_scores is not None:
            self._front_ends.add(segment.words)
        self._compare(segment)
        self._det.add(
            segment.row.condition,
            segment.words,
            whole_averages,
            segment.row.audio_s,
            lambda threshold: self._heard(averages, threshold, segment.sound_starts_s),
        )

    def row(self, variant: FieldVariant) -> FieldVariant:
        """The figures of all segments."""
        return replace(
            variant,
            segments=self._segments,
            stimuli=self._stimuli,
            false_accepts=self._false_accepts,
            timing=self._timing.timing(),
            det=self._det.points(),
            front_ends=self._front_ends.front_ends(),
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
        excluded = reason_of(word, gaps, self._window_s)
        missed = is_keyword(word.label) and not row.correct and not excluded
        cause = cause_of(word.label, peak, word.answers, replayed, self._threshold) if missed else ""
        if replayed is not None:
            self._replayed[len(self._stimuli)] = replayed
        self._stimuli.append(
            FieldStimulus(
                segment=segment.number,
                condition=segment.condition,
                label=row.label,
                word=row.word,
                source=row.source,
                speaker=word.speaker,
                onset_s=row.onset_s,
                end_s=row.end_s,
                detected=row.detected,
                score=row.score,
                detected_at_s=row.detected_at_s,
                correct=row.correct,
                delay_s=None if row.detected_at_s is None else row.detected_at_s - row.end_s,
                peak=peak,
                excluded=excluded,
                cause=cause,
            )
        )

    def _heard(self, averages: Averages, threshold: int, starts_s: float) -> list[DetectionRow]:
        """What is announced at a threshold, since the sound began."""
        found = announce(averages, threshold)
        times_s = found.times_ms / 1000 - starts_s
        return [
            DetectionRow(self._labels[label], score, at_s)
            for label, score, at_s in zip(
                found.labels.tolist(), found.scores.tolist(), times_s.tolist(), strict=True
            )
            if at_s >= 0
        ]

    def _peaks(self, segment: SegmentHeard) -> list[int | None]:
        """The highest single score of each word's label in its window."""
        times_s = np.asarray(segment.times_ms, dtype=np.int64) / 1000 - segment.sound_starts_s
        peaks: list[int | None] = []
        for word in segment.words:
            begin = np.searchsorted(times_s, word.onset_s)
            end = np.searchsorted(times_s, word.end_s + self._window_s, side="right")
            known = word.label in self._labels and begin < end
            label = self._labels.index(word.label) if known else 0
            peaks.append(int(segment.scores[begin:end, label].max()) if known else None)
        return peaks

    def _replay(self, segment: SegmentHeard) -> list[bool | None]:
        """Whether each word is right when the recognizer has the host's score of every slice."""
        if segment.slice_scores is None:
            return [None] * len(segment.words)
        heard = self._heard(replay(segment.slice_scores), self._threshold, 0.0)
        return [row.correct for row in match(segment.words, heard, self._window_s).rows]

    def _replay_row(self) -> Replay | None:
        """What every slice would have changed; None if nothing was replayed."""
        counted = [place for place, one in enumerate(self._stimuli) if one.counts and place in self._replayed]
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
        return Replay(SLICE_MS, correct, len(counted), won, lost)

    def _compare(self, segment: SegmentHeard) -> None:
        """The board's scores with those of the host's reference."""
        if segment.reference_scores is None or not len(segment.scores):
            return
        differences = np.abs(segment.scores.astype(int) - segment.reference_scores.astype(int)).max(axis=1)
        self._reference["inferences"] += len(differences)
        self._reference["equal"] += int((differences == 0).sum())
        self._reference["max_difference"] = max(self._reference["max_difference"], int(differences.max()))

    def _notes(self) -> list[str]:
        notes = []
        if self._differs:
            notes.append(
                "The board announced something else than its recognizer makes of its logged scores, in "
                f"segments {', '.join(map(str, self._differs))}"
            )
        if self._crowded:
            words = "1 word follows" if self._crowded == 1 else f"{self._crowded} words follow"
            notes.append(
                f"{words} one of the same label so soon that its announcement may be suppressed "
                f"({SUPPRESSION_MS / 1000:g} s)"
            )
        return notes


def _same(first: Sequence[DetectionRow], second: Sequence[DetectionRow]) -> bool:
    return len(first) == len(second) and all(
        (one.label, one.score) == (other.label, other.score) and abs(one.at_s - other.at_s) < 1e-6
        for one, other in zip(first, second, strict=True)
    )


def _crowded(words: Sequence[FieldWord]) -> int:
    """Words whose window may end before the suppression of the last word of their label does."""
    ends: dict[str, float] = {}
    count = 0
    for word in sorted(words, key=lambda word: word.onset_s):
        if is_keyword(word.label):
            count += word.end_s - ends.get(word.label, -np.inf) <= SUPPRESSION_MS / 1000
            ends[word.label] = word.end_s
    return count
