"""Playback plans: which words are played under which conditions, where in which segment, from which seed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files import write_atomic
from harness.sound.conditions import NOISES, Condition, check_conditions
from harness.sound.sound_files import check_file
from models.data.wav import SAMPLE_RATE_HZ
from models.decoding import decode_value
from models.errors import ConfigError

PLAN_SCHEMA = 1

LONGEST_SEGMENT_S = 3600.0
"""A segment's sound is kept in memory: 1 GB while an hour is made, 0.3 GB for ten minutes."""

_DAMAGED = "Make a new plan, or restore the file from where it was written."
_SHA256_DIGITS = 64
_LARGEST = 1e300


class _Mismatch(Exception):
    def __init__(self, what: str, key: str) -> None:
        super().__init__(f"`{key}` {what}")


@dataclass(frozen=True)
class PlannedWord:
    """A recording in a segment, and the samples of the segment in which its word is active.

    Attributes:
        word: the spoken word; its label depends on the model (`recordings.label_of`).
        source: the file, relative to the plan's folder.
        sha256: of the file.
        speaker: "" if unknown.
        start_sample: first sample of the recording in its segment.
        onset_sample: first active sample of the word.
        end_sample: one past its last active sample.
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
    """Audio that a board listens to without a break, with its front end reset at the start.

    Attributes:
        number: unique in the plan, from 1.
        condition: name of a condition of the plan.
        samples: length at 16 kHz.
        seed: of everything random in its sound.
        words: in the order in which they are spoken; empty in a keyword-free segment.
        background: a WAV file of keyword-free audio, relative to the plan's folder, in place of the
            condition's noise; "" for noise alone: the condition's, or without an SNR all kinds in turn.
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
    """A file that is not played, and the reason."""

    source: str
    reason: str


