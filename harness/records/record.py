"""The run record: one immutable JSON file for a run on a board, the source of truth of every report.

Names contain the units. A figure that was not measured is None, never zero.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, TypedDict, TypeVar

import msgspec
from msgspec import Meta

from harness.files import write_atomic
from harness.footprint import FAST, Footprint
from harness.recognizer import DEFAULT, Recognizer
from harness.records.checksum import dump_with_checksum
from harness.records.verdict import RunVerdict
from models.metrics import LabelCount
from models.variants import Pruning, Quantization

SCHEMA = 1
"""Raised when a field changes its meaning or is removed: unknown fields are refused."""

PROCEDURE_VERSION = 1
"""Raised when the measuring procedure changes: figures of different procedures are not comparable."""


Count = Annotated[int, Meta(ge=0, lt=2**53)]
"""Counts, bytes, and microseconds of a timer; larger ones are no exact float."""

Micros = Annotated[float, Meta(gt=0, lt=1e15)]
Seconds = Annotated[float, Meta(gt=-1e9, lt=1e9)]
Length = Annotated[float, Meta(ge=0, lt=1e9)]
Score = Annotated[int, Meta(ge=0, le=255)]


STAGES = ("preprocess", "inference", "postprocess")
"""Stages timed on the board, in the order in which they run."""


@dataclass(frozen=True)
class ModelRow:
    """A prepared model, whether or not a board can run it."""

    tflite_sha256: str | None  # none without a .tflite, like `tflite_bytes`
    tflite_bytes: Count | None
    precision: str  # "float32" or "int8": the type of the model's input and output
    parameters: Count | None  # weights and biases; None for an external .tflite, which does not contain them
    macs: Count | None  # multiply-accumulates of one inference
    operators: dict[str, int]  # number of operators of the .tflite by name
    accuracy: dict[str, list[LabelCount]] = field(default_factory=dict)
    """Counts by "training", "validation" and "testing", in the order of the labels. Measured with the
    .tflite, or in torch if no board can run the model."""
    deployable: bool = True
    network: str | None = None
    front_end: str = "micro"  # one of `models.data.front_ends`
    seed: int | None = None
    pruning: Pruning | None = None  # None if it was not pruned
    quantization: Quantization | None = None  # None without one
    remaining_parameters: Count | None = None  # parameters that are not zero
    compressed_bytes: Count | None = None  # size of the .tflite compressed by zlib at level 9
    sizing: dict[str, float | None] | None = None
    """Cost estimated from the layers: the fields of `models.sizing.Sizing`."""
    test_predictions: list[Count] = field(default_factory=list)
    """Index of the predicted label of each clip of the test set, in the same order for all models of the
    dataset; empty if no accuracy was measured."""
    test_labels: list[Count] = field(default_factory=list)  # index of the true label of each clip

    def __post_init__(self) -> None:
        for counts in self.accuracy.values():
            if not all(0 <= count.correct <= count.total for count in counts):
                raise ValueError("accuracy has more correct clips than clips")


@dataclass(frozen=True)
class CalibrationRow:
    """How far the modeled times of an image are from a real board's."""

    board: str  # its name on the bench
    title: str
    measured: str  # when it was measured, ISO 8601, UTC; "" if the image never was
    errors: dict[str, float] = field(default_factory=dict)
    """Modeled time relative to the measured one by stage: 0.03 if the model takes 3 % more."""
    reason: str = ""  # why there are no errors; "" with them


@dataclass(frozen=True)
class FirmwareRow:
    """An image and its memory."""

    engine: str
    kernels: str
    optimization: str
    toolchain: str
    build_id: str
    flash_bytes: Count
    ram_bytes: Count  # .data + .bss, without the stack
    arena_bytes: Count  # planned by the engine for activations; part of `ram_bytes`
    arena_bytes_reported: Count | None = None  # from the `boot` record of the running board
    icache: str | None = None
    recognizer: Recognizer = DEFAULT
    portable: str = ""  # operators that no fast kernel of the engine covers in their shape
    footprint: Footprint = FAST  # or "small": slower kernels that take less flash and RAM
    calibration: list[CalibrationRow] = field(default_factory=list)
    """One entry for each calibrated board of the bench, if the times are modeled."""


