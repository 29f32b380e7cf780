"""Runs of the emulated board with made-up figures: test data, not a measurement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.records.record import BlockRow, BoardRow, FirmwareRow, RunRecord, VariantRow, write_record
from harness.records.verdict import SeriesName
from harness.regression.nights import Night
from harness.regression.series import Block, Measured, measured

INFERENCE = SeriesName("tiny", "codegen", "inference_us", "clip")
LISTENING = SeriesName("tiny", "codegen", "inference_us", "pcm")
FLASH = SeriesName("tiny", "codegen", "flash_bytes", "-")
CRC = SeriesName("tiny", "codegen", "features_crc", "clip")
HASH = SeriesName("tiny", "codegen", "image_sha256", "-")
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

    def block(subject: str, phase: str, value: int) -> BlockRow:
        samples = {"inference_us/clip": [value] * 50}
        return BlockRow(subject, "codegen", phase, image_sha256="a" * 64, planned=50, samples_us=samples)

    firmware = FirmwareRow("codegen", "dsp", "-O2", "g++ 12.2.1", "0" * 8, flash_bytes, 30_000, 6_000)
    day = f"2026-11-2{number}"
    record = RunRecord(
        run={
            "id": identity or f"{number}{number}-night",
            "started": f"{day}T01:00:00Z",
            "ended": f"{day}T02:00:00Z",
            "kind": "nightly",
            "board": board,
        },
        code={"commit": f"{number:040x}", "dirty": dirty, "procedure_version": 1},
        environment={},
        board=BoardRow(
            board,
            f"{board}-1",
            board,
            64_000_000,
            "modeled cycles" if board == "emulated" else "measured",
            983_040,
            262_144,
        ),
        variants=[VariantRow("tiny", "Tiny", ["yes", "no"], firmware=firmware)],
        blocks=[
            block("canary", "canary-first", 5_000),
            *[block("tiny", "round", inference_us)] * 3,
            block("canary", "canary-last", 5_000),
        ],
    )
    path = folder / board / f"2026112{number}T010000Z-{number}"
    write_record(record, path / "run.json")
    return path
