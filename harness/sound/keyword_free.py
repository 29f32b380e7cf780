"""Keyword-free segments of a playback plan: generated noise, or a user's audio without any keyword."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.sound.conditions import Condition, relative_to
from harness.sound.levels import power_dbfs
from harness.sound.playback_plan import PlanOptions, Scan, Segment, seed_of
from harness.sound.sound_files import length_of, notes_on, read_part
from models.data.sound_folder import Excluded, list_sounds, reasons
from models.data.wav import SAMPLE_RATE_HZ
from models.errors import DatasetError
from models.store import sha256_of

SHORTEST_S = 10.0
"""Shortest keyword-free segment: the front end takes 2 s to settle, and starting a board takes longer."""

SILENT_DBFS = -90.0
"""Digital silence has a lower RMS; a quiet room is louder."""

_BLOCK = 60 * SAMPLE_RATE_HZ


def keyword_free(options: PlanOptions, conditions: Sequence[Condition], folder: Path) -> Scan[Segment]:
    """Make the keyword-free segments of a plan, not yet numbered, dealt to the conditions in turn.

    Raises:
        UsageError: nothing usable in the user's folder, or too little for each condition.
    """
    if options.keyword_free is not None:
        return _from_files(options.keyword_free, options, conditions, folder)
    if not options.keyword_free_s:
        return Scan()
    each_s = options.keyword_free_s / len(conditions)
    if each_s < SHORTEST_S:
        raise UsageError(
            f"{options.keyword_free_s:g} s of keyword-free audio are too little for {len(conditions)} "
            "conditions",
            remedy=f"Give at least {SHORTEST_S * len(conditions):g} s.",
        )
    pieces = ceil(each_s / options.segment_s)
    samples = round(each_s / pieces * SAMPLE_RATE_HZ)
    segments = [
        Segment(0, condition.name, samples, seed_of(options.seed, "keyword-free", condition.name, piece), ())
        for piece in range(pieces)
        for condition in conditions
    ]
    note = "keyword-free audio is generated: noise, and babble of reversed speech; no natural speech"
    return Scan(tuple(segments), notes=(note,))


def _from_files(
    place: Path, options: PlanOptions, conditions: Sequence[Condition], folder: Path
) -> Scan[Segment]:
    if not place.exists():
        raise UsageError(
            "the keyword-free audio does not exist",
            where=str(place),
            remedy="Name an existing folder or WAV file.",
        )
    files, others = list_sounds(place) if place.is_dir() else ([place], [])
    excluded = [Excluded(f"{relative_to(place, folder)}/{each.source}", each.reason) for each in others]
    notes: list[str] = []
    pieces: list[Segment] = []
    for path in files:
        source = relative_to(path, folder)
        try:
            reason = _unusable(path)
        except DatasetError as problem:
            reason = problem.what
        if reason:
            excluded.append(Excluded(source, reason))
            continue
        notes += [f"{source}: {each}" for each in notes_on(path)]
        pieces += _cut(path, source, options)
    if not pieces:
        raise UsageError(
            f"there is no usable keyword-free audio{reasons(excluded)}",
            where=str(place),
            remedy=f"Put WAV files of at least {SHORTEST_S:g} s without any keyword there.",
        )
    if options.keyword_free_s:
        pieces = _at_most(pieces, round(options.keyword_free_s * SAMPLE_RATE_HZ))
        found_s = sum(piece.samples for piece in pieces) / SAMPLE_RATE_HZ
        if found_s < options.keyword_free_s - SHORTEST_S:
            notes.append(f"keyword-free audio: {found_s:.0f} s instead of {options.keyword_free_s:g} s")
    segments = tuple(
        replace(
            piece,
            condition=conditions[number % len(conditions)].name,
            seed=seed_of(options.seed, "keyword-free", number),
        )
        for number, piece in enumerate(pieces)
    )
    return Scan(segments, tuple(excluded), tuple(notes))


def _unusable(path: Path) -> str:
    """Return the reason for excluding a file; "" if it is usable."""
    length = length_of(path)
    if length < SHORTEST_S * SAMPLE_RATE_HZ:
        return f"too short for keyword-free audio: {length / SAMPLE_RATE_HZ:.1f} s"
    blocks = (read_part(path, start, min(_BLOCK, length - start)) for start in range(0, length, _BLOCK))
    power = sum(float(np.square(block, dtype=np.float64).sum()) for block in blocks) / length
    return f"silent: {power_dbfs(power):.0f} dBFS" if power_dbfs(power) < SILENT_DBFS else ""


def _cut(path: Path, source: str, options: PlanOptions) -> list[Segment]:
    """Cut a file into segments of equal length."""
    length, digest = length_of(path), sha256_of(path)
    pieces = ceil(length / (options.segment_s * SAMPLE_RATE_HZ))
    samples = length // pieces
    return [Segment(0, "", samples, 0, (), source, piece * samples, digest) for piece in range(pieces)]


def _at_most(pieces: Sequence[Segment], samples: int) -> list[Segment]:
    """Keep the first pieces up to a number of samples; drop a last piece that is too short."""
    kept: list[Segment] = []
    for piece in pieces:
        count = min(piece.samples, samples - sum(each.samples for each in kept))
        if kept and count < SHORTEST_S * SAMPLE_RATE_HZ:
            break
        kept.append(replace(piece, samples=count))
    return kept