@dataclass(frozen=True)
class Condition:
    """The state of a processor; None for what the machine does not tell."""

    frequency_mhz: float | None  # of its fastest core
    temperature_c: float | None


BUSY_CORES = 0.2
"""Cores used by other processes above which a note says so: the kernel counts ticks of 10 ms, and a
measurement takes 0.2 s at least."""


@dataclass(frozen=True)
class LinuxRow:
    """ONNX Runtime in a process of its own, on a small Linux computer or on this host."""

    onnxruntime: str  # version
    python: str
    threads: Count
    samples_us: list[Micros]  # single inferences in time order, without the warm-ups
    warm_ups: Count
    difference: float | None  # largest one of an output to the reference; None without a reference
    tolerance: float  # above it nothing is timed
    model_bytes: Count
    process_peak_bytes: Count | None  # VmHWM, with Python and ONNX Runtime
    model_peak_bytes: Count | None  # the part of it above what the process had before it loaded the model
    governor: str | None
    before: Condition
    after: Condition
    throttled: list[str] | None
    """Reasons why the processor was slowed down meanwhile; None if the machine does not tell."""
    other_cores: float | None = None  # mean number of cores that other processes used, warm-up included

    @property
    def disturbance(self) -> str:
        """Return what slowed the inferences down, for a remark; "" for nothing that is known."""
        if self.throttled:
            return f"throttled: {', '.join(self.throttled)}"
        if self.other_cores is not None and self.other_cores > BUSY_CORES:
            return f"other processes used {self.other_cores:.1f} cores meanwhile"
        return ""


@dataclass(frozen=True)
class HostRow:
    """One runtime on the host's CPU or GPU or on a small Linux computer, on the same input as the board."""

    device: Annotated[str, Meta(pattern="^(cpu|gpu|linux)$")]
    device_name: str
    runtime: str  # "torch", "tflite" or "onnxruntime"
    threads: int | None
    invocations: Count
    median_us: Micros | None  # none if it could not be measured; `note` has the reason
    p25_us: Micros | None
    p75_us: Micros | None
    max_abs_difference: float | None
    """Largest difference of a probability (0 to 1) to the board's on the same input."""
    note: str = ""
    linux: LinuxRow | None = None  # all figures of the device "linux"


@dataclass(frozen=True)
class ParityRow:
    """Counts of the conformance checks; None if they were not made."""

    recordings: Count | None = None
    features_equal: Count | None = None  # of `recordings`
    clips: Count | None = None
    outputs_equal: Count | None = None  # of `clips`
    max_abs_difference: float | None = None  # largest one of a probability, 0 to 1

    @property
    def holds(self) -> bool:
        return self.features_equal == self.recordings and self.outputs_equal == self.clips


@dataclass(frozen=True)
class ReceivedChirp:
    """A chirp as a microphone received it; levels are of the sweep's band, 400 to 4,000 Hz."""

    at_sample: float  # its start in the recording, in samples and fractions of one
    level_dbfs: float  # RMS while it lasts, without the noise
    snr_db: float  # level above the noise
    noise_dbfs: float  # RMS before it (after it, if there is too little before)
    clipped_samples: Count  # while it lasts, at the limits of int16
    stretch: float  # relative lengthening: 0.008 for a microphone that samples 0.8 % faster
    likeness: float  # correlation coefficient with the sweep, 0 to 1; reverberation and noise lower it
    echo_samples_lost: Count | None = None  # of the echo that a board sent back


@dataclass(frozen=True)
class SpeakerRow:
    """The loudspeaker of the bench, as `SpeakerEntry` describes it, and its gain."""

    device: str
    level_dbfs: float
    gain_db: float  # of the stimulus, to reach the level
    distance_m: float | None
    room: str
    noise: str


@dataclass(frozen=True)
class AcousticRow:
    """Speaker, air and microphone of the route "acoustic"."""

    chirp: ReceivedChirp | None = None
    speaker: SpeakerRow | None = None
    words_at_board_dbfs: float | None = None  # derived from both, like `words_snr_db`
    words_snr_db: float | None = None
    sound_starts_s: Seconds | None = None  # on the board's clock
    detection_window_s: Seconds | None = None


@dataclass(frozen=True)
class StimulusRow:
    """A played recording and its detection."""

    label: str
    word: str
    source: str
    onset_s: Seconds
    end_s: Seconds
    detected: str | None  # the detected label; None without a detection
    score: Score | None  # the recognizer's averaged score, 0 to 255
    detected_at_s: Seconds | None  # audio time, like `onset_s`
    correct: bool


