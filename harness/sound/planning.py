"""Playback plans made from recordings, conditions and a seed: order, gaps and segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from math import isfinite
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.sound.conditions import Condition, check_conditions, with_noise_files
from harness.sound.keyword_free import keyword_free
from harness.sound.playback_plan import (
    LONGEST_SEGMENT_S,
    PlannedWord,
    PlanOptions,
    PlaybackPlan,
    Segment,
    seed_of,
)
from harness.sound.recording_scan import UsableRecording, scan_recordings
from harness.sound.recordings import Entry, entries_of
from harness.sound.sound_files import notes_on
from harness.sound.stimulus import LEAD_IN_S, SHORTEST_S, TAIL_S, to_samples
from models import progress
from models.data.dataset import BACKGROUND_FOLDER, NO_CLIPS, SpeechCommands
from models.data.sound_folder import Excluded, plain
from models.data.splits import counted, remedy_of
from models.data.wav import SAMPLE_RATE_HZ

SHORTEST_GAP_S = 1.5
"""Words then start at least 2.5 s apart: the longest suppression that `earshot tune` tries, 1.5 s, and the
longest average, 1 s. A nearer word could be missed because of the one before it."""

JITTER_S = 0.2
"""Longest random extension of a gap: recordings of exactly a second would otherwise all have the same
phase relative to slices (20 ms) and inferences (up to 0.2 s)."""

QUICK_S = 60.0
"""The longest quick plan."""

SHORTEST_SEGMENT_S = 10.0
"""Holds lead-in, tail and a word."""


def make_plan(folder: Path, options: PlanOptions, words: Sequence[str] = ()) -> PlaybackPlan:
    """Plan the playback of every usable recording, `repeats` times under each condition.

    Each repetition has its own order, drawn from the seed. All conditions get the same words in the same
    order at the same places and, except for its level, the same noise, so that they can be compared word by
    word. The same arguments give the same plan.

    Args:
        folder: of recordings; see `recording_scan.scan_recordings`.
        words: keywords of the models: labels but silence and unknown. A quick plan takes as many recordings
            of each as of all other words together; without keywords the same number of every word.

    Raises:
        UsageError: no usable recording, or impossible options; the remedy names possible ones.
    """
    _check(options)
    folder = folder.resolve()
    conditions = with_noise_files(options.conditions, folder)
    entries, excluded = entries_of(folder, words)
    if options.split:
        entries = _of_split(folder, entries, options.split)
    available, most = len(entries), None
    if options.quick:
        options, conditions = replace(options, segment_s=QUICK_S), conditions[:1]
        entries, most = _deal(entries, options, words)
    scan = scan_recordings(folder, words, entries, most)
    for doubt in scan.doubts:
        progress.warn(doubt)
    longest = to_samples(options.segment_s) - to_samples(LEAD_IN_S) - to_samples(TAIL_S)
    fitting = [recording for recording in scan.usable if recording.samples <= longest]
    too_long = [
        Excluded(each.source, f"too long for a segment: {each.samples / SAMPLE_RATE_HZ:.1f} s")
        for each in scan.usable
        if each.samples > longest
    ]
    if not fitting:
        raise UsageError(
            f"no recording is short enough for segments of {options.segment_s:g} s",
            where=str(folder),
            remedy="Cut the recordings into single words.",
        )
    layout, notes = _lay_out(fitting, options), scan.notes
    if options.quick:
        layout = layout[:1]
        words_of = f"{len(layout[0][1])} of {available} recordings"
        notes += (f"quick plan: {words_of}, one condition, no keyword-free audio",)
    free = keyword_free(options, conditions, folder)
    return PlaybackPlan(
        folder,
        options.seed,
        options.gap_s,
        options.repeats,
        conditions,
        _segments(layout, free.usable, conditions, options.seed),
        (*excluded, *scan.excluded, *too_long, *free.excluded),
        (*notes, *_noise_notes(conditions, folder), *free.notes),
    )


def _noise_notes(conditions: Sequence[Condition], folder: Path) -> list[str]:
    files = dict.fromkeys(condition.noise for condition in conditions if condition.noise_sha256)
    return [f"{noise}: {note}" for noise in files for note in notes_on(folder / noise)]


def _check(options: PlanOptions) -> None:
    check_conditions(options.conditions)
    if not (isfinite(options.gap_s) and options.gap_s >= SHORTEST_GAP_S):
        raise UsageError(
            f"a gap of {options.gap_s:g} s is too short: the recognizer would miss words because of the "
            "previous one",
            remedy=f"Give --gap {SHORTEST_GAP_S:g} or more.",
        )
    if options.repeats < 1:
        raise UsageError(
            f"recordings cannot be played {options.repeats} times", remedy="Give --repeat 1 or more."
        )
    if not (isfinite(options.keyword_free_s) and options.keyword_free_s >= 0):
        raise UsageError(
            f"keyword-free audio cannot last {options.keyword_free_s:g} s",
            remedy="Give --keyword-free 0 or more hours.",
        )
    if options.quick and (options.repeats > 1 or options.keyword_free or options.keyword_free_s):
        raise UsageError(
            "--quick plays each recording once, and no keyword-free audio",
            remedy="Omit --repeat and --keyword-free, or omit --quick.",
        )
    if not SHORTEST_SEGMENT_S <= options.segment_s <= LONGEST_SEGMENT_S:
        raise UsageError(
            f"segments of the plan cannot last {options.segment_s:g} s",
            remedy=f"Give {SHORTEST_SEGMENT_S:g} to {LONGEST_SEGMENT_S:g} s.",
        )


def _of_split(folder: Path, entries: Sequence[Entry], split: str) -> list[Entry]:
    """Return the recordings of a set of a dataset, without its noise."""
    dataset = SpeechCommands(folder, NO_CLIPS)
    entries = [one for one in entries if one.path.parent.name != BACKGROUND_FOLDER]
    splits = [dataset.split_of(one.path.relative_to(folder).as_posix()) for one in entries]
    found = [one for one, own in zip(entries, splits, strict=True) if own == split]
    if not found:
        raise UsageError(
            f"the {split} split has no recording: {counted(splits)}",
            where=str(folder),
            remedy=remedy_of(folder),
        )
    return found


def _deal(entries: Sequence[Entry], options: PlanOptions, words: Sequence[str]) -> tuple[list[Entry], int]:
    """Return the recordings of all words in turn, and how many of them a quick plan holds."""
    keywords = set(map(plain, words))
    groups: dict[str, list[Entry]] = {}
    for index in np.random.default_rng(seed_of(options.seed, "quick")).permutation(len(entries)):
        word = plain(entries[index].word)
        groups.setdefault(word if word in keywords or not keywords else "", []).append(entries[index])
    in_turn = zip_longest(*(groups[name] for name in sorted(groups)))
    dealt = [entry for turn in in_turn for entry in turn if entry is not None]
    each_s = SHORTEST_S + options.gap_s + JITTER_S / 2
    return dealt, int((QUICK_S - LEAD_IN_S - TAIL_S + options.gap_s) / each_s)


def _lay_out(
    recordings: Sequence[UsableRecording], options: PlanOptions
) -> list[tuple[int, tuple[PlannedWord, ...]]]:
    """Place the words in segments; return the length of each segment in samples, and its words."""
    segments: list[tuple[int, tuple[PlannedWord, ...]]] = []
    words: list[PlannedWord] = []
    start = end = to_samples(LEAD_IN_S)
    for repetition in range(options.repeats):
        generator = np.random.default_rng(seed_of(options.seed, "order", repetition))
        for index in generator.permutation(len(recordings)):
            each = recordings[index]
            length = max(each.samples, to_samples(SHORTEST_S))
            if start + length + to_samples(TAIL_S) > to_samples(options.segment_s):
                segments.append((end + to_samples(TAIL_S), tuple(words)))
                words, start = [], to_samples(LEAD_IN_S)
            onset, word_end = start + each.onset, start + each.end
            words.append(
                PlannedWord(each.word, each.source, each.sha256, each.speaker, start, onset, word_end)
            )
            end = start + length
            start = end + to_samples(options.gap_s + generator.uniform(0, JITTER_S))
    return [*segments, (end + to_samples(TAIL_S), tuple(words))]


def _segments(
    layout: Sequence[tuple[int, tuple[PlannedWord, ...]]],
    free: Sequence[Segment],
    conditions: Sequence[Condition],
    seed: int,
) -> tuple[Segment, ...]:
    """Order the segments by condition, words before keyword-free audio, and number them from 1."""
    segments: list[Segment] = []
    for condition in conditions:
        segments += [
            Segment(0, condition.name, samples, seed_of(seed, "words", index), words)
            for index, (samples, words) in enumerate(layout)
        ]
        segments += [segment for segment in free if segment.condition == condition.name]
    return tuple(replace(segment, number=number) for number, segment in enumerate(segments, 1))
