"""A variant's segments read back from a run's folder, one after another: the input of the figures.

Nothing but the folder is needed: no board, no model, no recordings. So it can be read at any threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.measure.field_reading import SegmentLog, read_segment
from harness.records.field_record import FieldSegment
from harness.records.record import DetectionRow
from harness.runs.field.folder import FieldFolder
from harness.runs.field.host import HostHeard, read_host
from harness.runs.field.playing import SegmentFacts, read_facts
from harness.sound.playback_plan import PlaybackPlan, Segment
from harness.sound.recordings import label_of
from harness.stats.segment import FieldWord, Gap, PlayedSegment

NOT_PLAYED = "not played"
"""Why the words of a segment count for nothing that the board never heard."""


def segments_heard(
    folder: FieldFolder, plan: PlaybackPlan, variant: str, labels: Sequence[str]
) -> Iterator[PlayedSegment]:
    """Every segment of the plan as this variant heard it; one that was not played is one long gap.

    Args:
        folder: of the run.
        plan: what is played.
        variant: its id.
        labels: of its outputs.

    Raises:
        UsageError: a transcript is not there any more, or is none.
    """
    for segment in plan.segments:
        facts = read_facts(folder, variant, segment.number)
        if facts is None:
            yield _not_played(segment, labels)
        else:
            yield _heard(folder, variant, labels, segment, facts)


def _heard(
    folder: FieldFolder, variant: str, labels: Sequence[str], segment: Segment, facts: SegmentFacts
) -> PlayedSegment:
    transcript = folder.transcript(variant, segment.number)
    log = read_segment(transcript, facts.sound_starts_s)
    host = read_host(folder, variant, segment.number)
    slice_scores = host.scores if host else None
    not_compared = _not_compared(log, slice_scores)
    compared = None if not_compared else slice_scores
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
            transcript=str(transcript.relative_to(folder.path)),
            clipped_samples=facts.clipped_samples,
            speech_dbfs=facts.speech_dbfs,
            snr_db=facts.snr_db,
            acoustic=facts.acoustic,
            note="; ".join(filter(None, ["" if log.complete else "the transcript breaks off", not_compared])),
        ),
        words=_words(segment, labels, host),
        times_ms=log.times_ms,
        scores=log.scores if len(log.scores) else np.zeros((0, len(labels)), np.uint8),
        detections=[
            DetectionRow(event.label, event.score, event.device_ms / 1000 - facts.sound_starts_s)
            for event in log.detections
        ],
        stage_us=log.stage_us,
        overruns=log.overruns,
        gaps=log.gaps,
        sound_starts_s=facts.sound_starts_s,
        slice_scores=slice_scores,
        reference_scores=None if compared is None else compared[log.slices - 1],
    )


def _not_compared(log: SegmentLog, slice_scores: NDArray[np.uint8] | None) -> str:
    """Why it cannot be told which of the host's scores belong to the board's inferences; "" if it can."""
    if slice_scores is None:
        return ""
    if log.intact < len(log.scores) or not log.complete:
        return "not compared with the host: records or audio were lost"
    made = int(log.slices[-1]) if len(log.slices) else 0
    if made != len(slice_scores):
        return f"not compared with the host: the board made {made} slices of {len(slice_scores)}"
    return ""


def _words(segment: Segment, labels: Sequence[str], host: HostHeard | None) -> list[FieldWord]:
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
