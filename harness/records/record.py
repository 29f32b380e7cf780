"""The night record: one immutable JSON for a board and a run, the source of truth of every report.

Units stand in the names. A figure that was not measured is None, never zero.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.files import write_atomic
from harness.records.checksum import dump_with_checksum
from harness.records.verdict import RunVerdict

SCHEMA = 1
"""Raised when a field changes its meaning."""

PROCEDURE_VERSION = 1
"""Raised when the way of measuring changes: figures of different procedures are not comparable."""


@dataclass(frozen=True)
class LabelCount:
    """How often a label was recognized: `correct` of `total` samples."""

    label: str
    correct: int
    total: int


@dataclass(frozen=True)
class Epoch:
    """One epoch of training; losses are mean cross entropy, accuracies 0 to 1."""

    epoch: int
    training_loss: float
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class ModelRow:
    """What was put on the board, or was prepared though no board can run it."""

    tflite_sha256: str | None
    """Of the .tflite, like the two figures of bytes: None where there is none."""
    tflite_bytes: int | None
    precision: str
    """"float32" or "int8": the type of the model's input and output."""
    parameters: int | None
    """Weights and biases; None for a model from elsewhere, like everything that a .tflite does not tell."""
    macs: int | None
    """Multiply-accumulates of one inference."""
    operators: dict[str, int]
    """Operators of the .tflite by name, with how often each occurs."""
    epochs: list[Epoch] = field(default_factory=list)
    accuracy: dict[str, list[LabelCount]] = field(default_factory=dict)
    """By "training", "validation", "testing", in the order of the labels. Of the .tflite itself; in torch
    where no board can run it."""
    deployable: bool = True
    """Whether a board can run it."""
    network: str | None = None
    seed: int | None = None
    pruning: dict[str, Any] | None = None
    """How it was pruned, the fields of `models.variants.Pruning`; None if it was not."""
    quantization: dict[str, Any] | None = None
    """How it was quantized, the fields of `models.variants.Quantization`; None if it was not
    TensorFlow Lite after training."""
    remaining_parameters: int | None = None
    """Those that are not zero."""
    compressed_bytes: int | None = None
    """The .tflite by zlib at level 9."""
    sizing: dict[str, Any] | None = None
    """What it should take, estimated from its layers: the fields of `models.sizing.Sizing`."""
    before_fine_tuning: dict[str, list[LabelCount]] | None = None
    """The accuracy in torch right after pruning or quantization."""
    mse: float | None = None
    """Mean squared error of the probabilities to those of the trained network, on the test set, in torch."""
    test_heard: list[int] = field(default_factory=list)
    """The label that was heard in each clip of the test set, by its index, in an order that is the same for
    all models of the dataset; empty where no accuracy was measured."""
    test_labels: list[int] = field(default_factory=list)
    """The right one of each, in the same order."""


@dataclass(frozen=True)
class FirmwareRow:
    """The image and what it takes of the board."""

    engine: str
    kernels: str
    optimization: str
    toolchain: str
    build_id: str
    flash_bytes: int
    ram_bytes: int
    """.data + .bss; stack apart."""
    arena_bytes: int
    """Activations, as the engine planned them; part of `ram_bytes`."""
    arena_bytes_reported: int | None = None
    """The same as the running board tells it in its `boot` record."""
    icache: str | None = None


@dataclass(frozen=True)
class HostRow:
    """One runtime on the host's CPU or GPU, on the same input bytes as the board."""

    device: str
    """"cpu" or "gpu"."""
    device_name: str
    runtime: str
    """Such as "torch", "tflite", "onnxruntime"."""
    threads: int | None
    invocations: int
    median_us: float | None
    """None when it could not be measured: `note` says why."""
    p25_us: float | None
    p75_us: float | None
    max_abs_difference: float | None
    """Largest difference of the output (probabilities, 0 to 1) to the board's on the same input."""
    note: str = ""


@dataclass(frozen=True)
class OperatorRow:
    """Share of one operator in the host's inference, by the torch profiler."""

    name: str
    calls: int
    self_us: float
    share: float


@dataclass(frozen=True)
class StimulusRow:
    """One recording as it was played, and what the board made of it."""

    label: str
    word: str
    source: str
    onset_s: float
    end_s: float
    detected: str | None
    """The label detected for it, None if none was."""
    score: int | None
    """The recognizer's averaged score, 0 to 255."""
    detected_at_s: float | None
    """On the same clock as `onset_s`: audio time."""
    correct: bool


@dataclass(frozen=True)
class DetectionRow:
    """A keyword that was announced though nobody had said it."""

    label: str
    score: int
    """Averaged, 0 to 255."""
    at_s: float
    """Audio time."""


@dataclass(frozen=True)
class Fault:
    """A failure of this variant or run, as `harness.errors` classes it."""

    failure: str
    message: str


