"""A plan made of recordings, conditions and a seed: order, gaps and segments."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import zip_longest
from math import isfinite
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.sound.conditions import Condition, check_conditions, with_noise_files
from harness.sound.keyword_free import KeywordFree, keyword_free
from harness.sound.playback_plan import (
    LONGEST_SEGMENT_S,
    Excluded,
    PlannedWord,
    PlanOptions,
    PlaybackPlan,
    Segment,
    seed_of,
)
from harness.sound.recording_scan import Gathered, Take, gather
from harness.sound.recordings import entries_of
from harness.sound.stimulus import LEAD_IN_S, SHORTEST_S, TAIL_S
from models.data.wav import SAMPLE_RATE_HZ

SHORTEST_GAP_S = 1.5
"""With the second that a recording takes at least, words start 2.5 s apart: the recognizer's suppression of
1.5 s and its average of 1 s. Nearer, a word could be missed because of the one before it."""

JITTER_S = 0.2
"""Each gap is longer by up to this: recordings of exactly a second would otherwise all meet slices (20 ms)
and inferences (up to 0.2 s) in the same phase."""

QUICK_S = 60.0
"""The longest quick plan."""

SHORTEST_SEGMENT_S = 10.0
"""Holds lead-in, tail and a word."""


def make_plan(folder: Path, options: PlanOptions, words: Collection[str] = ()) -> PlaybackPlan:
    """Plans what is played: every usable recording `repeats` times under each condition.

    Each repetition has an order of its own, drawn from the seed. All conditions get the same words in the
    same order at the same places and, but for its level, the same noise, so that they can be compared word
    by word. The same arguments give the same plan.

    Args:
        folder: of recordings; see `gathering.gather`.
        options: everything else.
        words: keywords of the models. A quick plan takes as many recordings of each as of all other words
            together; without them as many of every word.

    Raises:
        UsageError: no usable recording, or options that cannot be; with what would do.
    """
    _check(options)
    folder = folder.resolve()
    conditions = with_noise_files(options.conditions, folder)
    if options.quick:
        options = replace(options, repeats=1, keyword_free=None, keyword_free_s=0.0, segment_s=QUICK_S)
        conditions = conditions[:1]
        gathered, there_are = _few(folder, options, words)
    else:
        gathered = gather(folder)
    longest = _samples(options.segment_s) - _samples(LEAD_IN_S) - _samples(TAIL_S)
    fitting = [take for take in gathered.takes if take.samples <= longest]
    unfit = [take for take in gathered.takes if take.samples > longest]
    if not fitting:
        raise UsageError(
            f"no recording is short enough for segments of {options.segment_s:g} s",
            where=str(folder),
            remedy="Cut the recordings into single words.",
        )
    laid, notes = _laid_out(fitting, options), gathered.notes
    if options.quick:
        laid = laid[:1]
        notes += (
            f"a quick plan: {len(laid[0][1])} of {there_are} recordings, one condition, nothing keyword-free",
        )
    free = keyword_free(options, conditions, folder)
    return PlaybackPlan(
        folder,
        options.seed,
        options.gap_s,
        options.repeats,
        conditions,
        _segments(laid, free, conditions, options.seed),
        (*gathered.excluded, *(_too_long(take) for take in unfit), *free.excluded),
        (*notes, *free.notes),
    )


def _check(options: PlanOptions) -> None:
    check_conditions(options.conditions)
    if not (isfinite(options.gap_s) and options.gap_s >= SHORTEST_GAP_S):
        raise UsageError(
            f"a gap of {options.gap_s:g} s is too short: the recognizer would miss words for the one before",
            remedy=f"Give at least {SHORTEST_GAP_S:g} s.",
        )
    if options.repeats < 1:
        raise UsageError(
            f"recordings cannot be played {options.repeats} times", remedy="Give 1 or more repetitions."
        )
    if not (isfinite(options.keyword_free_s) and options.keyword_free_s >= 0):
        raise UsageError(
            f"there cannot be {options.keyword_free_s:g} s of keyword-free audio", remedy="Give 0 or more."
        )
    if not SHORTEST_SEGMENT_S <= options.segment_s <= LONGEST_SEGMENT_S:
        raise UsageError(
            f"segments cannot have {options.segment_s:g} s",
            remedy=f"Give {SHORTEST_SEGMENT_S:g} to {LONGEST_SEGMENT_S:g} s.",
        )


def _few(folder: Path, options: PlanOptions, words: Collection[str]) -> tuple[Gathered, int]:
    """As many recordings as a quick plan holds, of all words in turn, and how many there are."""
    entries = entries_of(folder)
    keywords = {word.casefold() for word in words}
    groups: dict[str, list[tuple[Path, str]]] = {}
    for index in np.random.default_rng(seed_of(options.seed, "quick")).permutation(len(entries)):
        word = entries[index][1].casefold()
        groups.setdefault(word if word in keywords or not keywords else "", []).append(entries[index])
    in_turn = zip_longest(*(groups[name] for name in sorted(groups)))
    dealt = [entry for turn in in_turn for entry in turn if entry is not None]
    each_s = SHORTEST_S + options.gap_s + JITTER_S / 2
    enough = int((QUICK_S - LEAD_IN_S - TAIL_S + options.gap_s) / each_s)
    return gather(folder, dealt, at_most=enough), len(entries)


def _laid_out(takes: Sequence[Take], options: PlanOptions) -> list[tuple[int, tuple[PlannedWord, ...]]]:
    """The words of each segment where they are said in it, and its length."""
    segments: list[tuple[int, tuple[PlannedWord, ...]]] = []
    words: list[PlannedWord] = []
    start = end = _samples(LEAD_IN_S)
    for repetition in range(options.repeats):
        generator = np.random.default_rng(seed_of(options.seed, "order", repetition))
        for index in generator.permutation(len(takes)):
            take = takes[index]
            taken = max(take.samples, _samples(SHORTEST_S))
            if start + taken + _samples(TAIL_S) > _samples(options.segment_s):
                segments.append((end + _samples(TAIL_S), tuple(words)))
                words, start = [], _samples(LEAD_IN_S)
            words.append(_placed(take, start))
            end = start + taken
            start = end + _samples(options.gap_s + generator.uniform(0, JITTER_S))
    return [*segments, (end + _samples(TAIL_S), tuple(words))]


def _placed(take: Take, start: int) -> PlannedWord:
    return PlannedWord(
        take.word, take.source, take.sha256, take.speaker, start, start + take.onset, start + take.end
    )


def _segments(
    laid: Sequence[tuple[int, tuple[PlannedWord, ...]]],
    free: KeywordFree,
    conditions: Sequence[Condition],
    seed: int,
) -> tuple[Segment, ...]:
    """Condition by condition, its words before its keyword-free audio, numbered from 1."""
    segments: list[Segment] = []
    for condition in conditions:
        segments += [
            Segment(0, condition.name, samples, seed_of(seed, "words", index), words)
            for index, (samples, words) in enumerate(laid)
        ]
        segments += [segment for segment in free.segments if segment.condition == condition.name]
    return tuple(replace(segment, number=number) for number, segment in enumerate(segments, 1))


def _too_long(take: Take) -> Excluded:
    return Excluded(take.source, f"too long for a segment: {take.samples / SAMPLE_RATE_HZ:.1f} s")


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)
