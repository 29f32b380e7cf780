"""A plan as JSON: written whole or not at all, and read with every key checked."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files import write_atomic
from harness.records.typed import Mismatch, reader_of
from harness.sound.conditions import check_conditions
from harness.sound.playback_plan import LONGEST_SEGMENT_S, NOISES, Plan, PlannedWord, Segment
from harness.sound.sources import check_files
from models.data.wav import SAMPLE_RATE_HZ

PLAN_SCHEMA = 1
"""Version of the file. Later versions read what this one wrote: new fields get defaults."""

_DAMAGED = "Make a new plan, or restore the file from where it was written."
_SHA256_DIGITS = 64
_LARGEST = 1e300


def write_plan(plan: Plan, path: Path) -> None:
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


def read_plan(path: Path, check: bool = True) -> Plan:
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
        plan: Plan = reader_of(Plan)(data)
        _check(plan)
    except Mismatch as mismatch:
        raise UsageError(f"the plan is damaged: {mismatch}", where=str(path), remedy=_DAMAGED) from None
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


def _check(plan: Plan) -> None:
    """What the types do not say; a plan may have been written by hand."""
    try:
        check_conditions(plan.conditions)
    except UsageError as problem:
        raise Mismatch(
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
        raise Mismatch(f"should be {expected}, not {json.dumps(value, ensure_ascii=False)[:40]}", key)
