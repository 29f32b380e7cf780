"""Playback plans: which words are played under which conditions, where in which segment, from which seed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

from harness.errors import UsageError
from harness.files import write_atomic
from harness.sound.conditions import Condition, check_conditions
from harness.sound.sound_files import check_file
from harness.sound.stimulus import Placed
from models.data.sound_folder import Excluded
from models.data.wav import SAMPLE_RATE_HZ
from models.decoding import Meta, decode_json, matching, read_file

LONGEST_SEGMENT_S = 3600.0
"""A segment's sound is kept in memory: 1 GB while an hour is made, 0.3 GB for ten minutes."""

T = TypeVar("T")
Sha256 = Annotated[str, matching("[0-9a-f]{64}", "64 hexadecimal digits")]
NotEmpty = Annotated[str, Meta(min_length=1)]
Position = Annotated[int, Meta(ge=0)]


@dataclass(frozen=True)
class PlannedWord(Placed):
    """A recording in a segment, and the samples of the segment in which its word is active.

    Attributes:
        word: the spoken word; its label depends on the model (`recordings.label_of`).
        source: the file, relative to the plan's folder.
        sha256: of the file.
        speaker: "" if unknown.
        start_sample: first sample of the recording in its segment.
        is_found: the word was found in the sound; else its samples are those in which it may be.
    """

    word: NotEmpty
    source: NotEmpty
    sha256: Sha256
    speaker: str
    start_sample: Position
    onset_sample: int
    end_sample: int
    is_found: bool = True


@dataclass(frozen=True)
class Segment:
    """Audio that a board listens to without a break, with its front end reset at the start.

    Attributes:
        number: unique in the plan, from 1.
        condition: name of a condition of the plan.
        samples: length at 16 kHz.
        seed: of everything random in its sound.
        words: in the order in which they are spoken; empty in a keyword-free segment.
        background: a WAV file of audio without other keywords, relative to the plan's folder, in place of the
            condition's noise; "" for noise alone: the condition's, or without an SNR all kinds in turn. The
            recordings of words take the place of their parts of the file: they were cut out of it.
        background_start: where in that file the segment begins, in samples at 16 kHz.
        background_sha256: of that file.
    """

    number: Position
    condition: str
    samples: Annotated[int, Meta(gt=0, le=round(LONGEST_SEGMENT_S * SAMPLE_RATE_HZ))]
    seed: Position
    words: tuple[PlannedWord, ...]
    background: str = ""
    background_start: Position = 0
    background_sha256: str = ""

    def __post_init__(self) -> None:
        before = 0
        for index, word in enumerate(self.words):
            if not max(word.start_sample, before) <= word.onset_sample < word.end_sample <= self.samples:
                raise ValueError(f"words[{index}] is out of order, empty, or not within the segment")
            before = word.onset_sample

    @property
    def duration_s(self) -> float:
        return self.samples / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Scan(Generic[T]):
    """Usable parts of a plan in their order, excluded files, notes on the usable ones, and doubtful words."""

    usable: tuple[T, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlaybackPlan:
    """All the audio of a field run; the same plan can be played to any board.

    Attributes:
        seed, gap_s, repeats: as in `PlanOptions`.
        segments: in the order in which they are played.
        notes: remarks on played files, such as "yes/a.wav: clipped in 312 samples".
    """

    folder: Path
    seed: int
    gap_s: float
    repeats: int
    conditions: tuple[Condition, ...]
    segments: tuple[Segment, ...]
    excluded: tuple[Excluded, ...]
    notes: tuple[str, ...]
    schema: Literal[1] = 1

    def __post_init__(self) -> None:
        names = {condition.name for condition in self.conditions}
        unknown = [segment.condition for segment in self.segments if segment.condition not in names]
        if unknown:
            raise ValueError(f'a segment names the condition "{unknown[0]}", which is not in `conditions`')
        if not self.segments or len({segment.number for segment in self.segments}) < len(self.segments):
            raise ValueError("a plan needs at least one segment, each with its own number")

    def condition(self, segment: Segment) -> Condition:
        """Return the condition of a segment."""
        return next(condition for condition in self.conditions if condition.name == segment.condition)


@dataclass(frozen=True)
class PlanOptions:
    """Options of `planning.make_plan`.

    Attributes:
        seed: of everything random.
        gap_s: shortest pause between two recordings, at least 1.5 s.
        repeats: how often each recording is played under each condition.
        conditions: with unique names; each gets the same words in the same order.
        keyword_free_s: seconds of keyword-free audio in the whole plan, dealt to the conditions in turn; of
            the files in `keyword_free` at most so much, and all of it for 0.
        keyword_free: a WAV file, or a folder of them, without any keyword; None: generated
            noise, see Segment.
        quick: about a minute of words under the first condition, and no keyword-free audio.
        segment_s: the longest segment, 10 s to an hour.
        split: of the recordings, a dataset, only those of this set are played; "" for all.
    """

    seed: int = 1
    gap_s: float = 2.0
    repeats: int = 1
    conditions: tuple[Condition, ...] = (Condition("as recorded"),)
    keyword_free_s: float = 0.0
    keyword_free: Path | None = None
    quick: bool = False
    segment_s: float = 600.0
    split: Literal["", "training", "validation", "testing"] = ""


def seed_of(*names: object) -> int:
    """Derive a seed below 2**32 from names such as (1, "order", 2), independent of earlier draws."""
    text = "\0".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def check_files(plan: PlaybackPlan) -> None:
    """Check that every file of a plan exists and has not changed since it was planned.

    Raises:
        UsageError: a file is missing, unreadable or changed; the message names it.
    """
    files = {(word.source, word.sha256) for segment in plan.segments for word in segment.words}
    files |= {(each.background, each.background_sha256) for each in plan.segments if each.background}
    files |= {(each.noise, each.noise_sha256) for each in plan.conditions if each.noise_sha256}
    for source, digest in sorted(files):
        check_file(plan.folder / source, digest)


def write_plan(plan: PlaybackPlan, path: Path) -> None:
    """Write a plan as JSON.

    Raises:
        UsageError: the file cannot be written.
    """
    data = {**dataclasses.asdict(plan), "folder": plan.folder.as_posix()}
    try:
        write_atomic(json.dumps(data, indent=1, ensure_ascii=False) + "\n", path)
    except OSError as problem:
        raise UsageError(
            f"the plan cannot be written: {problem.strerror}",
            where=str(path),
            remedy="Make the folder writable, or choose another.",
        ) from problem


def read_plan(path: Path) -> PlaybackPlan:
    """Read a plan that `write_plan` wrote; to play it, its files are needed too, see `check_files`.

    Returns:
        The plan; a relative folder is relative to the plan's file.

    Raises:
        ConfigError: the file is no plan, or a key is unknown, missing or not allowed.
        UsageError: the file cannot be read, or a condition is impossible.
    """
    try:
        data = read_file(path)
    except OSError as problem:
        raise UsageError(
            f"the plan cannot be read: {problem.strerror}", where=str(path), remedy="Give a plan.json."
        ) from None
    plan = decode_json(data, PlaybackPlan, path)
    try:
        check_conditions(plan.conditions)
    except UsageError as problem:
        where = ", ".join(part for part in (str(path), problem.where) if part)
        raise UsageError(problem.what, where=where, remedy=problem.remedy) from None
    return dataclasses.replace(plan, folder=path.resolve().parent / plan.folder)
