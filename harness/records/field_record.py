"""The field record: what variants heard of a plan on one board, word by word. Rates are derived from it.

Times are seconds of audio since the beginning of their segment. What was not measured is None, never zero.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.files import write_atomic
from harness.records.reading import RecordFormat
from harness.records.record import BoardRow, Fault, FirmwareRow, ModelRow

FIELD_SCHEMA = 1
"""Raised when a field changes its meaning."""

CAUSES = ("latency", "recognizer", "front end", "sound", "model")
"""Why a keyword was not heard, in the order in which it is asked; see `harness.stats.field.causes`."""


@dataclass(frozen=True)
class FieldStimulus:
    """A word of the plan and what the board made of it."""

    segment: int
    condition: str
    label: str
    """What the model should make of it."""
    word: str
    source: str
    speaker: str
    """"" where it is not known."""
    onset_s: float
    end_s: float
    detected: str | None
    """The label announced for it, None if none was."""
    score: int | None
    """The recognizer's average, 0 to 255."""
    detected_at_s: float | None
    correct: bool
    """A keyword: heard as its label. Unknown or silence: no keyword was heard for it."""
    delay_s: float | None
    """From the word's end until it was announced; negative if it was announced before its end."""
    peak: int | None
    """Highest score of its label in a single inference from the onset to the end of the window, 0 to 255;
    None if there was no inference or the model does not have the label."""
    excluded: str = ""
    """Why it counts for nothing; "" if it counts."""
    cause: str = ""
    """Of `CAUSES`, of a keyword that was not heard as its label; "" if nothing is known of it."""
    clip: str = ""
    """A WAV of the word as it was played, relative to the record's folder; "" if there is none."""
    picture: str = ""
    """Its features drawn, likewise."""

    @property
    def counts(self) -> bool:
        """Whether it belongs into a rate."""
        return not self.excluded


@dataclass(frozen=True)
class FieldFalseAccept:
    """A keyword that was announced though nobody had said it."""

    segment: int
    condition: str
    label: str
    score: int
    """Averaged, 0 to 255."""
    at_s: float
    within_word: bool = False
    """Whether it is one announcement too many within the window of a word: then it lies outside of the time
    that false accepts per hour are counted in."""


@dataclass(frozen=True)
class FieldSegment:
    """A stretch of audio that was played from a reset front end on."""

    number: int
    condition: str
    audio_s: float
    keyword_free_s: float
    """Audio outside of all words' windows and of all gaps: the time for false accepts."""
    samples_lost: int
    """That the board did not keep up with."""
    records_lost: int
    complete: bool
    """Whether its transcript came to its end."""
    wall_s: float
    """The host's time for it."""
    transcript: str
    """Relative to the record's folder."""
    clipped_samples: int
    speech_dbfs: float | None
    """RMS of active speech at the microphone."""
    snr_db: float | None
    """As it came out."""
    acoustic: dict[str, Any] = field(default_factory=dict)
    """Of the acoustic route, like `VariantRow.acoustic`."""
    note: str = ""


@dataclass(frozen=True)
class FieldTiming:
    """How fast the board was while it heard all that."""

    period_ms_median: float
    """From inference to inference, on the board's clock."""
    period_ms_p95: float
    period_ms_max: float
    stage_us: dict[str, float]
    """Medians by stage, of those that the board timed."""
    realtime_factor: float | None
    """Seconds of audio that it worked through for each second in which it was busy. Near 1 it never rests,
    and infers as often as it can; well below 1 it loses audio. None if a stage was not timed."""
    overruns: int
    """How often audio was lost."""
    samples_lost: int
    inferences: int


