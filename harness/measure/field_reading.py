"""What a board reported of one segment, as arrays: for matching, replays and the host's reference."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.link.events import Boot, Detection, End, Inference, Loss, Overrun
from harness.measure.mcu import STAGES, listening_events
from harness.stats.gaps import GapFinder
from harness.stats.segment import Gap


@dataclass(frozen=True, eq=False)
class SegmentLog:
    """One stream from `listen%` to `$end`; 10 minutes take about 2 MB.

    Attributes:
        boot: what the board said of itself; None if it was not asked.
        times_ms: the board's time at each inference, uint32 (N,).
        scores: uint8 (N, labels).
        slices: how many slices the front end had made by each inference, int64 (N,); meaningless from the
            first loss on.
        intact: inferences before the first loss of records or audio.
        stage_us: microseconds by stage, of the inferences where the board timed it.
        detections: what the command recognizer announced.
        gaps: where records did not arrive, in seconds of the sound.
        records_lost: how many did not.
        samples_lost: audio that the board did not keep up with.
        overruns: how often it did not.
        complete: whether the stream came to its end.
        wall_s: the host's time from the first to the last record.
    """

    boot: Boot | None
    times_ms: NDArray[np.uint32]
    scores: NDArray[np.uint8]
    slices: NDArray[np.int64]
    intact: int
    stage_us: dict[str, NDArray[np.uint32]]
    detections: tuple[Detection, ...]
    gaps: tuple[Gap, ...]
    records_lost: int
    samples_lost: int
    overruns: int
    complete: bool
    wall_s: float


def read_segment(transcript: Path, sound_starts_s: float = 0.0) -> SegmentLog:
    """Reads what a board reported of a segment.

    Args:
        transcript: of the link while it listened.
        sound_starts_s: when the sound began, on the board's clock.

    Raises:
        UsageError: the file is not there or is no transcript.
    """
    boot: Boot | None = None
    times_ms, new_slices = array("I"), array("I")
    stage_us = {stage: array("I") for stage in STAGES}
    scores = bytearray()
    detections: list[Detection] = []
    finder = GapFinder()
    labels = records_lost = samples_lost = overruns = 0
    intact: int | None = None
    first_s: float | None = None
    last_s = 0.0
    complete = False

    for event in listening_events(transcript):
        if isinstance(event, Loss):
            records_lost += event.lost
            finder.lost(event.lost, event.reason)
        elif isinstance(event, Boot):
            boot = event
        elif isinstance(event, End):
            complete = True
        elif isinstance(event, Inference | Detection | Overrun):
            first_s, last_s = event.at_s if first_s is None else first_s, event.at_s
            finder.arrived(event.device_ms / 1000 - sound_starts_s)
        if isinstance(event, Overrun):
            overruns += 1
            samples_lost += event.samples_lost
        elif isinstance(event, Detection):
            detections.append(event)
        if intact is None and (records_lost or overruns):
            intact = len(times_ms)
        if isinstance(event, Inference):
            times_ms.append(event.device_ms)
            new_slices.append(event.new_slices)
            labels = labels or len(event.scores)
            scores += bytes(event.scores[:labels]).ljust(labels, b"\0")  # each has as many as the first
            for stage in STAGES:
                if (us := getattr(event, f"{stage}_us")) is not None:
                    stage_us[stage].append(us)
    return SegmentLog(
        boot=boot,
        times_ms=np.array(times_ms, np.uint32),
        scores=np.frombuffer(bytes(scores), np.uint8).reshape(len(times_ms), labels),
        slices=np.cumsum(np.array(new_slices, np.int64)),
        intact=len(times_ms) if intact is None else intact,
        stage_us={stage: np.array(values, np.uint32) for stage, values in stage_us.items() if values},
        detections=tuple(detections),
        gaps=finder.gaps(),
        records_lost=records_lost,
        samples_lost=samples_lost,
        overruns=overruns,
        complete=complete,
        wall_s=0.0 if first_s is None else last_s - first_s,
    )
