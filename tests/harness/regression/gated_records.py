"""Records of nights on the emulated board, as files, with made-up figures: test data, not a measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.records.record import BlockRow, BoardRow, FirmwareRow, RunRecord, VariantRow, write_record
from harness.records.verdict import SeriesName

INFERENCE = SeriesName("tiny", "codegen", "inference_us", "clip")
FLASH = SeriesName("tiny", "codegen", "flash_bytes", "-")


def write_night(
    folder: Path,
    number: int,
    *,
    inference_us: int = 11_000,
    flash_bytes: int = 36_000,
    board: str = "emulated",
    **changes: Any,
) -> Path:
    """The night with this number, 0 to 9: its folder."""
    clock = "modeled cycles" if board == "emulated" else "measured"

    def block(subject: str, phase: str, round_: int, value: int) -> BlockRow:
        return BlockRow(
            subject=subject,
            engine="codegen",
            phase=phase,
            round=round_,
            image_sha256="a" * 64,
            planned=50,
            samples_us={"inference_us/clip": [value] * 50},
            lost={"inference_us/clip": 0},
        )

    record = RunRecord(
        run=changes.pop("run", None)
        or {
            "id": f"{number}{number}-night",
            "started": f"2026-11-2{number}T01:00:00Z",
            "ended": f"2026-11-2{number}T02:00:00Z",
            "kind": "nightly",
            "board": board,
        },
        code={
            "commit": f"{number:040x}",
            "dirty": changes.pop("dirty", False),
            "harness_version": "0.1.0",
            "procedure_version": 1,
        },
        environment={},
        board=BoardRow(board, f"{board}-1", board, 64_000_000, clock, 983_040, 262_144),
        variants=[
            VariantRow(
                "tiny",
                "Tiny",
                ["yes", "no"],
                firmware=FirmwareRow(
                    "codegen", "dsp", "-O2", "g++ 12.2.1", "0" * 8, flash_bytes, 30_000, 6_000
                ),
            )
        ],
        blocks=[
            block("canary", "canary-first", 0, 5_000),
            *(block("tiny", "round", round_, inference_us) for round_ in (1, 2, 3)),
            block("canary", "canary-last", 0, 5_000),
        ],
        **changes,
    )
    path = folder / board / f"2026112{number}T010000Z-{number}"
    write_record(record, path / "run.json")
    return path
