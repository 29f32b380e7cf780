"""Records of plausible size with invented values: of a run, of a family of variants, and of the field."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.recognizer import Recognizer
from harness.records.field_record import (
    CAUSES,
    ClipResult,
    Condition,
    DetPoint,
    FieldFalseAccept,
    FieldRecord,
    FieldSegment,
    FieldStimulus,
    FieldTiming,
    FieldVariant,
    ReferenceRow,
    Replay,
    TuningRow,
)
from harness.records.record import (
    BoardRow,
    DetectionRow,
    Fault,
    FirmwareRow,
    HostRow,
    LabelCount,
    ModelRow,
    ParityRow,
    RunRecord,
    StimulusRow,
    VariantRow,
)
from harness.report.pages.missed_words import picture
from models.data.wav import write_wav
from models.variants import Pruning, Quantization

LABELS = ["silence", "unknown", "yes", "no"]
_SPOKEN = "yes no bed no yes seven yes no - marvin no yes tree yes no"
CPU = "Example CPU with 2 cores (test data)"
_DETAILS = {"instruction cache": "on, no wait states", "emulator": "QEMU 7.2.22"}
_TITLE = "Emulated Cortex-M4F, 64 MHz (modeled cycles)"
BOARD = BoardRow(
    "emulated", "emulated-test-data", _TITLE, 64_000_000, "modeled cycles", 983_040, 262_144, _DETAILS
)
_TOO_LARGE = Fault(
    "does-not-fit",
    "does-not-fit: the image needs 412,880 bytes of ram, the board has 262,144. Choose a smaller variant.",
)


def label_of(word: str) -> str:
    return word if word in LABELS else "unknown" if word else "silence"


# A run


def sample_record() -> RunRecord:
    """Return two measured variants, an external model, and a variant too large for the board."""
    variants = [
        measured("tinyconv-float32", "TinyConv float32", 128_430, seed=1),
        measured("tinyconv-int8", "TinyConv int8", 33_120, seed=2),
        external(),
        too_large(),
    ]
    run = {
        "id": "00000000-0000-4000-8000-000000000000",
        "started": "2024-05-01T01:00:00+00:00",
        "ended": "2024-05-01T01:04:21+00:00",
        "command": "earshot run --variants 'tinyconv-*'",
    }
    code = {"commit": "0123456789abcdef", "dirty": True, "procedure_version": 1}
    environment = {"system": "Debian GNU/Linux 12", "python": "3.11.7", "cpu": CPU, "torch": "2.13.0"}
    return RunRecord(run, code, environment, BOARD, variants)


def measured(identity: str, title: str, inference_us: int, seed: int) -> VariantRow:
    """Return a variant with every measurement; the front end computes one to three slices in each pass."""
    dice = random.Random(seed)
    quantized = identity.endswith("int8")
    bytes_of = (61_312, 38_204, 5_980, 5_980) if quantized else (111_480, 61_936, 23_920, 23_920)
    toolchain = "arm-none-eabi-gcc 12.2.1"
    stimuli = played(dice)
    return VariantRow(
        id=identity,
        title=title,
        labels=LABELS,
        model=model_row("int8" if quantized else "float32", dice),
        firmware=FirmwareRow("codegen", "reference", "-O2", toolchain, "cafe0123", *bytes_of, icache="on"),
        stage_us={
            "preprocess": [dice.choice((1_310, 1_312, 2_622, 3_934)) for _ in range(400)],
            "inference": [inference_us + dice.randrange(9) for _ in range(400)],
            "postprocess": [dice.randrange(21, 47) for _ in range(400)],
        },
        parity=ParityRow(40, 40, 200, 200, max_abs_difference=0.0 if quantized else 5.96e-8),
        host=host_rows(quantized),
        stimuli=stimuli,
        audio_s=stimuli[-1].end_s + 1.5,
        listening_wall_s=1.2 if quantized else 3.9,
        false_accepts=[DetectionRow("yes", 204, 13.31)] if quantized else [],
        notes=["yes/phone.wav: 8000 Hz resampled to 16000 Hz"],
        transcripts={"listening": f"{identity}/listening.log", "parity": f"{identity}/parity.log"},
    )


def model_row(precision: str, dice: random.Random) -> ModelRow:
    """Return TinyConv with an accuracy on each part of the dataset."""
    digest, size = ("01234567" * 8, 19_000) if precision == "int8" else ("89abcdef" * 8, 69_200)
    operators = {"RESHAPE": 1, "CONV_2D": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1}
    accuracy = {
        part: [LabelCount(label, clips - dice.randrange(1 + clips // 12), clips) for label in LABELS]
        for part, clips in (("training", 1_720), ("validation", 214), ("testing", 221))
    }
    return ModelRow(digest, size, precision, 16_652, 336_000, operators, accuracy)


def host_rows(quantized: bool) -> list[HostRow]:
    """Return three runtimes and a missing GPU."""
    apart = 0.00390625 if quantized else 1.2e-7
    note = "float32, not quantized" if quantized else ""
    return [
        HostRow("cpu", CPU, "tflite", 2, 5_900, 43.0, 42.6, 43.4, apart, "XNNPACK, its default"),
        HostRow("cpu", CPU, "torch", 2, 3_100, 79.2, 78.0, 81.6, apart * 1.1, note),
        HostRow("cpu", CPU, "onnxruntime", 2, 9_000, 24.2, 22.1, 30.3, apart * 1.1, note),
        HostRow("gpu", "", "torch", None, 0, None, None, None, None, "no CUDA device"),
    ]


def played(dice: random.Random) -> list[StimulusRow]:
    """Return words 2.4 s apart; most keywords are detected, and one other word is taken for one."""
    rows = []
    for index, word in enumerate(_SPOKEN.split()):
        word, onset_s = word.strip("-"), 1.0 + 2.4 * index
        label, keyword = label_of(word), word in LABELS
        detected = word if keyword and dice.random() < 0.85 else "no" if word == "bed" else None
        end_s = onset_s + dice.uniform(0.45, 0.8)
        score = dice.randrange(201, 250) if detected else None
        at_s = onset_s + dice.uniform(0.7, 0.95) if detected else None
        right = detected == word if keyword else detected is None
        source = f"{label}/{word or 'quiet'}-{index:02}.wav"
        rows.append(StimulusRow(label, word, source, onset_s, end_s, detected, score, at_s, right))
    return rows


def external() -> VariantRow:
    """Return an external .tflite: no accuracy, no torch network."""
    row = measured("micro-speech", "micro_speech.tflite", 33_480, seed=3)
    assert row.model
    model = replace(row.model, accuracy={}, parameters=None, macs=None)
    return replace(row, model=model, host=row.host[:1], parity=ParityRow())


def too_large() -> VariantRow:
    """Return a variant that was converted but does not fit the board."""
    model = model_row("float32", random.Random(4))
    return VariantRow("wide-float32", "WideConv float32", LABELS, model, faults=[_TOO_LARGE])


# A family

CHANNELS = (0.125, 0.5, 0.9)
WEIGHTS = (0.1, 0.5, 0.9)
_TEST_LABELS = [label for label in range(4) for _ in range(50)]
_TITLES = {"tinyconv": "TinyConv", "ds-cnn": "DS-CNN"}
_SIZES = {"tinyconv": (16_652, 336_000, 15_000), "ds-cnn": (22_604, 2_656_768, 25_000)}
"""Parameters, multiply-accumulates, and bytes of the compressed .tflite."""


def family_run() -> RunRecord:
    """Return two networks pruned at several thresholds, one that no board can run, and every kind of gap."""
    unfit = pruned("ds-cnn", "channels", 0.05, 1, 0.9)
    rows = [
        trained("tinyconv", "float32", 24_000, 0.87),
        trained("tinyconv", "int8", 11_000, 0.86),
        quantized("tinyconv-aware", "TinyConv, int8 by quantization-aware training", 8, "int8", 11_000),
        *(pruned("tinyconv", "weights", share, 11_000, 0.86 - 0.3 * share**3) for share in WEIGHTS),
        *(pruned("tinyconv", "channels", x, 11_000 * (1 - x) + 400, 0.86 - x / 4) for x in CHANNELS),
        trained("ds-cnn", "float32", 180_000, 0.93),
        trained("ds-cnn", "int8", 60_000, 0.92),
        *(pruned("ds-cnn", "channels", x, 60_000 * (1 - x) ** 2 + 900, 0.92 - x / 5) for x in CHANNELS),
        not_deployable(quantized("bits-4", "TinyConv, 4 bits", 4, "float32", 0)),
        VariantRow(unfit.id, unfit.title, unfit.labels, unfit.model, faults=[_TOO_LARGE]),
        VariantRow("all-pruned", "all-pruned", [], faults=[Fault("config", "config: no channel is left.")]),
    ]
    return replace(sample_record(), variants=rows)


def sparse_run() -> RunRecord:
    """Return the same pruned weights with an engine that skips zeros."""
    rows = [trained("tinyconv", "int8", 11_500, 0.86)]
    rows += [pruned("tinyconv", "weights", x, 11_500 * (1 - x), 0.86 - 0.3 * x**3) for x in WEIGHTS]
    night = sample_record()
    run = {**night.run, "id": "00000000-0000-4000-8000-000000000001", "started": "2024-05-01T02:00:00+00:00"}
    sparse = [replace(row, firmware=replace(row.firmware, engine="codegen-sparse")) for row in rows]
    return replace(night, run=run, variants=sparse)


def trained(network: str, precision: str, inference_us: float, accuracy: float) -> VariantRow:
    """Return a network as it was trained."""
    return _row(f"{network}-{precision}", f"{_TITLES[network]}, {precision}", network, inference_us, accuracy)


def pruned(network: str, kind: str, share: float, inference_us: float, accuracy: float) -> VariantRow:
    """Return a pruned int8 network."""
    title = f"{_TITLES[network]}, int8, {100 * share:g} % of the {kind} pruned"
    row = _row(f"{network}-{kind}-{100 * share:g}-int8", title, network, inference_us, accuracy)
    model = row.model
    assert model and model.parameters and model.macs and model.compressed_bytes
    left = round(model.parameters * (1 - share))
    model = replace(
        model,
        pruning=Pruning(kind, share, "l1", 10),
        parameters=left if kind == "channels" else model.parameters,
        remaining_parameters=left,
        macs=round(model.macs * (1 - share)) if kind == "channels" else model.macs,
        compressed_bytes=round(model.compressed_bytes * (1 - 0.8 * share)),
    )
    return replace(row, model=model)


def quantized(identity: str, title: str, bits: int, precision: str, inference_us: float) -> VariantRow:
    """Return a network of integers of `bits` bits."""
    row = _row(identity, title, "tinyconv", inference_us, 0.85, precision)
    assert row.model
    numbers = Quantization("aware", bits=bits)
    return replace(row, model=replace(row.model, quantization=numbers, deployable=precision == "int8"))


def not_deployable(row: VariantRow) -> VariantRow:
    """Return a variant with an accuracy and no measurement."""
    assert row.model
    gone: dict[str, Any] = dict.fromkeys(("tflite_sha256", "tflite_bytes", "compressed_bytes", "sizing"))
    return VariantRow(row.id, row.title, row.labels, model=replace(row.model, operators={}, **gone))


def _row(
    identity: str, title: str, network: str, inference_us: float, accuracy: float, precision: str = ""
) -> VariantRow:
    dice = random.Random(identity)
    row = measured(identity, title, round(inference_us), seed=dice.randrange(1000))
    assert row.model
    predictions = [label if dice.random() < accuracy else dice.randrange(4) for label in _TEST_LABELS]
    precision = precision or ("float32" if identity.endswith("float32") else "int8")
    size = 4 if precision == "float32" else 1
    parameters, macs, compressed = _SIZES[network]
    model = replace(
        row.model,
        precision=precision,
        network=network,
        seed=1,
        parameters=parameters,
        remaining_parameters=parameters,
        macs=macs,
        compressed_bytes=compressed,
        sizing={"weights_flash_bytes": 16_640 * size + 12 * 4, "live_ram_bytes": 5_960 * size},
        accuracy=row.model.accuracy | {"testing": _counted(predictions)},
        test_predictions=predictions,
        test_labels=_TEST_LABELS,
    )
    host = [replace(x, median_us=x.median_us and x.median_us * dice.uniform(0.8, 1.2)) for x in row.host]
    return replace(row, model=model, host=host)


def _counted(predictions: Sequence[int]) -> list[LabelCount]:
    """Count the correct clips of each label."""
    pairs = list(zip(predictions, _TEST_LABELS, strict=True))
    return [LabelCount(label, pairs.count((index, index)), 50) for index, label in enumerate(LABELS)]


# The field

_WORDS = ("yes", "no", "bed", "yes", "no", "seven", "yes", "no", "yes", "no")
_SPEAKERS = ("andy", "belinda", "carla", "")
_SEGMENT_S, _KEYWORD_FREE_S = 32.0, 600.0
_STAGES_US = {"preprocess": 1021.0, "inference": 11_043.0, "postprocess": 31.0}
_CONDITIONS = [
    Condition(f"{distance:g} m, {snr:g} dB", distance_m=distance, snr_db=snr, rt60_s=0.4, noise="pink")
    for distance in (0.5, 2.0, 4.0)
    for snr in (20.0, 10.0, 0.0)
]


def sample_field() -> FieldRecord:
    """Return a record of nine conditions with a fast, a slow and a failed variant."""
    run = sample_record()
    return FieldRecord(
        run=run.run,
        code=run.code,
        environment=run.environment,
        board=run.board,
        plan={"file": "plan.json", "seed": 1, "words": 9 * len(_WORDS)},
        conditions=_CONDITIONS,
        excluded=[
            {"source": "yes/quiet.wav", "reason": "silent"},
            {"source": "no/cut.wav", "reason": "too short: 0.12 s"},
        ],
        notes=["yes/loud.wav: 312 samples clipped", "no/phone.wav: resampled from 44100 Hz"],
        variants=[variant_of("tinyconv-int8", "TinyConv, int8", 0.0, seed=1), slow(), failed()],
        threshold=None,
        window_s=1.0,
    )


def variant_of(identity: str, title: str, worse: float, seed: int) -> FieldVariant:
    """Return a variant with all words; `worse` raises its miss rate, 0 to 1."""
    dice = random.Random(seed)
    stimuli = [row for number in range(1, 10) for row in segment_words(number, worse, dice)]
    stimuli[1] = replace(stimuli[1], excluded="2 records lost within its window", correct=False, cause="")
    return FieldVariant(
        id=identity,
        title=title,
        labels=LABELS,
        model=model_row("int8", dice),
        segments=[segment(number, identity) for number in range(1, 11)],
        stimuli=stimuli,
        false_accepts=[
            FieldFalseAccept("no", 204, 122.4, 10, _name(10)),
            FieldFalseAccept("yes", 211, 431.02, 10, _name(10)),
            FieldFalseAccept("yes", 207, 9.9, 3, _name(3), within_word=True),
        ],
        timing=FieldTiming(20.0, 40.0, 60.0, _STAGES_US, 1.65, overruns=0, samples_lost=0, inferences=44_400),
        det=list(det(stimuli)),
        clips=[
            ClipResult(f"{word}/andy.wav", word, label_of(word), label_of(word), 0.91, True)
            for word in dict.fromkeys(_WORDS)
        ],
        replay=Replay(20.0, correct=sum(row.correct for row in stimuli), total=len(stimuli) - 1),
        reference=ReferenceRow(44_400, 44_400, 0),
        tuning=TuningRow(
            Recognizer("mean", window_ms=300, threshold=220),
            tuned=DetPoint(0, misses=10, keywords=54, false_accepts=0, hours=0.2),
            present=DetPoint(0, misses=20, keywords=54, false_accepts=1, hours=0.2),
            gain=(0.185, 0.05, 0.3),
            speakers=4,
        ),
        notes=["Segment 3 was measured twice: the emulator had not started."],
    )


def slow() -> FieldVariant:
    """Return a variant that misses words only because it is slow."""
    variant = variant_of("tinyconv-float32", "TinyConv, float32", 0.12, seed=2)
    stimuli = variant.stimuli
    late = [i for i, row in enumerate(stimuli) if row.cause and row.counts and row.detected is None][::3]
    first, second, third, *others = variant.segments
    assert variant.replay
    return replace(
        variant,
        stimuli=[replace(row, cause="latency") if i in late else row for i, row in enumerate(stimuli)],
        segments=[
            replace(first, samples_lost=512, note="the board lost audio twice"),
            replace(second, records_lost=3),
            replace(third, complete=False, clipped_samples=44),
            *others,
        ],
        timing=FieldTiming(140.0, 180.0, 470.0, _STAGES_US, 0.81, 2, samples_lost=512, inferences=6_340),
        replay=replace(variant.replay, correct=variant.replay.correct + len(late)),
        reference=ReferenceRow(6_340, 6_331, 3),
        notes=[],
    )


def failed() -> FieldVariant:
    return FieldVariant("dscnn-float32", "DS-CNN, float32", LABELS, faults=[_TOO_LARGE])


def acoustic() -> FieldVariant:
    """Return a variant on the acoustic route."""
    variant = variant_of("tinyconv-int8", "TinyConv, int8", 0.05, seed=3)
    return replace(variant, route="acoustic", replay=None, reference=ReferenceRow(), clips=[])


def command_mode() -> FieldVariant:
    """Return a variant with single clips in command mode only."""
    clips = [
        ClipResult("yes/andy.wav", "yes", "yes", "yes", 0.97, True),
        ClipResult("no/andy.wav", "no", "no", "unknown", 0.55, False),
        ClipResult("bed/andy.wav", "bed", "unknown", "unknown", 0.88, None),
    ]
    return FieldVariant("tinyconv-int8", "TinyConv, int8", LABELS, route="clip", clips=clips)


def _name(number: int) -> str:
    return _CONDITIONS[(number - 1) % 9].name


def segment_words(number: int, worse: float, dice: random.Random) -> Iterator[FieldStimulus]:
    """Yield the words of a segment; distance and noise raise the miss rate."""
    distance, snr = divmod(number - 1, 3)
    chance = min(0.99, 0.99 - worse - 0.05 * (0.5, 2.0, 4.0)[distance] - 0.012 * (0, 10, 20)[snr])
    for index, word in enumerate(_WORDS):
        label, onset_s = label_of(word), 1.0 + 3.0 * index
        end_s = onset_s + 0.5 + 0.02 * dice.randrange(10)
        is_keyword = label != "unknown"
        good = dice.random() < (chance if is_keyword else 0.9)
        detected = label if is_keyword else None
        if not good:
            detected = None if is_keyword and dice.random() < 0.8 else ("no" if word == "yes" else "yes")
        at_s = round(end_s + dice.uniform(-0.2, 0.6), 3) if detected else None
        score = dice.randrange(201, 250) if detected else None
        speaker = _SPEAKERS[index % 4]
        yield FieldStimulus(
            label, word, f"{word}/{speaker or 'someone'}.wav", onset_s, end_s, detected, score, at_s, good,
            number, _name(number), speaker, at_s - end_s if at_s is not None else None,
            peak=dice.randrange(180, 256) if good else dice.randrange(20, 230),
            cause=dice.choice(CAUSES[1:]) if is_keyword and not good else "",
        )  # fmt: skip


def segment(number: int, identity: str) -> FieldSegment:
    """Return a segment; the tenth has no words."""
    log = f"transcripts/{identity}/segment-{number:04d}.log"
    lengths_s = (_KEYWORD_FREE_S, _KEYWORD_FREE_S) if number == 10 else (_SEGMENT_S, 14.0)
    return FieldSegment(number, _name(number), *lengths_s, 0, 0, True, 2.5, log, 0, -26.0, 9.8)


def det(stimuli: list[FieldStimulus]) -> Iterator[DetPoint]:
    """Yield thresholds from 0 to 255 with ever more misses and fewer false accepts."""
    rows = [row for row in stimuli if row.counts and row.label != "unknown"]
    missed, hours = sum(not row.correct for row in rows), (_KEYWORD_FREE_S + 9 * 14.0) / 3600
    for threshold in range(0, 256, 5):
        misses = min(len(rows), round(missed * (threshold / 200) ** 3))
        yield DetPoint(threshold, misses, len(rows), round(40 * (1 - threshold / 255) ** 2), hours)


def with_clips(record: FieldRecord, folder: Path, most: int = 4) -> FieldRecord:
    """Write sound and picture of the first misses into the folder, as a run does."""
    made: dict[tuple[int, float], str] = {}
    variants = []
    for variant in record.variants:
        rows = []
        for row in variant.stimuli:
            key = (row.segment, row.onset_s)
            if row.counts and not row.correct and (key in made or len(made) < most):
                stem = f"clips/{row.segment:04d}-{round(row.onset_s * 1000):06d}-{row.word}"
                if key not in made:
                    _sound(folder / f"{made.setdefault(key, stem)}.wav", row)
                row = replace(row, clip=f"{stem}.wav", picture=f"{stem}.png")
            rows.append(row)
        variants.append(replace(variant, stimuli=rows))
    return replace(record, variants=variants)


def _sound(path: Path, row: FieldStimulus) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(row.segment)
    write_wav(path, noise.normal(0, 2000, round(16_000 * (row.end_s - row.onset_s + 1))).astype(np.int16))
    mel = noise.normal(-60, 8, (200, 40)).astype(np.float32)
    path.with_suffix(".png").write_bytes(picture(mel, noise.integers(0, 600, (100, 40)).astype(np.uint16)))