@dataclass(frozen=True)
class VariantRow:
    """Everything measured of one variant on one board with one engine."""

    id: str
    title: str
    labels: list[str]
    model: ModelRow | None = None
    firmware: FirmwareRow | None = None
    stage_us: dict[str, list[int]] = field(default_factory=dict)
    """Raw samples in time order by stage: "preprocess", "inference", "postprocess"."""
    parity: dict[str, Any] = field(default_factory=dict)
    """Chain of trust, counts: "features_equal" of "recordings", "outputs_equal" of "clips", and the
    "max_abs_difference" of a probability."""
    host: list[HostRow] = field(default_factory=list)
    host_operators: list[OperatorRow] = field(default_factory=list)
    stimuli: list[StimulusRow] = field(default_factory=list)
    false_accepts: list[DetectionRow] = field(default_factory=list)
    audio_s: float | None = None
    """Length of the audio played."""
    listening_wall_s: float | None = None
    """The host's time for it."""
    records_lost: int = 0
    samples_lost: int = 0
    """Audio that the board did not keep up with."""
    transcripts: dict[str, str] = field(default_factory=dict)
    """Paths of raw logs by what they are ("listening", "parity"), relative to the night's folder."""
    notes: list[str] = field(default_factory=list)
    """What a reader should know of how it was measured: retries, converted recordings."""
    faults: list[Fault] = field(default_factory=list)
    route: str = "pcm"
    """How the sound came to the board: "pcm" sample by sample, "acoustic" through the air, "room" if nothing
    was played to it. Rows of different routes are never compared."""
    acoustic: dict[str, Any] = field(default_factory=dict)
    """Of the route "acoustic": "chirp" as the board heard it (`sound.chirp.ReceivedChirp`), "speaker"
    (device, level_dbfs, gain_db, distance_m, room, noise), the words' level and SNR that follow from both
    ("words_at_board_dbfs", "words_snr_db"), "sound_starts_s" on the board's clock, "detection_window_s"."""


@dataclass(frozen=True)
class BlockRow:
    """Upload, reset, handshake, check of the image's hash, warm-ups left out, then this.

    Blocks stand in the order in which they were measured. One that broke is there too, with its `fault` and
    what had arrived: a block is never measured in place of another.
    """

    subject: str
    """The id of the variant, or "canary"."""
    engine: str
    phase: str
    """"canary-first", "round", "canary-last" or "confirmation"."""
    round: int = 0
    """From 1; 0 for the canary."""
    started: str = ""
    """ISO 8601, UTC, to the millisecond."""
    monotonic_s: float = 0.0
    """The host's monotonic clock when it began, since the night began."""
    image_sha256: str = ""
    """Of the image that ran."""
    planned: int = 0
    """Samples of each series that were asked for."""
    samples_us: dict[str, list[int]] = field(default_factory=dict)
    """Raw, in time order, by "<metric>/<input mode>": "inference_us/clip" in command mode; while listening
    "preprocess_us/pcm", "inference_us/pcm", "postprocess_us/pcm"; on a real board "room" for "pcm"."""
    lost: dict[str, int] = field(default_factory=dict)
    """Dropped lines and wrong checksums, by the same keys."""
    checks: dict[str, str] = field(default_factory=dict)
    """Exact figures by name: "features_crc", "input_crc", "output" (probabilities on the golden clip)."""
    observations: dict[str, str] = field(default_factory=dict)
    """What was seen of the bench and is no part of a series' identity: port, temperature, supply, icache."""
    fault: str = ""
    """Why it broke off, as `harness.errors` says it; "" if it did not."""


@dataclass(frozen=True)
class BoardRow:
    """Who measured. `uid` is the identity of a series; `clock` says what its time is."""

    name: str
    uid: str
    title: str
    clock_hz: int
    clock: str
    """"modeled cycles", "instructions" or "measured"."""
    flash_bytes: int
    ram_bytes: int
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRecord:
    """One run on one board."""

    run: dict[str, str]
    """As text: "id" (uuid4), "started", "ended" (ISO 8601, UTC), "trigger", "command".

    Also "kind" ("run", "nightly" or "a-a": nights of the last two are the history), "board" (its name on the
    bench, which its baseline has; the kind's name if there is none), "engine" (of variants that were not
    built), "confirm_of" (the id of the night that this one confirms), and "length_s" (the host's monotonic
    length; "" if it is not known, as of a run that was taken up again)."""
    code: dict[str, Any]
    """commit, dirty, harness_version, procedure_version."""
    environment: dict[str, str]
    board: BoardRow
    variants: list[VariantRow]
    schema: int = SCHEMA
    blocks: list[BlockRow] = field(default_factory=list)
    """Of a nightly, in time order."""
    verdict: RunVerdict | None = None
    """None of a run that was not judged."""
    fault: Fault | None = None
    """Of the whole night, such as a board that is not there."""
    checksum: str = field(default="", compare=False)
    """SHA-256 of the file's content, 64 hex digits; "" before the record is written."""


def write_record(record: RunRecord, path: Path) -> None:
    """Write the record with its checksum, atomically."""
    write_atomic(dump_with_checksum({"schema": record.schema, **asdict(record)}), path)