@dataclass(frozen=True)
class DetectionRow:
    """A detection of a keyword that was not spoken."""

    label: str
    score: Score  # averaged, 0 to 255
    at_s: Seconds  # audio time


@dataclass(frozen=True)
class OperatorRow:
    """Cycles of one operator of the model in one inference."""

    index: Count  # in the .tflite
    name: str
    macs: Count | None  # multiply-accumulates; None for an operator whose number is not known
    bytes: Count | None  # of constants, inputs and outputs; None if a dimension is open
    cycles: Count


@dataclass(frozen=True)
class StackRow:
    """Cycles of a function, reached by one chain of calls."""

    stage: str
    functions: list[str]  # from the stage's outermost function to the function itself
    cycles: Count


@dataclass(frozen=True)
class ProfileRow:
    """Cycles of one run of every stage, by function and by operator."""

    stage_cycles: dict[str, Count]  # the sums of `stacks`
    stacks: list[StackRow]
    operators: list[OperatorRow]  # in the order of their calls; [] if they cannot be told apart
    counted_by: str = "cycle model"  # or "cycle counter": by the image itself, on the processor

    def __post_init__(self) -> None:
        sums: Counter[str] = Counter()
        for stack in self.stacks:
            sums[stack.stage] += stack.cycles
        if dict(sums) != self.stage_cycles:
            raise ValueError("the functions' cycles do not add up to those of the stages")


@dataclass(frozen=True)
class Fault:
    """A failure of a variant or a run, with its class in `harness.errors`."""

    failure: str
    message: str


@dataclass(frozen=True)
class MeasuredVariant:
    """A variant on one board with one engine."""

    id: str
    title: str
    labels: list[str]
    model: ModelRow | None = None
    firmware: FirmwareRow | None = None
    route: str = "pcm"
    """Route of the sound: "pcm" sample by sample, "acoustic" through the air, "room" without playback, "clip"
    in command mode. Rows of different routes are never compared, and never in one table."""
    notes: list[str] = field(default_factory=list)
    """Remarks on the measurement: retries, converted recordings."""
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class VariantRow(MeasuredVariant):
    """All measurements of `earshot run` and `nightly`."""

    stage_us: dict[str, list[Count | Micros]] = field(default_factory=dict)
    """Raw samples in time order by stage: "preprocess", "inference", "postprocess"."""
    parity: ParityRow = ParityRow()
    host: list[HostRow] = field(default_factory=list)
    stimuli: list[StimulusRow] = field(default_factory=list)
    false_accepts: list[DetectionRow] = field(default_factory=list)
    audio_s: Length | None = None  # length of the played audio
    listening_wall_s: float | None = None  # the host's time for listening
    records_lost: Count = 0
    samples_lost: Count = 0  # samples that the board was too slow for
    transcripts: dict[str, str] = field(default_factory=dict)
    """Paths of raw logs, relative to the run's folder, by kind: "listening", "parity"."""
    acoustic: AcousticRow | None = None  # None for other routes than "acoustic"
    profile: ProfileRow | None = None  # none on a board that counts no cycles of code

    def __post_init__(self) -> None:
        indices = [*self.model.test_labels, *self.model.test_predictions] if self.model else []
        if max(indices, default=-1) >= len(self.labels):
            raise ValueError(f"there is no label {max(indices)}")


Row = TypeVar("Row", bound=MeasuredVariant)


def distinct(rows: list[Row]) -> list[Row]:
    """Return a record's rows with distinct titles: tables and plots, each of one route, tell variants apart.

    Raises:
        ValueError: two rows of a route have the same id.
    """
    ids = Counter((row.id, row.route) for row in rows)
    if several := [name for (name, _), count in ids.items() if count > 1]:
        raise ValueError(f"two variants have the id {several[0]!r}")
    while max((titles := Counter((row.title, row.route) for row in rows)).values(), default=1) > 1:
        rows = [
            replace(row, title=f"{row.title} ({row.id})") if titles[row.title, row.route] > 1 else row
            for row in rows
        ]
    return rows


