"""Events that lines from a board become: one frozen dataclass for each type.

Each has the time at which its line arrived, `at_s`, on the clock of the parser's caller. Records have their
number within their stream, `sequence`, and most have `device_ms`, the board's time since it began to listen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._+-]{0,62}")
"""Text that needs no escape in C++, records and [replies], and fits kMaxTextBytes of record.h."""


def wire_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels' names in records: plain labels name themselves, others are "#" and their index."""
    return tuple(label if _PLAIN_NAME.fullmatch(label) else f"#{index}" for index, label in enumerate(labels))


def label_of_name(name: str, labels: Sequence[str]) -> str:
    """Return the label that a record calls by a name; the name itself if no label has it."""
    return dict(zip(wire_names(labels), labels, strict=True)).get(name, name)


@dataclass(frozen=True, slots=True)
class Boot:
    """The running image.

    Attributes:
        protocol: version of the records.
        model_sha256: first 8 hex digits.
        build_id: 8 hex digits.
        kernels: the engine's kernel set.
        icache: "on", "off" or "none".
        arena_bytes: memory that the engine uses for activations; 0 if the model did not start.
    """

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
        new_slices: feature slices that were new in this invocation.
        preprocess_us: the front end's time for these slices.
        inference_us: the engine's time.
        postprocess_us: the command recognizer's time.
        scores: one for each label, 0 to 255.
    """

    at_s: float
    sequence: int
    device_ms: int
    new_slices: int
    preprocess_us: int
    inference_us: int
    postprocess_us: int
    scores: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Detection:
    """A label that the recognizer detected, with its averaged score (0 to 255)."""

    at_s: float
    sequence: int
    device_ms: int
    label: str
    score: int


@dataclass(frozen=True, slots=True)
class Overrun:
    """Samples that the board lost because it did not keep up with its microphone."""

    at_s: float
    sequence: int
    device_ms: int
    samples_lost: int


@dataclass(frozen=True, slots=True)
class Pcm:
    """Samples of the microphone, unprocessed, from the start of a session that was asked to echo them.

    Attributes:
        device_ms: the board's time since it began to listen, when it had all of these samples.
        first_sample: number of samples echoed before, without those that the board lost (`Overrun`).
        samples: 16-bit little-endian, 1 to 64 of them.
    """

    at_s: float
    sequence: int
    device_ms: int
    first_sample: int
    samples: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The end of a stream: its number of records by type, and of samples; `Pcm` and echoed samples apart."""

    at_s: float
    sequence: int
    inferences: int
    detections: int
    overruns: int
    samples: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Records of a stream that did not arrive.

    Attributes:
        at_s: when the loss was noticed.
        lost: number of records. 0 for a garbled line: its record is missing in the sequence and is counted
            as a gap. -1 for a record that came late: it was counted as part of a gap.
        reason: "gap" in the sequence; "late": out of order; "checksum" of a garbled line; "malformed"
            despite a right checksum; "no end": the stream broke off, and `lost` is a lower bound.
        text: the garbled line.
    """

    at_s: float
    lost: int
    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A line of the MLPerf Tiny device API, such as `m-ready` or `e-[Unknown command: x]`."""

    at_s: float
    text: str


Event = Inference | Detection | Overrun | Pcm | End | Boot | Loss | Reply
