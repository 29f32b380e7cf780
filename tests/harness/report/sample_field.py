"""A made-up field record of plausible size; not a measurement."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.records.field_record import (
    CAUSES,
    ClipResult,
    DetPoint,
    FieldFalseAccept,
    FieldRecord,
    FieldSegment,
    FieldStimulus,
    FieldTiming,
    FieldVariant,
    Replay,
)
from harness.records.record import BoardRow, Fault, LabelCount, ModelRow
from harness.report.pages.missed_words import picture
from models.data.wav import write_wav

LABELS = ["silence", "unknown", "yes", "no"]
SNRS_DB, DISTANCES_M = (20.0, 10.0, 0.0), (0.5, 2.0, 4.0)
WORDS = ("yes", "no", "bed", "yes", "no", "seven", "yes", "no", "yes", "no")
SPEAKERS = ("andy", "belinda", "carla", "")
SEGMENT_S, KEYWORD_FREE_S = 32.0, 600.0
STAGES_US = {"preprocess": 1021.0, "inference": 11_043.0, "postprocess": 31.0}

TITLE = "Emulated Cortex-M4F, 64 MHz (modeled cycles)"
BOARD = BoardRow("emulated", "emulated-test-data", TITLE, 64_000_000, "modeled cycles", 983_040, 262_144)


def sample_field() -> FieldRecord:
    """Return a record of nine conditions with a fast, a slow and a failed variant."""
    command = "earshot field --snr 20,10,0 --distance 0.5,2,4"
    return FieldRecord(
        run={
            "started": "2024-05-01T01:00:00+00:00",
            "ended": "2024-05-01T01:04:21+00:00",
            "command": command,
        },
        code={"commit": "0123456789abcdef", "dirty": False, "harness_version": "0.1.0"},
        environment={"system": "Debian GNU/Linux 12", "python": "3.11.7"},
        board=BOARD,
        plan={"file": "plan.json", "seed": 1},
        conditions=conditions(),
        excluded=[
            {"source": "yes/quiet.wav", "reason": "silent"},
            {"source": "no/cut.wav", "reason": "too short: 0.12 s"},
        ],
        notes=["yes/loud.wav: 312 samples clipped", "no/phone.wav: resampled from 44100 Hz"],
        variants=[variant_of("tinyconv-int8", "TinyConv, int8", 0.0, seed=1), slow(), failed()],
        threshold=200,
        window_s=1.0,
    )


def conditions() -> list[dict[str, object]]:
    room = {"rt60_s": 0.4, "room_m": [5.0, 4.0, 2.7], "noise": "pink", "background_dbfs": -60.0}
    return [
        {"name": f"{distance:g} m, {snr:g} dB", "distance_m": distance, "snr_db": snr} | room
        for distance in DISTANCES_M
        for snr in SNRS_DB
    ]


def variant_of(identity: str, title: str, worse: float, seed: int) -> FieldVariant:
    """Return a variant with all words; `worse` raises its miss rate, 0 to 1."""
    dice = random.Random(seed)
    stimuli = [stimulus for number in range(1, 10) for stimulus in segment_words(number, worse, dice)]
    stimuli[1] = replace(stimuli[1], excluded="2 records lost within its window", correct=False, cause="")
    segments = [segment(number, identity, seed) for number in range(1, 11)]
    return FieldVariant(
        id=identity,
        title=title,
        labels=LABELS,
        model=model(dice),
        segments=segments,
        stimuli=stimuli,
        false_accepts=[
            FieldFalseAccept(10, conditions_name(10), "no", 204, 122.4),
            FieldFalseAccept(10, conditions_name(10), "yes", 211, 431.02),
            FieldFalseAccept(3, conditions_name(3), "yes", 207, 9.9, within_word=True),
        ],
        timing=FieldTiming(20.0, 40.0, 60.0, STAGES_US, 1.65, overruns=0, samples_lost=0, inferences=44_400),
        det=det(stimuli),
        clips=[
            ClipResult(f"{word}/andy.wav", word, label_of(word), label_of(word), 0.91, True)
            for word in dict.fromkeys(WORDS)
        ],
        replay=Replay(20.0, correct=sum(row.correct for row in stimuli), total=len(stimuli) - 1),
        reference={"inferences": 44_400, "equal": 44_400, "max_difference": 0},
        notes=["Segment 3 was measured twice: the emulator had not started."],
    )


def slow() -> FieldVariant:
    """Return a variant that misses words only because it is slow."""
    variant = variant_of("tinyconv-float32", "TinyConv, float32", 0.12, seed=2)
    stimuli = variant.stimuli
    late = [i for i, row in enumerate(stimuli) if row.cause and row.counts and row.detected is None][::3]
    first, second, third, *others = variant.segments
    assert variant.timing and variant.replay
    return replace(
        variant,
        stimuli=[replace(row, cause="latency") if i in late else row for i, row in enumerate(stimuli)],
        segments=[
            replace(first, samples_lost=512, note="the board lost audio twice"),
            replace(second, records_lost=3),
            replace(third, complete=False, clipped_samples=44),
            *others,
        ],
        timing=FieldTiming(140.0, 180.0, 470.0, STAGES_US, 0.81, 2, samples_lost=512, inferences=6_340),
        replay=replace(variant.replay, correct=variant.replay.correct + len(late)),
        reference={"inferences": 6_340, "equal": 6_331, "max_difference": 3},
        notes=[],
    )


def failed() -> FieldVariant:
    message = "does-not-fit: the image needs 301,000 bytes of ram, the board has 262,144"
    return FieldVariant(
        id="dscnn-float32", title="DS-CNN, float32", labels=LABELS, faults=[Fault("does-not-fit", message)]
    )


def acoustic() -> FieldVariant:
    """Return a variant on the acoustic route."""
    variant = variant_of("tinyconv-int8", "TinyConv, int8", 0.05, seed=3)
    return replace(variant, route="acoustic", replay=None, reference={}, clips=[])


def command_mode() -> FieldVariant:
    """Return a variant with single clips in command mode only."""
    clips = [
        ClipResult("yes/andy.wav", "yes", "yes", "yes", 0.97, True),
        ClipResult("no/andy.wav", "no", "no", "unknown", 0.55, False),
        ClipResult("bed/andy.wav", "bed", "unknown", "unknown", 0.88, None),
    ]
    return FieldVariant("tinyconv-int8", "TinyConv, int8", LABELS, route="clip", clips=clips)


def label_of(word: str) -> str:
    return word if word in LABELS else "unknown"


def conditions_name(number: int) -> str:
    return str(conditions()[(number - 1) % 9]["name"])


def segment_words(number: int, worse: float, dice: random.Random) -> list[FieldStimulus]:
    """Return the words of a segment; distance and noise raise the miss rate."""
    condition = conditions()[(number - 1) % 9]
    snr_db, distance_m = float(str(condition["snr_db"])), float(str(condition["distance_m"]))
    chance = min(0.99, 0.99 - worse - 0.05 * distance_m - 0.012 * (20 - snr_db))
    rows = []
    for index, word in enumerate(WORDS):
        label, onset_s = label_of(word), 1.0 + 3.0 * index
        end_s = onset_s + 0.5 + 0.02 * dice.randrange(10)
        is_keyword = label != "unknown"
        good = dice.random() < (chance if is_keyword else 0.9)
        heard = label if is_keyword else None
        if not good:
            heard = None if is_keyword and dice.random() < 0.8 else ("no" if word == "yes" else "yes")
        at_s = round(end_s + dice.uniform(-0.2, 0.6), 3) if heard else None
        source = f"{word}/{SPEAKERS[index % 4] or 'someone'}.wav"
        spoken = (number, str(condition["name"]), label, word, source, SPEAKERS[index % 4], onset_s, end_s)
        detection = (heard, dice.randrange(201, 250) if heard else None, at_s)
        peak = dice.randrange(180, 256) if good else dice.randrange(20, 230)
        delay_s = at_s - end_s if at_s is not None else None
        cause = dice.choice(CAUSES[1:]) if is_keyword and not good else ""
        rows.append(FieldStimulus(*spoken, *detection, good, delay_s, peak, cause=cause))
    return rows


def segment(number: int, identity: str, seed: int) -> FieldSegment:
    log = f"transcripts/{identity}/segment-{number:04d}.log"
    if number == 10:
        return FieldSegment(
            10, conditions_name(10), KEYWORD_FREE_S, KEYWORD_FREE_S, 0, 0, True, 41.0, log, 0, None, None
        )
    return FieldSegment(
        number, conditions_name(number), SEGMENT_S, 14.0, 0, 0, True, 2.5, log, 0, -26.0 - seed, 9.8
    )


def det(stimuli: list[FieldStimulus]) -> list[DetPoint]:
    """Return thresholds from 0 to 255 with ever more misses and fewer false accepts."""
    rows = [row for row in stimuli if row.counts and row.label != "unknown"]
    missed, hours = sum(not row.correct for row in rows), (KEYWORD_FREE_S + 9 * 14.0) / 3600
    return [
        DetPoint(
            threshold,
            min(len(rows), round(missed * (threshold / 200) ** 3)),
            len(rows),
            round(40 * (1 - threshold / 255) ** 2),
            hours,
        )
        for threshold in range(0, 256, 5)
    ]


def model(dice: random.Random) -> ModelRow:
    """Return a model with accuracies on the three parts of the data set."""

    def counts(share: float, total: int) -> list[LabelCount]:
        return [
            LabelCount(label, round(total * (share + dice.uniform(-0.03, 0.03))), total) for label in LABELS
        ]

    accuracy = {
        "training": counts(0.96, 800),
        "validation": counts(0.93, 100),
        "testing": counts(0.92, 100),
    }
    return ModelRow("cd" * 32, 18_712, "int8", 16_652, 336_000, {"FULLY_CONNECTED": 1}, accuracy=accuracy)


def with_clips(record: FieldRecord, folder: Path, most: int = 4) -> FieldRecord:
    """Write sound and picture of the first misses into the folder, as a run does."""
    made: dict[tuple[int, float], str] = {}
    variants = []
    for variant in record.variants:
        rows = []
        for row in variant.stimuli:
            key = (row.segment, row.onset_s)
            if row.counts and not row.correct and (key in made or len(made) < most):
                stem = made.setdefault(
                    key, f"clips/{row.segment:04d}-{round(row.onset_s * 1000):06d}-{row.word}"
                )
                sound(folder / f"{stem}.wav", row)
                row = replace(row, clip=f"{stem}.wav", picture=f"{stem}.png")
            rows.append(row)
        variants.append(replace(variant, stimuli=rows))
    return replace(record, variants=variants)


def sound(path: Path, row: FieldStimulus) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(row.segment)
    times = np.arange(round(16_000 * (row.end_s - row.onset_s + 1.0))) / 16_000
    tone = 4000 * np.sin(2 * np.pi * 440 * times) * (np.abs(times - times[-1] / 2) < 0.3)
    write_wav(path, (tone + noise.normal(0, 200, len(times))).astype(np.int16))
    mel = noise.normal(-60, 8, (200, 40)).astype(np.float32)
    micro = noise.integers(0, 600, (100, 40)).astype(np.uint16)
    path.with_suffix(".png").write_bytes(picture(mel, micro))