CANARY = "canary"
"""Subject of the blocks of the image that is never rebuilt."""
FIRST, ROUND, LAST, CONFIRMATION = "canary-first", "round", "canary-last", "confirmation"
"""Phases of a night, which its blocks belong to."""


@dataclass(frozen=True)
class BlockRow:
    """A block: the samples after upload, reset, handshake, check of the image's hash, and warm-ups.

    Blocks are in the order of measurement. A broken block stays, with its `fault` and the received samples:
    a block is never measured in place of another.
    """

    subject: str  # the id of the variant, or `CANARY`
    engine: str
    phase: str  # `FIRST`, `ROUND`, `LAST` or `CONFIRMATION`
    round: Count = 0  # from 1; 0 for the canary
    started: str = ""  # ISO 8601, UTC, to the millisecond
    monotonic_s: float = 0.0  # start on the host's monotonic clock, since the run began
    image_sha256: str = ""
    planned: Count = 0  # requested samples of each series
    samples_us: dict[str, list[Count | Micros]] = field(default_factory=dict)
    """Raw, in time order, by "<metric>/<input mode>": "inference_us/clip" in command mode; while listening
    "preprocess_us/pcm", "inference_us/pcm", "postprocess_us/pcm"; on a real board "room" for "pcm". A
    small Linux computer has "inference_us/clip" to the ns."""
    samples_nj: dict[str, list[Count]] = field(default_factory=dict)
    """Energy of an inference by "<metric>/<input mode>", "inference_nj/clip": one value for each burst of
    inferences. {} without a power meter, or if it failed; then an observation says why."""
    lost: dict[str, int] = field(default_factory=dict)  # dropped lines and wrong checksums, by the same keys
    checks: dict[str, str | int] = field(default_factory=dict)
    """Exact figures by name: "features_crc", "input_crc", "output" (probabilities on the golden clip), and on
    a modeled clock the cycles of each stage alone: "preprocess_cycles/noise", "inference_cycles/noise",
    "postprocess_cycles/noise", or "inference_cycles/clip" of a model that does not hear."""
    observations: dict[str, str] = field(default_factory=dict)
    """Observations of the bench that are not part of the environment: port, temperature, supply, icache."""
    fault: str = ""  # the failure; "" without one


@dataclass(frozen=True)
class BoardRow:
    """The board that was measured; `uid` is its identity in a series."""

    name: str
    uid: str
    title: str
    clock_hz: Annotated[int, Meta(gt=0, lt=2**40)] | None  # none of a computer that does not tell
    clock: str  # "modeled cycles", "instructions" or "measured"
    flash_bytes: Count | None  # none of a computer that runs no firmware
    ram_bytes: Count | None
    details: dict[str, str] = field(default_factory=dict)

    @property
    def tick_us(self) -> float:
        """Return the step of the clock: microcontrollers count µs, a computer that runs no firmware ns."""
        return 0.001 if self.flash_bytes is None else 1.0


class Code(TypedDict, total=False):
    """The measured code: commit, whether it has uncommitted changes, and the versions of the harness."""

    commit: str
    dirty: bool
    harness_version: str
    procedure_version: int


@dataclass(frozen=True)
class RunRecord:
    """One run on one board."""

    run: dict[str, str]
    """Texts: "id" (uuid4), "started", "ended" (ISO 8601, UTC), "trigger", "command", "kind" ("run", "nightly"
    or "a-a"; the last two form the history), "board" (its name on the bench and of its baseline), "bench"
    (its name, or the host's), "engine" (of variants that were not built), "confirm_of" (the id of the
    confirmed run), and "length_s" (by the host's monotonic clock; "" if unknown, as for a resumed run)."""
    code: Code
    environment: dict[str, str]
    board: BoardRow
    variants: list[VariantRow]
    schema: int = SCHEMA
    blocks: list[BlockRow] = field(default_factory=list)  # in time order; `earshot nightly` only
    verdict: RunVerdict | None = None  # none if the run was not judged
    fault: Fault | None = None  # failure of the whole run, such as a missing board
    checksum: str = field(default="", compare=False)
    """SHA-256 of the file's content, 64 hex digits; "" before the record is written."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "variants", distinct(self.variants))


def write_record(record: RunRecord, path: Path) -> None:
    """Write the record with its checksum, atomically."""
    write_atomic(dump_with_checksum({"schema": record.schema, **msgspec.to_builtins(record)}), path)
