"""Clips of missed and confused words, cut out of the played sound: audio and features."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.records.field_record import FieldRecord, FieldStimulus
from harness.report.pages.missed_words import AROUND_S, Key, begins_s, key_of, picture
from harness.runs.field.paths import PLAN
from harness.sound.playback_plan import PlaybackPlan
from harness.sound.scene import render
from models.data.features import STRIDE_SAMPLES, WINDOW_SAMPLES, micro_features
from models.data.wav import SAMPLE_RATE_HZ, write_wav
from models.views import mel_of

CLIPS = "clips"
MOST_WORDS = 100
"""Words cut out, each with 50 KB of sound and a 10 KB picture."""


def write_clips(plan: PlaybackPlan, record: FieldRecord, folder: Path, most: int = MOST_WORDS) -> FieldRecord:
    """Write for each missed or confused word a WAV and a PNG.

    The sound is the played word with half a second before and after it. The picture extends to the end
    of the detection window; the features are those of a front end that runs since the start of the segment,
    like the board's. A word that several variants missed is cut out once.

    Args:
        plan: of the run.
        record: of the run.
        folder: of the record.
        most: words to cut out; if there are more, some of every condition, label and cause.

    Returns:
        The record with the paths of the files, relative to the folder.

    Raises:
        EarshotError, ModelError: a recording is missing; see `scene.render`.
    """
    chosen = sorted(choose(record, most), key=key_of)
    stems = {key_of(row): f"{CLIPS}/{row.segment:04d}-{round(1000 * row.onset_s):06d}" for row in chosen}
    (folder / CLIPS).mkdir(parents=True, exist_ok=True)
    segments = {segment.number: segment for segment in plan.segments}
    for number, rows in itertools.groupby(chosen, key=lambda row: row.segment):
        if number not in segments:
            raise UsageError(
                f"the plan has no segment {number} of the record",
                where=str(folder / PLAN),
                remedy="Restore the plan that was played.",
            )
        samples = render(plan, segments[number]).samples
        features = micro_features(samples)
        for row in rows:
            _write_word(samples, features, row, record.window_s, folder / stems[key_of(row)])

    def with_clip(row: FieldStimulus) -> FieldStimulus:
        stem = "" if row.correct or not row.counts else stems.get(key_of(row))
        return replace(row, clip=f"{stem}.wav", picture=f"{stem}.png") if stem else row

    return replace(
        record,
        variants=[replace(one, stimuli=[with_clip(row) for row in one.stimuli]) for one in record.variants],
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
