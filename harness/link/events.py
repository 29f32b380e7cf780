"""What a line from a board can mean: one frozen dataclass an event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Boot:
    """Which image runs. `model_sha256` and `build_id` are 8 hex digits; `icache` is "on", "off" or "none"."""

    at_s: float
    protocol: int
    board: str
    variant_id: str
    model_sha256: str
    build_id: str
    engine: str
    kernels: str
    clock_hz: int
    icache: str
    arena_bytes: int


@dataclass(frozen=True, slots=True)
class Inference:
    """One invocation of the model.

    Attributes:
        at_s: when the line arrived, on the clock of whoever feeds the parser.
        sequence: number of the record within its stream.
        device_ms: the board's time since it began to listen.
        new_slices: feature slices that were new in this invocation.
        preprocess_us: the front end's time for these slices; None if the board does not report it.
        inference_us: the engine's time; None likewise.
        postprocess_us: the command recognizer's time; None likewise.
        scores: one a label, 0 to 255.
    """

    at_s: float
    sequence: int
    device_ms: int
    new_slices: int
    preprocess_us: int | None
    inference_us: int | None
    postprocess_us: int | None
    scores: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Detection:
    """The recognizer announced a label with its averaged score (0 to 255).

    `sequence` is None for the stock sketch, which does not number its lines.
    """

    at_s: float
    sequence: int | None
    device_ms: int
    label: str
    score: int


@dataclass(frozen=True, slots=True)
class Overrun:
    """The board did not keep up with its microphone."""

    at_s: float
    sequence: int
    device_ms: int
    samples_lost: int


@dataclass(frozen=True, slots=True)
class Pcm:
    """What the microphone heard, as it came: the start of a listening that was asked to echo it.

    Attributes:
        at_s: when the line arrived, on the clock of whoever feeds the parser.
        sequence: number of the record within its stream.
        device_ms: the board's time since it began to listen, when it had all of these samples.
        first_sample: how many samples were echoed before; without those that the board lost (`Overrun`).
        samples: 16-bit little-endian, 1 to 64 of them.
    """

    at_s: float
    sequence: int
    device_ms: int
    first_sample: int
    samples: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The stream is over: its records of each type without `Pcm`, and samples heard without echoed ones."""

    at_s: float
    sequence: int
    inferences: int
    detections: int
    overruns: int
    samples: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of a stream did not arrive.

    Attributes:
        at_s: when it was noticed.
        lost: records that are lost by this event. 0 for a garbled line: its record is missing in the
            sequence, and is counted as soon as that shows. -1 for one that came late: it was in a gap.
        reason: "gap" in the sequence; "late": out of order; "checksum" of a garbled line; "malformed" in
            spite of a right checksum; "no end": the stream broke off, and `lost` is a lower bound; "totals":
            `end` tells of more than what came and what the gaps show.
        text: the garbled line.
    """

    at_s: float
    lost: int
    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class LoopTime:
    """Times of the stock sketch's whole loop in ms since it started; it does not tell the stages apart."""

    at_s: float
    minimum_ms: int | None
    mean_ms: int | None
    maximum_ms: int | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A line of the MLPerf Tiny device API, such as `m-ready` or `e-[Unknown command: x]`."""

    at_s: float
    text: str


Event = Inference | Detection | Overrun | Pcm | End | Boot | Loss | LoopTime | Reply