@dataclass(frozen=True)
class DetPoint:
    """What would have been heard at another threshold, out of the logged scores."""

    threshold: int
    """An average has to exceed it, 0 to 255."""
    misses: int
    """Keywords that were not heard as their label, confusions among them."""
    keywords: int
    """That were said, without the excluded ones."""
    false_accepts: int
    """In `hours`."""
    hours: float
    """Of keyword-free time."""
    condition: str = ""
    """"" for all of them together."""
    confusions: int = 0
    """Of the misses, those heard as another label."""
    accepted_non_keywords: int = 0
    """Of the words that are no keywords, those heard as one."""
    non_keywords: int = 0
    """How many words that are no keywords were said."""


@dataclass(frozen=True)
class ClipResult:
    """A recording in command mode: the features of one clip, classified once."""

    source: str
    word: str
    label: str
    predicted: str
    probability: float
    """Of what was heard, 0 to 1."""
    board_equals_host: bool | None
    """Whether the board's output is the host's, byte by byte; None if they were not compared."""


@dataclass(frozen=True)
class FrontEnds:
    """The host's model on the same audio through both front ends: reset before a clip, and running on."""

    clips: int
    clip_correct: int
    streaming_correct: int
    only_clip: int
    """Right with the clip's front end alone."""
    only_streaming: int
    p: float
    """Of McNemar's exact test on these two counts."""


@dataclass(frozen=True)
class Replay:
    """What the recognizer would announce from the host's scores at a period the board could have had."""

    period_ms: float
    correct: int
    total: int
    """Words that count."""
    won: list[int] = field(default_factory=list)
    """Places in the list of stimuli of keywords that are heard then, and were not."""
    lost: list[int] = field(default_factory=list)
    """Likewise of those that were heard, and are not heard then."""


@dataclass(frozen=True)
class FieldVariant:
    """Everything that one variant heard on one route."""

    id: str
    title: str
    labels: list[str]
    model: ModelRow | None = None
    firmware: FirmwareRow | None = None
    route: str = "pcm"
    """"pcm" sample by sample, "acoustic" through the air, "clip" in command mode. Never in one table."""
    segments: list[FieldSegment] = field(default_factory=list)
    stimuli: list[FieldStimulus] = field(default_factory=list)
    """In the order of the plan, the same for every variant of a record."""
    false_accepts: list[FieldFalseAccept] = field(default_factory=list)
    timing: FieldTiming | None = None
    det: list[DetPoint] = field(default_factory=list)
    """By condition, thresholds ascending; first those of all conditions together."""
    clips: list[ClipResult] = field(default_factory=list)
    front_ends: FrontEnds | None = None
    replay: Replay | None = None
    reference: dict[str, Any] = field(default_factory=dict)
    """The board's scores against the host's streaming reference: "inferences", how many are "equal", the
    "max_difference" of a score; empty if they were not compared."""
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class FieldRecord:
    """One plan, played to one board."""

    run: dict[str, str]
    """id (uuid4), started, ended (ISO 8601, UTC), command."""
    code: dict[str, Any]
    environment: dict[str, str]
    board: BoardRow
    plan: dict[str, Any]
    """file, sha256, seed, gap_s, repeats, recordings."""
    conditions: list[dict[str, Any]]
    """Fields of the plan's conditions, by `name`."""
    excluded: list[dict[str, Any]]
    """Recordings that did not become stimuli: source, reason."""
    notes: list[str]
    variants: list[FieldVariant]
    threshold: int
    """Of the recognizer, 0 to 255."""
    window_s: float
    """A detection counts for a word until so long after its end."""
    schema: int = FIELD_SCHEMA


_FORMAT = RecordFormat(
    FieldRecord,
    name="field record",
    schema=FIELD_SCHEMA,
    command="earshot field",
    remedy="Make it again from its transcripts with `earshot field --read FOLDER`",
)


def read_field(path: Path) -> FieldRecord:
    """Read the record that `write_field` wrote; see `RecordFormat.read`."""
    return _FORMAT.read(path)


def write_field(record: FieldRecord, path: Path) -> None:
    """Write the record atomically."""
    write_atomic(json.dumps(asdict(record), indent=1), path)
