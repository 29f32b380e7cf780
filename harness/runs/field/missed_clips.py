"""Clips of missed and confused words, cut out of the played sound: audio and features."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.records.field_record import FieldRecord, FieldStimulus, FieldVariant
from harness.report.pages.missed_words import AROUND_S, Key, begins_s, is_missed, key_of, picture
from harness.runs.field.paths import PLAN
from harness.sound.playback_plan import PlaybackPlan
from harness.sound.scene import render
from models.data.features import STRIDE_SAMPLES, WINDOW_SAMPLES
from models.data.front_ends import load_front_end
from models.data.wav import SAMPLE_RATE_HZ, write_wav
from models.views import mel_of

CLIPS = "clips"
MOST_WORDS = 100
"""Words cut out, each with 50 KB of sound and a 10 KB picture."""


def write_clips(plan: PlaybackPlan, record: FieldRecord, folder: Path) -> FieldRecord:
    """Write for each missed or confused word a WAV and a PNG.

    The sound is the played word with half a second before and after it. The picture extends to the end
    of the detection window; the features are those of the variant's front end, which runs since the start of
    the segment, like the board's. A word that several variants missed is cut out once, and drawn once for
    each of their front ends.

    Of more words than `MOST_WORDS`, some of every condition, label and cause are cut out.

    Returns:
        The record with the paths of the files, relative to the folder.

    Raises:
        EarshotError, ModelError: a recording is missing; see `scene.render`.
    """
    chosen = sorted(choose(record, MOST_WORDS), key=key_of)
    stems = {key_of(row): f"{CLIPS}/{row.segment:04d}-{round(1000 * row.onset_s):06d}" for row in chosen}
    missed_by: dict[Key, dict[str, None]] = {}
    for variant in record.variants:
        for row in filter(is_missed, variant.stimuli):
            missed_by.setdefault(key_of(row), {})[variant.front_end] = None
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
        slices: dict[str, NDArray[np.uint16]] = {}
        for row in rows:
            stem = folder / stems[key_of(row)]
            begin = round(begins_s(row) * SAMPLE_RATE_HZ)
            end = round((row.end_s + AROUND_S) * SAMPLE_RATE_HZ)
            write_wav(stem.with_suffix(".wav"), samples[begin:end])
            seen = samples[begin : round((row.end_s + record.window_s) * SAMPLE_RATE_HZ)]
            for name in missed_by[key_of(row)]:
                front_end = load_front_end(name)
                if name not in slices:
                    slices[name] = front_end.slices(samples)
                features = front_end.window(_part(slices[name], begin, len(seen)))
                drawn = picture(mel_of(seen).values, features, apart=front_end.zero > 0)
                (folder / picture_path(stems[key_of(row)], name)).write_bytes(drawn)

    def with_clip(variant: FieldVariant, row: FieldStimulus) -> FieldStimulus:
        stem = stems.get(key_of(row)) if is_missed(row) else None
        drawn = picture_path(stem, variant.front_end) if stem else ""
        return replace(row, clip=f"{stem}.wav", picture=drawn) if stem else row

    return replace(
        record,
        variants=[
            replace(one, stimuli=[with_clip(one, row) for row in one.stimuli]) for one in record.variants
        ],
    )


def choose(record: FieldRecord, most: int) -> list[FieldStimulus]:
    """Choose the words to cut out: all that some variant missed, or `most` dealt evenly to all kinds."""
    kinds: dict[tuple[str, str, str], dict[Key, FieldStimulus]] = {}
    known: set[Key] = set()
    for variant in record.variants:
        for row in variant.stimuli:
            if is_missed(row) and key_of(row) not in known:
                known.add(key_of(row))
                kinds.setdefault((row.condition, row.label, row.cause), {})[key_of(row)] = row
    by_turns = itertools.zip_longest(*(rows.values() for rows in kinds.values()))
    return list(itertools.islice((row for turn in by_turns for row in turn if row), most))


def picture_path(stem: str, front_end: str) -> str:
    """Return the path of a word's picture with the features of a front end."""
    return f"{stem}-{front_end}.png"


def _part(slices: NDArray[np.uint16], begin: int, samples: int) -> NDArray[np.uint16]:
    """Return the slices of some samples from `begin` on."""
    first = begin // STRIDE_SAMPLES
    return slices[first : first + (samples - WINDOW_SAMPLES) // STRIDE_SAMPLES + 1]
