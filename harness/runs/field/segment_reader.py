"""Reader of a variant's segments from a run's folder: the input of the figures.

It needs the folder only, without board, model or recordings, so a run can be read again at any threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.measure.listening_log import ListeningLog, read_listening
from harness.records.field_record import FieldSegment
from harness.runs.field.host import HostResult, read_host
from harness.runs.field.paths import FieldPaths
from harness.runs.field.playing import SegmentFacts, read_facts
from harness.runs.rows import detection_rows
from harness.sound.playback_plan import PlaybackPlan, Segment
from harness.sound.recordings import label_of
from harness.stats.segment import FieldWord, Gap, PlayedSegment

NOT_PLAYED = "not played"
"""Reason for excluding the words of a segment that was not played."""


def read_segments(
    paths: FieldPaths, plan: PlaybackPlan, variant: str, labels: Sequence[str]
) -> Iterator[PlayedSegment]:
    """Read every segment of the plan for a variant; one that was not played is one long gap.

    Raises:
        UsageError: a transcript is missing or is none.
    """
    for segment in plan.segments:
        facts = read_facts(paths, variant, segment.number)
        if facts is None:
            yield _not_played(segment, labels)
        else:
            yield _played(paths, variant, labels, segment, facts)


def _played(
    paths: FieldPaths, variant: str, labels: Sequence[str], segment: Segment, facts: SegmentFacts
) -> PlayedSegment:
    transcript = paths.transcript(variant, segment.number)
    log = read_listening(transcript, len(labels), facts.sound_starts_s)
    host = read_host(paths, variant, segment.number)
    slice_scores = host.scores if host else None
    not_compared = _not_compared(log, slice_scores)
    # The host scores every slice; keep the scores of those after which the board invoked its model.
    reference_scores = None if slice_scores is None or not_compared else slice_scores[log.slices - 1]
    return PlayedSegment(
        row=FieldSegment(
            number=segment.number,
            condition=segment.condition,
            audio_s=segment.duration_s,
            keyword_free_s=0.0,
            samples_lost=log.samples_lost,
            records_lost=log.records_lost,
            complete=log.complete,
            wall_s=facts.wall_s,
            transcript=str(transcript.relative_to(paths.folder)),
            clipped_samples=facts.clipped_samples,
            speech_dbfs=facts.speech_dbfs,
            snr_db=facts.snr_db,
            acoustic=facts.acoustic,
            note="; ".join(filter(None, ["" if log.complete else "the transcript breaks off", not_compared])),
        ),
        words=_words(segment, labels, host),
        times_ms=log.times_ms,
        scores=log.scores if len(log.scores) else np.zeros((0, len(labels)), np.uint8),
        detections=detection_rows(log.detections, labels, facts.sound_starts_s),
        stage_us=log.stage_us,
        overruns=log.overruns,
        gaps=log.gaps,
        sound_starts_s=facts.sound_starts_s,
        slice_scores=slice_scores,
        reference_scores=reference_scores,
    )


def _not_compared(log: ListeningLog, slice_scores: NDArray[np.uint8] | None) -> str:
    """Return why the host's scores cannot be assigned to the board's inferences; "" if they can."""
    if slice_scores is None:
        return ""
    if log.intact < len(log.scores) or not log.complete:
        return "not compared with the host: records or audio were lost"
    made = int(log.slices[-1]) if len(log.slices) else 0
    if made != len(slice_scores):
        return f"not compared with the host: the board made {made} slices of {len(slice_scores)}"
    return ""


def _words(segment: Segment, labels: Sequence[str], host: HostResult | None) -> list[FieldWord]:
    answers = host.answers if host else (None,) * len(segment.words)
    return [
        FieldWord(
            label_of(word.word, labels),
            word.word,
            word.source,
            word.speaker,
            word.onset_s,
            word.end_s,
            answer,
            word.is_found,
        )
        for word, answer in zip(segment.words, answers, strict=True)
    ]


def _not_played(segment: Segment, labels: Sequence[str]) -> PlayedSegment:
    return PlayedSegment(
        row=FieldSegment(
            number=segment.number,
            condition=segment.condition,
            audio_s=0.0,
            keyword_free_s=0.0,
            samples_lost=0,
            records_lost=0,
            complete=False,
            wall_s=0.0,
            transcript="",
            clipped_samples=0,
            speech_dbfs=None,
            snr_db=None,
            note=NOT_PLAYED,
        ),
        words=_words(segment, labels, None),
        times_ms=np.zeros(0, np.uint32),
        scores=np.zeros((0, len(labels)), np.uint8),
        detections=(),
        gaps=(Gap(-np.inf, np.inf, NOT_PLAYED),),
    )
