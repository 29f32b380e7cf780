"""The field record: the results of variants on one board, word by word. Rates are derived from it.

Times are seconds of audio since the beginning of their segment. A value that was not measured is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from harness.files import write_atomic
from harness.recognizer import DEFAULT, Recognizer
from harness.records.checksum import dump_with_checksum
from harness.records.reading import RecordFormat
from harness.records.record import (
    AcousticRow,
    BoardRow,
    Code,
    Count,
    DetectionRow,
    Length,
    MeasuredVariant,
    Score,
    Seconds,
    StimulusRow,
    distinct,
)

FIELD_SCHEMA = 2
"""Raised when a field changes its meaning."""

CAUSES = ("latency", "recognizer", "front end", "sound", "model")
"""Causes of a missed keyword, in the order of decision; see `harness.stats.field_figures.cause_of`."""


@dataclass(frozen=True)
class Condition:
    """An acoustic condition at the microphone."""

    name: str  # unique in the plan, such as "2 m, 10 dB"; names the condition in every table
    level_dbfs: float | None = None
    """RMS of each word's active part at the microphone, before its gain. None: as recorded; in a room as loud
    as recorded at 1 m from the talker, and softer farther away."""
    snr_db: float | None = None
    """From the RMS of all words' active parts to that of noise and background together. None: no noise, only
    the background."""
    noise: str = "white"
    """One of `harness.sound.conditions.NOISES`, or a WAV file (relative to the plan's folder). Babble is made
    of the plan's recordings, played backwards: it has the spectrum and rhythm of speech, and no keyword."""
    background_dbfs: float | None = -60.0  # RMS of constant white noise; None for digital silence
    distance_m: float | None = None  # from talker to microphone; None for no room
    rt60_s: float | None = None  # reverberation time of the room; None for the direct sound alone
    room_m: tuple[float, float, float] = (5.0, 4.0, 2.7)  # length, width and height of the room
    gain_db: float = 0.0  # of the microphone; samples that then exceed int16 are clipped and counted
    noise_sha256: str = ""  # of the WAV file with the noise; "" for a generated kind


@dataclass(frozen=True)
class FieldStimulus(StimulusRow):
    """A word of the plan with the board's detection; a non-keyword is correct if no keyword is detected."""

    segment: Count
    condition: str
    speaker: str  # "" if unknown
    delay_s: Seconds | None  # time from the end of the word to the detection; negative before the end
    peak: Score | None
    """Highest score of its label in a single inference from the onset to the end of the window, 0 to 255;
    None if there was no inference or the model does not have the label."""
    excluded: str = ""  # reason why the word does not count; "" if it counts
    cause: str = ""  # one of `CAUSES` for a keyword that was not detected as its label; "" if unknown
    clip: str = ""  # WAV of the word as it was played, relative to the record's folder; "" if there is none
    picture: str = ""  # PNG of its features, likewise

    @property
    def counts(self) -> bool:
        return not self.excluded


@dataclass(frozen=True)
class FieldFalseAccept(DetectionRow):
    """A keyword that was detected without being spoken, in a segment of the plan."""

    segment: Count
    condition: str
    within_word: bool = False
    """A surplus detection within the window of a word, outside of the time that counts for false accepts per
    hour."""


_SAMPLE_RATE_HZ = 16_000


@dataclass(frozen=True)
class FieldSegment:
    """A stretch of audio that was played to a reset front end."""

    number: Count
    condition: str
    audio_s: Length
    keyword_free_s: Seconds
    """Audio outside of all words' windows and all gaps: the time that counts for false accepts."""
    samples_lost: Count  # audio that the board was too slow for
    records_lost: Count
    complete: bool  # the transcript has its end
    wall_s: Seconds  # the host's time for it
    transcript: str  # relative to the record's folder
    clipped_samples: Count
    speech_dbfs: float | None  # RMS of active speech at the microphone
    snr_db: float | None  # measured in the rendered sound
    acoustic: AcousticRow | None = None  # None for other routes than "acoustic"
    note: str = ""

    @property
    def lost_s(self) -> float:
        return self.samples_lost / _SAMPLE_RATE_HZ


@dataclass(frozen=True)
class FieldTiming:
    """Speed of the board over all segments."""

    period_ms_median: float  # time from inference to inference, on the board's clock
    period_ms_p95: float
    period_ms_max: float
    stage_us: dict[str, float]  # medians of the stages that the board timed
    realtime_factor: float | None
    """Seconds of audio processed per second of busy time. Near 1 the board never rests and infers as often
    as it can; well below 1 it loses audio. None if a stage was not timed."""
    overruns: Count  # number of times audio was lost
    samples_lost: Count
    inferences: Count

    @property
    def lost_s(self) -> float:
        return self.samples_lost / _SAMPLE_RATE_HZ


@dataclass(frozen=True)
class DetPoint:
    """Counts at a threshold, recomputed from the logged scores; excluded words are left out."""

    threshold: Score  # 0 to 255; an average has to exceed it
    misses: Count  # keywords that were not detected as their label
    keywords: Count
    false_accepts: Count  # in `hours`
    hours: Length  # keyword-free time
    accepted_non_keywords: Count = 0  # non-keywords detected as a keyword
    non_keywords: Count = 0


@dataclass(frozen=True)
class ClipResult:
    """A recording that was classified once in command mode."""

    source: str
    word: str
    label: str
    predicted: str
    probability: float  # probability of the predicted label, 0 to 1
    board_equals_host: bool | None
    """The board's output is the host's, byte by byte; None if they were not compared."""


@dataclass(frozen=True)
class Replay:
    """Results of the recognizer on the host's scores, with an inference every `period_ms`."""

    period_ms: float
    correct: Count
    total: Count  # words that count


@dataclass(frozen=True)
class ReferenceRow:
    """Comparison of a board's scores with the host's; None if they were not compared."""

    inferences: Count | None = None
    equal: Count | None = None  # of `inferences`
    max_difference: Score | None = None  # largest one of a score


@dataclass(frozen=True)
class TuningRow:
    """The gain of tuning the recognizer to the log of the run, on speakers that the search did not know."""

    recognizer: Recognizer | None = None  # of the search in the whole log; None if there is none
    tuned: DetPoint | None = None  # its counts on speakers held out; None without a second speaker
    present: DetPoint | None = None  # those of the board's recognizer, likewise
    gain: tuple[float, float, float] | None = None
    """Difference of both shares of detected keywords, with its 95 % interval over speakers."""
    speakers: Count = 0  # of keywords
    reason: str = ""  # why a figure is missing; "" if none is


@dataclass(frozen=True)
class FieldVariant(MeasuredVariant):
    """Results of one variant on one route."""

    segments: list[FieldSegment] = field(default_factory=list)
    stimuli: list[FieldStimulus] = field(default_factory=list)
    """In the order of the plan, the same for every variant of a record."""
    false_accepts: list[FieldFalseAccept] = field(default_factory=list)
    timing: FieldTiming | None = None
    det: list[DetPoint] = field(default_factory=list)  # thresholds ascending
    clips: list[ClipResult] = field(default_factory=list)
    replay: Replay | None = None
    reference: ReferenceRow = ReferenceRow()
    tuning: TuningRow | None = None

    @property
    def recognizer(self) -> Recognizer:
        return self.firmware.recognizer if self.firmware else DEFAULT

    @property
    def front_end(self) -> str:
        return self.model.front_end if self.model else "micro"


@dataclass(frozen=True)
class FieldRecord:
    """A playback plan, played to one board."""

    run: dict[str, str]  # id (uuid4), started, ended (ISO 8601, UTC), command
    code: Code
    environment: dict[str, str]
    board: BoardRow
    plan: dict[str, str | int | float]  # file, sha256, seed, gap_s, repeats, recordings
    conditions: list[Condition]  # of the plan
    excluded: list[dict[str, str]]  # recordings that did not become stimuli: source, reason
    notes: list[str]
    variants: list[FieldVariant]
    threshold: Score | None  # for all labels, applied to the logged scores; None: the board's own thresholds
    window_s: Seconds  # a detection counts for a word until this long after its end
    schema: int = FIELD_SCHEMA
    checksum: str = field(default="", compare=False)
    """SHA-256 of the file's content, 64 hex digits; "" before the record is written."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "variants", distinct(self.variants))


read_field = RecordFormat(
    FieldRecord,
    name="field record",
    schema=FIELD_SCHEMA,
    command="earshot field",
    remedy="Copy it again from the machine that wrote it, or measure again",
    has_checksum=True,
).read


def write_field(record: FieldRecord, path: Path) -> None:
    """Write the record with its checksum, atomically."""
    plain = msgspec.to_builtins(record, enc_hook=lambda value: value.item())  # the statistics are NumPy's
    write_atomic(dump_with_checksum(plain), path)
