"""Runs of the emulated board with made-up figures: test data, not a measurement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.records.record import (
    BlockRow,
    BoardRow,
    FirmwareRow,
    LabelCount,
    ModelRow,
    RunRecord,
    VariantRow,
    write_record,
)
from harness.records.verdict import SeriesName
from harness.regression.nights import Night
from harness.regression.series import Block, Measured, measured

INFERENCE = SeriesName("tiny", "codegen", "inference_us", "clip")
LISTENING = SeriesName("tiny", "codegen", "inference_us", "pcm")
FLASH = SeriesName("tiny", "codegen", "flash_bytes", "-")
CRC = SeriesName("tiny", "codegen", "features_crc", "clip")
HASH = SeriesName("tiny", "codegen", "image_sha256", "-")
ACCURACY = {"testing": [LabelCount("yes", 40, 50), LabelCount("no", 45, 50)]}
MODEL = ModelRow("5ha", 19_736, "int8", 16_652, 336_000, {"SOFTMAX": 1, "CONV_2D": 2}, accuracy=ACCURACY)
IMAGE = FirmwareRow("codegen", "dsp", "-O2", "gcc 12.2.1", "cafe0123", 36_576, 30_272, 6_452)
SAMPLES = tuple(11_033.0 + index % 2 for index in range(50))


def blocks(*samples: tuple[float, ...]) -> Measured:
    return measured([Block(values, 50) for values in samples], "a")


def run(commit: str, **changes) -> Night:
    made = Night(
        id=f"run-{commit[0]}",
        digest=commit[0],
        started="2026-11-20T01:00:00Z",
        ended="2026-11-20T02:00:00Z",
        commit=commit,
        dirty=False,
        board="emulated",
        uid="emulated-cycles1",
        environment={"compiler": "12.2.1"},
        procedure=1,
        modeled=True,
        times={INFERENCE: blocks(SAMPLES, SAMPLES, SAMPLES), LISTENING: blocks(SAMPLES)},
        exact={FLASH: 36_576, CRC: "0badcafe", HASH: commit},
    )
    return replace(made, **changes)


BASE, HEAD = run("b" * 40), run("e" * 40)


def with_times(made: Night, times: dict[SeriesName, Measured]) -> Night:
    return replace(made, times={**made.times, **times})


def with_exact(made: Night, exact: dict[SeriesName, Any]) -> Night:
    return replace(made, exact={**made.exact, **exact})


def block(*samples: int, subject: str = "tiny", phase: str = "round", **changes) -> BlockRow:
    made = BlockRow(
        subject,
        "codegen",
        phase,
        image_sha256="1ma9e",
        planned=len(samples),
        samples_us={"inference_us/clip": list(samples)},
    )
    return replace(made, **changes)


def row(identity: str = "tiny", **changes) -> VariantRow:
    return replace(VariantRow(identity, identity, ["yes"], model=MODEL, firmware=IMAGE), **changes)


def record(*blocks: BlockRow, clock: str = "modeled cycles", **changes) -> RunRecord:
    start, end = "2026-11-20T01:00:00Z", "2026-11-20T01:50:00Z"
    made = RunRecord(
        run={"id": "n1", "started": start, "ended": end, "kind": "nightly"},
        code={"commit": "c0ffee", "dirty": False, "procedure_version": 1},
        environment={"host": "bench-1", "torch": "2.13.0"},
        board=BoardRow("emulated", "uid-1", "Emulated", 64_000_000, clock, 983_040, 262_144),
        variants=[row()],
        blocks=list(blocks),
    )
    return replace(made, **changes)


def write_night(
    folder: Path,
    number: int,
    *,
    inference_us: int = 11_000,
    flash_bytes: int = 36_000,
    board: str = "emulated",
    dirty: bool = False,
    identity: str = "",
) -> Path:
    """Write the record of the night with this number, 0 to 9, and return its folder."""
    day, clock = f"2026-11-2{number}", "modeled cycles" if board == "emulated" else "measured"
    canaries = (block(*[5_000] * 50, subject="canary", phase=f"canary-{when}") for when in ("first", "last"))
    made = record(
        *canaries,
        *[block(*[inference_us] * 50)] * 3,
        run={
            "id": identity or f"{number}{number}-night",
            "started": f"{day}T01:00:00Z",
            "ended": f"{day}T02:00:00Z",
            "kind": "nightly",
            "board": board,
        },
        code={"commit": f"{number:040x}", "dirty": dirty, "procedure_version": 1},
        board=BoardRow(board, f"{board}-1", board, 64_000_000, clock, 983_040, 262_144),
        variants=[row(firmware=replace(IMAGE, flash_bytes=flash_bytes))],
    )
    path = folder / board / f"2026112{number}T010000Z-{number}"
    write_record(made, path / "run.json")
    return path
