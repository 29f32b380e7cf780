"""A run record of plausible size with invented values."""

from __future__ import annotations

import random
from dataclasses import replace

from harness.records.record import (
    BoardRow,
    DetectionRow,
    Fault,
    FirmwareRow,
    HostRow,
    LabelCount,
    ModelRow,
    RunRecord,
    StimulusRow,
    VariantRow,
)

LABELS = ["silence", "unknown", "yes", "no"]
_SPOKEN = "yes no bed no yes seven yes no - marvin no yes tree yes no"
WORDS = [word.strip("-") for word in _SPOKEN.split()]
CPU = "Example CPU with 2 cores (test data)"

BOARD = BoardRow(
    name="emulated",
    uid="emulated-test-data",
    title="Emulated Cortex-M4F, 64 MHz (modeled cycles)",
    clock_hz=64_000_000,
    clock="modeled cycles",
    flash_bytes=983_040,
    ram_bytes=262_144,
    details={"instruction cache": "on, no wait states", "emulator": "QEMU 7.2.22"},
)


def sample_record() -> RunRecord:
    """Return two measured variants, an external model, and a variant too large for the board."""
    return RunRecord(
        run={
            "id": "00000000-0000-4000-8000-000000000000",
            "started": "2024-05-01T01:00:00+00:00",
            "ended": "2024-05-01T01:04:21+00:00",
            "trigger": "test data",
            "command": "earshot run --variants 'tinyconv-*'",
        },
        code={
            "commit": "0123456789abcdef",
            "dirty": True,
            "harness_version": "0.1.0",
            "procedure_version": 1,
        },
        environment={"system": "Debian GNU/Linux 12", "python": "3.11.7", "cpu": CPU, "torch": "2.13.0"},
        board=BOARD,
        variants=[
            measured("tinyconv-float32", "TinyConv float32", 128_430, seed=1),
            measured("tinyconv-int8", "TinyConv int8", 33_120, seed=2),
            external(),
            too_large(),
        ],
    )


def measured(identity: str, title: str, inference_us: int, seed: int) -> VariantRow:
    """Return a variant with every measurement."""
    dice = random.Random(seed)
    quantized = identity.endswith("int8")
    stimuli = played(dice)
    return VariantRow(
        id=identity,
        title=title,
        labels=LABELS,
        model=model_row("int8" if quantized else "float32", dice),
        firmware=FirmwareRow(
            engine="codegen",
            kernels="reference",
            optimization="-O2",
            toolchain="arm-none-eabi-gcc 12.2.1",
            build_id="cafe0123",
            flash_bytes=61_312 if quantized else 111_480,
            ram_bytes=38_204 if quantized else 61_936,
            arena_bytes=5_980 if quantized else 23_920,
            arena_bytes_reported=5_980 if quantized else 23_920,
            icache="on",
        ),
        stage_us=stages(inference_us, dice),
        parity={
            "recordings": 40,
            "features_equal": 40,
            "clips": 200,
            "outputs_equal": 200,
            "max_abs_difference": 0.0 if quantized else 5.96e-8,
        },
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
    return ModelRow(
        tflite_sha256=("01234567" if precision == "int8" else "89abcdef") * 8,
        tflite_bytes=19_000 if precision == "int8" else 69_200,
        precision=precision,
        parameters=16_652,
        macs=336_000,
        operators={"RESHAPE": 1, "CONV_2D": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1},
        accuracy={
            split: [LabelCount(label, size - dice.randrange(1 + size // 12), size) for label in LABELS]
            for split, size in (("training", 1_720), ("validation", 214), ("testing", 221))
        },
    )


def stages(inference_us: int, dice: random.Random) -> dict[str, list[int]]:
    """Return 400 passes; the front end computes one to three slices in each."""
    return {
        "preprocess": [dice.choice((1_310, 1_312, 2_622, 3_934)) for _ in range(400)],
        "inference": [inference_us + dice.randrange(9) for _ in range(400)],
        "postprocess": [dice.randrange(21, 47) for _ in range(400)],
    }


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
    for index, word in enumerate(WORDS):
        onset = 1.0 + 2.4 * index
        label = word if word in LABELS else "unknown" if word else "silence"
        heard = word if word in LABELS and dice.random() < 0.85 else "no" if word == "bed" else None
        rows.append(
            StimulusRow(
                label=label,
                word=word,
                source=f"{label}/{word or 'quiet'}-{index:02}.wav",
                onset_s=onset,
                end_s=onset + dice.uniform(0.45, 0.8),
                detected=heard,
                score=dice.randrange(201, 250) if heard else None,
                detected_at_s=onset + dice.uniform(0.7, 0.95) if heard else None,
                correct=heard == word if word in LABELS else heard is None,
            )
        )
    return rows


def external() -> VariantRow:
    """Return an external .tflite: no accuracy, no torch network."""
    row = measured("micro-speech", "micro_speech.tflite", 33_480, seed=3)
    assert row.model
    return replace(
        row,
        model=replace(row.model, accuracy={}, parameters=None, macs=None),
        host=row.host[:1],
        parity={},
    )


def too_large() -> VariantRow:
    """Return a variant that was converted but does not fit the board."""
    return VariantRow(
        id="wide-float32",
        title="WideConv float32",
        labels=LABELS,
        model=model_row("float32", random.Random(4)),
        faults=[
            Fault(
                "does-not-fit",
                "does-not-fit: the image needs 412,880 bytes of ram, the board has 262,144 (wide-float32). "
                "Choose a smaller variant (int8, pruned) or a larger board.",
            )
        ],
    )
