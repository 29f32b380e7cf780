"""What a board reported of one segment, as arrays: for the matching, for replays, for the host's reference."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.link.events import Boot, Detection, End, Inference, Loss, Overrun
from harness.measure.mcu import STAGES, listening_events


@dataclass(frozen=True)
class Gap:
    """Records that did not arrive: between which of the board's milliseconds they were sent.

    `until_ms` is None where nothing came after them.
    """

    from_ms: int
    until_ms: int | None
    records: int


@dataclass(frozen=True)
class LostAudio:
    """Audio that the board did not keep up with, told at this time of its clock."""

    at_ms: int
    samples: int


@dataclass(frozen=True, eq=False)
class SegmentLog:
    """One stream from `listen%` to `$end`; a segment of 10 minutes takes about 1 MB.

    Attributes:
        boot: what the board said of itself; None if it was not asked.
        times_ms: the board's time at each inference, int64 (N,).
        scores: uint8 (N, labels).
        slices: how many slices the front end had made by each inference, int64 (N,); meaningless from the
            first loss on.
        intact: inferences before the first loss of records or audio.
        stage_us: microseconds by stage, of the inferences where the board timed it.
        detections: what the command recogniser announced.
        gaps: of records.
        audio_lost: of samples.
        complete: whether the stream came to its end.
        wall_s: the host's time from the first to the last record.
    """

    boot: Boot | None
    times_ms: NDArray[np.int64]
    scores: NDArray[np.uint8]
    slices: NDArray[np.int64]
    intact: int
    stage_us: dict[str, NDArray[np.int64]]
    detections: tuple[Detection, ...]
    gaps: tuple[Gap, ...]
    audio_lost: tuple[LostAudio, ...]
    complete: bool
    wall_s: float

    @property
    def records_lost(self) -> int:
        """How many did not arrive; one that came late is in a gap all the same."""
        return sum(gap.records for gap in self.gaps)

    @property
    def samples_lost(self) -> int:
        """Of audio."""
        return sum(lost.samples for lost in self.audio_lost)


def read_segment(transcript: Path) -> SegmentLog:
    """Reads what a board reported of a segment.

    Raises:
        UsageError: the file is not there or is no transcript.
    """
    boot: Boot | None = None
    times, new_slices, scores = array("q"), array("q"), bytearray()
    stage_us = {stage: array("q") for stage in STAGES}
    detections: list[Detection] = []
    gaps: list[Gap] = []
    audio_lost: list[LostAudio] = []
    labels = last_ms = missing = 0
    intact: int | None = None
    first_s: float | None = None
    last_s = 0.0
    complete = False

    for event in listening_events(transcript):
        if isinstance(event, Loss):
            missing += max(0, event.lost)
        elif isinstance(event, Boot):
            boot = event
        elif isinstance(event, End):
            complete = True
        elif isinstance(event, Inference | Detection | Overrun):
            first_s, last_s = event.at_s if first_s is None else first_s, event.at_s
            if missing:
                gaps.append(Gap(last_ms, max(last_ms, event.device_ms), missing))
                missing = 0
            last_ms = max(last_ms, event.device_ms)
            if isinstance(event, Overrun):
                audio_lost.append(LostAudio(event.device_ms, event.samples_lost))
            if intact is None and (gaps or audio_lost):
                intact = len(times)
        if isinstance(event, Detection):
            detections.append(event)
        elif isinstance(event, Inference):
            times.append(event.device_ms)
            new_slices.append(event.new_slices)
            labels = labels or len(event.scores)
            # What a broken image might send in place of a score is none; the length has to stay.
            scores += bytes(event.scores[:labels]).ljust(labels, b"\0")
            for stage in STAGES:
                if (us := getattr(event, f"{stage}_us")) is not None:
                    stage_us[stage].append(us)
    if missing:
        gaps.append(Gap(last_ms, None, missing))
    return SegmentLog(
        boot=boot,
        times_ms=np.array(times, np.int64),
        scores=np.frombuffer(bytes(scores), np.uint8).reshape(len(times), labels),
        slices=np.cumsum(np.array(new_slices, np.int64)),
        intact=len(times) if intact is None else intact,
        stage_us={stage: np.array(values, np.int64) for stage, values in stage_us.items() if values},
        detections=tuple(detections),
        gaps=tuple(gaps),
        audio_lost=tuple(audio_lost),
        complete=complete,
        wall_s=0.0 if first_s is None else last_s - first_s,
    )