@dataclass(frozen=True)
class PlaybackPlan:
    """All the audio of a field run; the same plan can be played to any board.

    Attributes:
        folder: of the recordings.
        seed: of the order and of the segments' seeds.
        gap_s: shortest pause between two recordings.
        repeats: how often each recording is played under each condition.
        conditions: all that the segments name.
        segments: in the order in which they are played.
        excluded: files of the folder that are not played.
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
    """

    seed: int = 1
    gap_s: float = 2.0
    repeats: int = 1
    conditions: tuple[Condition, ...] = (Condition("as recorded"),)
    keyword_free_s: float = 0.0
    keyword_free: Path | None = None
    quick: bool = False
    segment_s: float = 600.0


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
    """Writes a plan; the file is replaced as a whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    data = {"schema": PLAN_SCHEMA, **dataclasses.asdict(plan), "folder": plan.folder.as_posix()}
    try:
        write_atomic(json.dumps(data, indent=1, ensure_ascii=False) + "\n", path)
    except OSError as problem:
        raise UsageError(
            f"the plan cannot be written: {problem.strerror}",
            where=str(path),
            remedy="Make the folder writable, or name another.",
        ) from problem


def read_plan(path: Path, check: bool = True) -> PlaybackPlan:
    """Reads a plan that `write_plan` wrote, of this version or an earlier one.

    Args:
        path: the JSON file.
        check: whether every file that it names has to be there unchanged, as is needed to play it.

    Returns:
        The plan; a relative folder is taken from where the plan lies.

    Raises:
        UsageError: no such file, no plan, of a later version, a key missing or with a value that cannot be
            (the message names it), or a file of the plan that is missing or has changed.
    """
    data = _load(path)
    try:
        _check_finite(data)
        fields = {name: item for name, item in data.items() if name != "schema"}
        plan = decode_value(fields, PlaybackPlan, path)
        _check(plan)
    except _Mismatch as mismatch:
        raise UsageError(f"the plan is damaged: {mismatch}", where=str(path), remedy=_DAMAGED) from None
    except ConfigError as problem:
        raise UsageError(
            f"the plan is damaged: {problem.what}. {problem.remedy}".rstrip("."), problem.where, _DAMAGED
        ) from None
    plan = dataclasses.replace(plan, folder=path.resolve().parent / plan.folder)
    if check:
        check_files(plan)
    return plan


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(
            f"the plan cannot be read: {problem.strerror}", where=str(path), remedy="Name a plan.json."
        ) from None
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"the plan is not whole JSON: {problem}", where=str(path), remedy=_DAMAGED) from None
    if not isinstance(data, dict) or not {"schema", "segments", "conditions"} <= data.keys():
        raise UsageError("this JSON is not a plan", where=str(path), remedy="Name a plan.json.")
    schema = data["schema"]
    if type(schema) is not int or schema < 1:
        raise UsageError(
            f"the plan is damaged: `schema` is {schema!r}, not a version", where=str(path), remedy=_DAMAGED
        )
    if schema > PLAN_SCHEMA:
        raise UsageError(
            f"the plan has schema {schema}, this Earshot reads up to {PLAN_SCHEMA}",
            where=str(path),
            remedy="Update Earshot to the version that wrote it, or a later one.",
        )
    return data


def _check(plan: PlaybackPlan) -> None:
    """What the types do not say; a plan may have been written by hand."""
    try:
        check_conditions(plan.conditions)
    except UsageError as problem:
        raise _Mismatch(
            f"cannot be: {problem.what} ({problem.where}); {problem.remedy}", "conditions"
        ) from None
    for index, condition in enumerate(plan.conditions):
        if condition.noise not in NOISES:
            _require_sha256(condition.noise_sha256, f"conditions[{index}].noise_sha256")
    _require(bool(plan.segments), "segments", "at least one", [])
    names = {condition.name for condition in plan.conditions}
    numbers: set[int] = set()
    for index, segment in enumerate(plan.segments):
        key = f"segments[{index}]"
        _require(segment.condition in names, f"{key}.condition", "one of `conditions`", segment.condition)
        fresh = segment.number > 0 and segment.number not in numbers
        _require(fresh, f"{key}.number", "a number of its own from 1", segment.number)
        numbers.add(segment.number)
        fits = 0 < segment.samples <= LONGEST_SEGMENT_S * SAMPLE_RATE_HZ
        _require(fits, f"{key}.samples", "that of at most an hour", segment.samples)
        _require(segment.seed >= 0, f"{key}.seed", "0 or more", segment.seed)
        start = segment.background_start
        _require(start >= 0, f"{key}.background_start", "0 or more", start)
        if segment.background:
            _require_sha256(segment.background_sha256, f"{key}.background_sha256")
        _check_words(segment, key)


def _check_words(segment: Segment, key: str) -> None:
    before = 0
    for number, word in enumerate(segment.words):
        _check_word(word, f"{key}.words[{number}]", before, segment.samples)
        before = word.onset_sample


def _check_word(word: PlannedWord, key: str, earliest: int, samples: int) -> None:
    _require(bool(word.word), f"{key}.word", "a word", word.word)
    _require(bool(word.source), f"{key}.source", "a file", word.source)
    _require_sha256(word.sha256, f"{key}.sha256")
    _require(word.start_sample >= 0, f"{key}.start_sample", "0 or more", word.start_sample)
    onset_fits = max(word.start_sample, earliest) <= word.onset_sample
    _require(onset_fits, f"{key}.onset_sample", "behind the start and the word before", word.onset_sample)
    end_fits = word.onset_sample < word.end_sample <= samples
    _require(end_fits, f"{key}.end_sample", "behind the onset and within the segment", word.end_sample)


def _require_sha256(value: str, key: str) -> None:
    digits = len(value) == _SHA256_DIGITS and set(value) <= set("0123456789abcdef")
    _require(digits, key, f"{_SHA256_DIGITS} hexadecimal digits", value)


def _check_finite(value: Any, key: str = "") -> None:
    """JSON may hold NaN, and numbers that are too large for a float."""
    if isinstance(value, dict):
        for name, item in value.items():
            _check_finite(item, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_finite(item, f"{key}[{index}]")
    elif isinstance(value, (int, float)):
        _require(abs(value) < _LARGEST, key, "a finite number", value)


def _require(accepted: bool, key: str, expected: str, value: Any) -> None:
    if not accepted:
        raise _Mismatch(f"should be {expected}, not {json.dumps(value, ensure_ascii=False)[:40]}", key)
