"""Readings of a listening board, as arrays from its transcript."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.link.events import Boot, Detection, End, Event, Inference, Loss, Overrun
from harness.link.records import RecordParser
from harness.link.transcript import read_transcript
from harness.records.record import STAGES
from harness.stats.segment import Gap, GapFinder


@dataclass(frozen=True, eq=False)
class ListeningLog:
    """One stream from `listen%` to `$end`; 10 minutes take about 2 MB.

    Attributes:
        boot: the board's boot record; None if it was not requested.
        times_ms: the board's clock at each inference, uint32 (N,).
        scores: uint8 (N, labels).
        slices: slices made by the front end until each inference, int64 (N,); meaningless after a loss.
        intact: inferences before the first loss of records or audio.
        stage_us: microseconds by stage, uint32 (N,); {} without inferences.
        gaps: periods without records, in seconds of the sound.
        samples_lost: audio samples lost because the board was too slow.
        overruns: number of such losses.
        complete: the stream reached its end.
        wall_s: host time from the first to the last record; None without records.
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
    wall_s: float | None


def listening_events(transcript: Path, labels: int) -> Iterator[Event]:
    """Parse a transcript of a model with so many labels event by event, in bounded memory.

    Raises:
        UsageError: the file does not exist or is no transcript.
    """
    parser = RecordParser(labels)
    at_s = 0.0
    for timed in read_transcript(transcript):
        if not timed.from_host:
            at_s = timed.at_s
            yield from parser.feed(timed.line, at_s)
    yield from parser.finish(at_s)


def read_listening(transcript: Path, labels: int, sound_starts_s: float = 0.0) -> ListeningLog:
    """Read one listening session.

    Args:
        transcript: of the link while the board listened.
        labels: number of the model's labels; a record with another number of scores counts as lost.
        sound_starts_s: start of the sound, on the board's clock.

    Raises:
        UsageError: the file does not exist or is no transcript.
    """
    boot: Boot | None = None
    sequences, times_ms, new_slices = array("I"), array("I"), array("I")
    stage_us = {stage: array("I") for stage in STAGES}
    scores = bytearray()
    detections: list[Detection] = []
    finder = GapFinder()
    records_lost = samples_lost = overruns = 0
    intact: int | None = None
    first_s: float | None = None
    last_s = 0.0
    complete = False

    for event in listening_events(transcript, labels):
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
            sequences.append(event.sequence)
            times_ms.append(event.device_ms)
            new_slices.append(event.new_slices)
            scores += bytes(event.scores)
            for stage in STAGES:
                stage_us[stage].append(getattr(event, f"{stage}_us"))
    # A record that others overtook arrived behind them.
    order = np.argsort(np.array(sequences, np.uint32), kind="stable")
    return ListeningLog(
        boot=boot,
        times_ms=np.array(times_ms, np.uint32)[order],
        scores=np.frombuffer(bytes(scores), np.uint8).reshape(len(times_ms), labels)[order],
        slices=np.cumsum(np.array(new_slices, np.int64)[order]),
        intact=len(times_ms) if intact is None or not (records_lost or overruns) else intact,
        stage_us={stage: np.array(values, np.uint32)[order] for stage, values in stage_us.items() if values},
        detections=tuple(sorted(detections, key=lambda event: event.sequence)),
        gaps=finder.gaps(),
        records_lost=records_lost,
        samples_lost=samples_lost,
        overruns=overruns,
        complete=complete,
        wall_s=None if first_s is None else last_s - first_s,
    )
