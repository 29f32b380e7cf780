"""What a board reported while it listened, read back from its transcript: times by stage, detections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.link.events import Boot, Detection, End, Inference, Loss, Overrun
from harness.link.records import RecordParser
from harness.link.transcript import read_transcript

STAGES = ("preprocess", "inference", "postprocess")
"""What is timed on the board, in the order it happens."""


@dataclass(frozen=True)
class Listening:
    """One stream from `listen%` to `$end`.

    Attributes:
        boot: what the board said of itself; None if it was not asked.
        inferences: one for each invocation of the model, in order.
        detections: what the command recogniser announced.
        samples_lost: audio samples that the board did not keep up with.
        records_lost: records that did not arrive, or not intact.
        complete: whether the stream came to its end.
        wall_s: the host's time from the first to the last record.
    """

    boot: Boot | None
    inferences: tuple[Inference, ...]
    detections: tuple[Detection, ...]
    samples_lost: int
    records_lost: int
    complete: bool
    wall_s: float

    def stage_us(self) -> dict[str, list[int]]:
        """Microseconds by stage, one value an invocation; a stage that the board did not time is left out."""
        times = {
            stage: [us for record in self.inferences if (us := getattr(record, f"{stage}_us")) is not None]
            for stage in STAGES
        }
        return {stage: values for stage, values in times.items() if values}


def read_listening(transcript: Path) -> Listening:
    """Reads one listening session from its transcript.

    Raises:
        UsageError: the file is not there or is no transcript.
    """
    parser = RecordParser()
    boot: Boot | None = None
    inferences: list[Inference] = []
    detections: list[Detection] = []
    samples_lost = records_lost = 0
    complete = False
    at_s = 0.0

    for timed in read_transcript(transcript):
        if timed.from_host:
            continue
        at_s = timed.at_s
        for event in parser.feed(timed.line, timed.at_s):
            if isinstance(event, Boot):
                boot = event
            elif isinstance(event, Inference):
                inferences.append(event)
            elif isinstance(event, Detection):
                detections.append(event)
            elif isinstance(event, Overrun):
                samples_lost += event.samples_lost
            elif isinstance(event, Loss):
                records_lost += event.lost
            elif isinstance(event, End):
                complete = True
    records_lost += sum(event.lost for event in parser.finish(at_s) if isinstance(event, Loss))
    wall_s = inferences[-1].at_s - inferences[0].at_s if inferences else 0.0
    return Listening(boot, tuple(inferences), tuple(detections), samples_lost, records_lost, complete, wall_s)
