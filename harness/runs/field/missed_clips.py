"""Each word that was not heard as what it is, cut out of what was played: sound, features, scores."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.measure.field_reading import read_segment
from harness.records.field_record import FieldRecord, FieldSegment, FieldStimulus, FieldVariant
from harness.report.pages.missed_words import AROUND_S, Key, begins_s, key_of, picture, scores_file
from harness.sound.playback_plan import PlaybackPlan
from harness.sound.scene import render
from models.data.features import STRIDE_SAMPLES, WINDOW_SAMPLES, micro_features
from models.data.wav import SAMPLE_RATE_HZ, write_wav
from models.views import mel_of

CLIPS = "clips"
MOST = 100
"""Words that are cut out: 50 KB of sound and 10 KB of picture each, and more than most people listen to."""


def write(plan: PlaybackPlan, record: FieldRecord, folder: Path, most: int = MOST) -> FieldRecord:
    """Writes the clips of a field run into its folder: for each word a WAV, a PNG, and the scores as CSV.

    The sound is the word with half a second before and after it, as it was played. Picture and scores go on
    to the end of the time in which it could have been heard; the features are those of a front end that runs
    on since the beginning of the segment, as the board's does. A word that several variants missed is cut out
    once.

    Args:
        plan: what was played.
        record: what was heard; its transcripts are read.
        folder: of the record.
        most: words that are cut out; where there are more, some of every condition, label and cause.

    Returns:
        The record with the paths of the files, relative to the folder.

    Raises:
        EarshotError, ModelError: a recording or a transcript is not there any more; see `scene.render` and
            `field_reading.read_segment`.
    """
    chosen = sorted(choose(record, most), key=key_of)
    stems = {key_of(row): f"{CLIPS}/{row.segment:04d}-{round(1000 * row.onset_s):06d}" for row in chosen}
    (folder / CLIPS).mkdir(parents=True, exist_ok=True)
    segments = {segment.number: segment for segment in plan.segments}
    for number, rows in itertools.groupby(chosen, key=lambda row: row.segment):
        samples = render(plan, segments[number]).samples
        features = micro_features(samples)
        for row in rows:
            _write_word(samples, features, row, record.window_s, folder / stems[key_of(row)])
    return replace(
        record,
        variants=[_with_clips(variant, stems, record.window_s, folder) for variant in record.variants],
    )


def choose(record: FieldRecord, most: int) -> list[FieldStimulus]:
    """The words that are cut out: all that some variant missed, or as many of each kind as there is room for.

    Args:
        record: what was heard.
        most: how many words at most.
    """
    kinds: dict[tuple[str, str, str], dict[Key, FieldStimulus]] = {}
    known: set[Key] = set()
    for variant in record.variants:
        for row in variant.stimuli:
            if row.counts and not row.correct and key_of(row) not in known:
                known.add(key_of(row))
                kinds.setdefault((row.condition, row.label, row.cause), {})[key_of(row)] = row
    by_turns = itertools.zip_longest(*(rows.values() for rows in kinds.values()))
    return list(itertools.islice((row for turn in by_turns for row in turn if row), most))


def _write_word(
    samples: NDArray[np.int16], features: NDArray[np.uint16], row: FieldStimulus, window_s: float, stem: Path
) -> None:
    """The sound and the picture; the latter ends with the segment where that is earlier than the window."""
    begin = round(begins_s(row) * SAMPLE_RATE_HZ)
    write_wav(stem.with_suffix(".wav"), samples[begin : round((row.end_s + AROUND_S) * SAMPLE_RATE_HZ)])
    seen = samples[begin : round((row.end_s + window_s) * SAMPLE_RATE_HZ)]
    first = begin // STRIDE_SAMPLES
    slices = (len(seen) - WINDOW_SAMPLES) // STRIDE_SAMPLES + 1
    drawn = picture(mel_of(seen).values, features[first : first + slices])
    stem.with_suffix(".png").write_bytes(drawn)


def _with_clips(
    variant: FieldVariant, stems: Mapping[Key, str], window_s: float, folder: Path
) -> FieldVariant:
    """The variant with the paths of what was cut out, its scores written beside it."""
    rows = [
        replace(row, clip=f"{stem}.wav", picture=f"{stem}.png")
        if not row.correct and row.counts and (stem := stems.get(key_of(row)))
        else row
        for row in variant.stimuli
    ]
    for segment in variant.segments:
        own = [row for row in rows if row.segment == segment.number and row.clip]
        if own:
            _write_scores(variant, segment, own, window_s, folder)
    return replace(variant, stimuli=rows)


def _write_scores(
    variant: FieldVariant, segment: FieldSegment, rows: Sequence[FieldStimulus], window_s: float, folder: Path
) -> None:
    """The scores of every inference around each word, times in seconds of the segment's sound."""
    log = read_segment(folder / segment.transcript)
    times_s = log.times_ms / 1000 - segment.acoustic.get("sound_starts_s", 0.0)
    for row in rows:
        near = (times_s >= begins_s(row)) & (times_s <= row.end_s + window_s)
        lines = [["time_s", *variant.labels]]
        lines += [
            [f"{at_s:.3f}", *map(str, scores)]
            for at_s, scores in zip(times_s[near].tolist(), log.scores[near].tolist(), strict=True)
        ]
        with (folder / scores_file(variant, row)).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(lines)
