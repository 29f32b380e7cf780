"""Clips of missed and confused words, cut out of the played sound: audio, features, scores."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.measure.listening_log import read_listening
from harness.records.field_record import FieldRecord, FieldSegment, FieldStimulus, FieldVariant
from harness.report.pages.missed_words import AROUND_S, Key, begins_s, key_of, picture, scores_file
from harness.sound.playback_plan import PlaybackPlan
from harness.sound.scene import render
from models.data.features import STRIDE_SAMPLES, WINDOW_SAMPLES, micro_features
from models.data.wav import SAMPLE_RATE_HZ, write_wav
from models.views import mel_of

CLIPS = "clips"
MOST_WORDS = 100
"""Words cut out, each with 50 KB of sound and a 10 KB picture."""


def write_clips(plan: PlaybackPlan, record: FieldRecord, folder: Path, most: int = MOST_WORDS) -> FieldRecord:
    """Write for each missed or confused word a WAV, a PNG, and the scores as CSV.

    The sound is the played word with half a second before and after it. Picture and scores extend to the end
    of the detection window; the features are those of a front end that runs since the start of the segment,
    like the board's. A word that several variants missed is cut out once.

    Args:
        plan: of the run.
        record: of the run; its transcripts are read.
        folder: of the record.
        most: words to cut out; if there are more, some of every condition, label and cause.

    Returns:
        The record with the paths of the files, relative to the folder.

    Raises:
        EarshotError, ModelError: a recording or a transcript is missing; see `scene.render` and
            `listening_log.read_listening`.
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
    """Choose the words to cut out: all that some variant missed, or `most` dealt evenly to all kinds."""
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
    """Add the paths of the clips to a variant and write its scores."""
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
    """Write the scores of every inference around each word, times in seconds of the segment's sound."""
    log = read_listening(folder / segment.transcript)
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
