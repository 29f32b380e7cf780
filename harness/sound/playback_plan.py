"""What a field run plays: which words under which conditions, where in which segment, from which seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.data.wav import SAMPLE_RATE_HZ

NOISES = ("white", "pink", "hum", "babble")
"""The kinds of noise that are made; any other name is a WAV file's."""

LONGEST_SEGMENT_S = 3600.0
"""A segment's sound is kept in memory: 1 GB while an hour is made, 0.3 GB for ten minutes."""


@dataclass(frozen=True)
class Condition:
    """How it sounds at the microphone.

    Attributes:
        name: unique in the plan, such as "2 m, 10 dB"; every row of a table says which.
        level_dbfs: RMS of each word's active part at the microphone, before its gain. None: as recorded; in
            a room as loud as recorded at 1 m from the talker, and less so farther away.
        snr_db: from the RMS of all words' active parts to that of everything else there, noise and
            background together. None: no noise, only the background.
        noise: one of NOISES, or a WAV file (relative to the plan's folder). Babble is of the plan's own
            recordings, played backwards: the spectrum and rhythm of speech, and no keyword.
        background_dbfs: RMS of white noise that is always there; None for digital silence.
        distance_m: from talker to microphone. None: no room.
        rt60_s: reverberation time of the room. None: the direct sound alone.
        room_m: length, width and height of the room.
        gain_db: of the microphone, applied to all it gets; what then exceeds int16 is clipped and counted.
        noise_sha256: of the WAV file that is the noise; "" for the kinds that are made.
    """

    name: str
    level_dbfs: float | None = None
    snr_db: float | None = None
    noise: str = "white"
    background_dbfs: float | None = -60.0
    distance_m: float | None = None
    rt60_s: float | None = None
    room_m: tuple[float, float, float] = (5.0, 4.0, 2.7)
    gain_db: float = 0.0
    noise_sha256: str = ""


@dataclass(frozen=True)
class PlannedWord:
    """A recording in a segment, and from which to behind which of the segment's samples its word is active.

    Attributes:
        word: what is said, as in the recordings; the label depends on the model (`recordings.label_of`).
        source: the file, relative to the plan's folder.
        sha256: of the file.
        speaker: who says it; "" where that is not known.
        start_sample: where the recording begins in its segment.
        onset_sample: where the word begins to be active.
        end_sample: behind its last active sample.
    """

    word: str
    source: str
    sha256: str
    speaker: str
    start_sample: int
    onset_sample: int
    end_sample: int

    @property
    def onset_s(self) -> float:
        """Seconds from the start of the segment."""
        return self.onset_sample / SAMPLE_RATE_HZ

    @property
    def end_s(self) -> float:
        """Seconds from the start of the segment."""
        return self.end_sample / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Segment:
    """What a board listens to in one go, from a reset front end.

    Attributes:
        number: unique in the plan, from 1.
        condition: the name of one of the plan's.
        samples: length at 16 kHz.
        seed: of everything random in its sound.
        words: in the order in which they are said; none in a keyword-free segment.
        background: a WAV file of keyword-free audio, relative to the plan's folder, in place of the
            condition's noise; "" for noise alone: the condition's, or without an SNR of all kinds in turn.
        background_start: where in that file the segment begins, in samples at 16 kHz.
        background_sha256: of that file.
    """

    number: int
    condition: str
    samples: int
    seed: int
    words: tuple[PlannedWord, ...]
    background: str = ""
    background_start: int = 0
    background_sha256: str = ""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Excluded:
    """A file that is not played, and why."""

    source: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """Everything that is played, to any board.

    Attributes:
        folder: of the recordings.
        seed: of the order and of the segments' seeds.
        gap_s: least pause between two recordings.
        repeats: how often each recording is played under each condition.
        conditions: all that the segments name.
        segments: in the order in which they are played.
        excluded: files of the folder that are not played.
        notes: what there is to know about those that are, such as "yes/a.wav: 312 samples clipped".
    """

    folder: Path
    seed: int
    gap_s: float
    repeats: int
    conditions: tuple[Condition, ...]
    segments: tuple[Segment, ...]
    excluded: tuple[Excluded, ...]
    notes: tuple[str, ...]

    def condition(self, segment: Segment) -> Condition:
        """The condition of one of its segments."""
        return next(condition for condition in self.conditions if condition.name == segment.condition)


@dataclass(frozen=True)
class PlanOptions:
    """What a plan is made of, beside the recordings.

    Attributes:
        seed: of everything random.
        gap_s: least pause between two recordings, at least 1.5 s.
        repeats: how often each recording is played under each condition.
        conditions: with distinct names; each gets the same words in the same order.
        keyword_free_s: seconds of keyword-free audio in the whole plan, dealt to the conditions in turn; of
            `keyword_free`, where given, at most so much, and all of it for 0.
        keyword_free: a WAV file, or a folder of them, in which no keyword is said; None: noise, see Segment.
        quick: about a minute of words under the first condition, and nothing keyword-free.
        segment_s: the longest segment, 10 s to an hour.
    """

    seed: int = 1
    gap_s: float = 2.0
    repeats: int = 1
    conditions: tuple[Condition, ...] = (Condition("as recorded"),)
    keyword_free_s: float = 0.0
    keyword_free: Path | None = None
    quick: bool = False
    segment_s: float = 600.0
