"""What a board reported while it listened, read back from its transcript: times by stage, detections."""

from __future__ import annotations

import operator
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from harness.link.events import Boot, Detection, End, Event, Inference, Loss, Overrun
from harness.link.records import RecordParser
from harness.link.transcript import read_transcript

STAGES = ("preprocess", "inference", "postprocess")
"""What is timed on the board, in the order it happens."""


class Inferences(Sequence[Inference]):
    """Inferences in order, at 41 bytes each with four labels: a night of 12 hours has two million.

    Args:
        inferences: to begin with.
    """

    def __init__(self, inferences: Iterable[Inference] = ()) -> None:
        self._at_s = array("d")
        self._counts = array("I")  # three a record: sequence, device ms, new slices
        self._stage_us = {stage: array("I") for stage in STAGES}
        self._scores = array("B")
        self._scores_end = array("Q")
        for inference in inferences:
            self.append(inference)

    def append(self, inference: Inference) -> None:
        """Adds one behind the last."""
        self._at_s.append(inference.at_s)
        self._counts.fromlist([inference.sequence, inference.device_ms, inference.new_slices])
        self._stage_us["preprocess"].append(inference.preprocess_us)
        self._stage_us["inference"].append(inference.inference_us)
        self._stage_us["postprocess"].append(inference.postprocess_us)
        self._scores.frombytes(bytes(inference.scores))
        self._scores_end.append(len(self._scores))

    def __len__(self) -> int:
        return len(self._at_s)

    @overload
    def __getitem__(self, index: int) -> Inference: ...

    @overload
    def __getitem__(self, index: slice) -> Inferences: ...

    def __getitem__(self, index: int | slice) -> Inference | Inferences:
        if isinstance(index, slice):
            return Inferences(self[place] for place in range(*index.indices(len(self))))
        place = range(len(self))[index]
        preprocess_us, inference_us, postprocess_us = (stored[place] for stored in self._stage_us.values())
        sequence, device_ms, new_slices = self._counts[3 * place : 3 * place + 3]
        begin = self._scores_end[place - 1] if place else 0
        return Inference(
            self._at_s[place],
            sequence,
            device_ms,
            new_slices,
            preprocess_us,
            inference_us,
            postprocess_us,
            tuple(self._scores[begin : self._scores_end[place]]),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(operator.eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def stage_us(self, stage: str) -> list[int]:
        """Return the microseconds of a stage, one value per record."""
        return self._stage_us[stage].tolist()


@dataclass(frozen=True)
class Listening:
    """One stream from `listen%` to `$end`.

    Attributes:
        boot: what the board said of itself; None if it was not asked.
        inferences: one for each invocation of the model, in order.
        detections: what the command recognizer announced.
        samples_lost: audio samples that the board did not keep up with.
        records_lost: records that did not arrive, or not intact.
        complete: whether the stream came to its end.
        wall_s: the host's time from the first to the last record.
    """

    boot: Boot | None
    inferences: Sequence[Inference]
    detections: tuple[Detection, ...]
    samples_lost: int
    records_lost: int
    complete: bool
    wall_s: float

    def stage_us(self) -> dict[str, list[int]]:
        """Microseconds by stage, one value an invocation; a stage that the board did not time is left out."""
        inferences = self.inferences
        if not isinstance(inferences, Inferences):
            inferences = Inferences(inferences)
        times = {stage: inferences.stage_us(stage) for stage in STAGES}
        return {stage: values for stage, values in times.items() if values}


def listening_events(transcript: Path) -> Iterator[Event]:
    """The events of a listening session one after another, from its transcript: memory does not grow.

    Raises:
        UsageError: the file is not there or is no transcript.
    """
    parser = RecordParser()
    at_s = 0.0
    for timed in read_transcript(transcript):
        if not timed.from_host:
            at_s = timed.at_s
            yield from parser.feed(timed.line, at_s)
    yield from parser.finish(at_s)


def read_listening(transcript: Path) -> Listening:
    """Reads one listening session from its transcript.

    Raises:
        UsageError: the file is not there or is no transcript.
    """
    boot: Boot | None = None
    inferences = Inferences()
    detections: list[Detection] = []
    samples_lost = records_lost = 0
    complete = False

    for event in listening_events(transcript):
        if isinstance(event, Inference):
            inferences.append(event)
        elif isinstance(event, Boot):
            boot = event
        elif isinstance(event, Detection):
            detections.append(event)
        elif isinstance(event, Overrun):
            samples_lost += event.samples_lost
        elif isinstance(event, Loss):
            records_lost += event.lost
        elif isinstance(event, End):
            complete = True
    wall_s = inferences[-1].at_s - inferences[0].at_s if inferences else 0.0
    return Listening(boot, inferences, tuple(detections), samples_lost, records_lost, complete, wall_s)
