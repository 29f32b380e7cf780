"""What ran, and whether it fits: sizes against the board's flash and RAM."""

from __future__ import annotations

from typing import Any

from harness.records.record import RunRecord, VariantRow
from harness.report import format as figures
from harness.report.table import Column, Table, frame
from harness.report.variants import fault_text


def sizes_table(record: RunRecord) -> Table:
    """Bytes of flash and RAM by variant, and as shares of the board's; what does not fit is a row too."""
    board = record.board
    rows = []
    for variant in record.variants:
        row: dict[str, Any] = {"variant": variant.title, "note": _why_no_image(variant)}
        if variant.model:
            row["tflite_bytes"] = variant.model.tflite_bytes
        if firmware := variant.firmware:
            row |= {
                "flash_bytes": firmware.flash_bytes,
                "flash_share": firmware.flash_bytes / board.flash_bytes,
            }
            row |= {"ram_bytes": firmware.ram_bytes, "ram_share": firmware.ram_bytes / board.ram_bytes}
            row |= {"arena_bytes": firmware.arena_bytes, "arena_reported": firmware.arena_bytes_reported}
        rows.append(row)
    names = "variant tflite_bytes flash_bytes flash_share ram_bytes ram_share arena_bytes arena_reported note"
    return Table(
        name="sizes",
        title="Sizes",
        frame=frame(names, rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Flash, bytes", ["flash_bytes"], figures.count),
            Column("of the flash", ["flash_share"], figures.share, mark="bar"),
            Column("RAM, bytes", ["ram_bytes"], figures.count),
            Column("of the RAM", ["ram_share"], figures.share, mark="bar"),
            Column("Arena, bytes", ["arena_bytes"], figures.count),
            Column("Arena, reported", ["arena_reported"], figures.count),
            Column(".tflite, bytes", ["tflite_bytes"], figures.count),
            Column("Note", ["note"], figures.remark, figure=False, optional=True),
        ],
        note=(
            f"The board has {figures.count(board.flash_bytes)} bytes of flash and "
            f"{figures.count(board.ram_bytes)} of RAM. Flash is code, constants and the initial values of "
            "data; RAM is .data and .bss, the stack apart. The arena (activations) is part of RAM."
        ),
        tones=["bad" if row["note"] else "" for row in rows],
    )


def _why_no_image(variant: VariantRow) -> str:
    """Why there is no image, or "" where there is one."""
    for fault in variant.faults:
        if fault.failure == "does-not-fit":
            return f"does not fit: {fault_text(fault).split(' (')[0].split('. ')[0]}"
    if variant.firmware:
        return ""
    return f"no image: {variant.faults[0].failure} failed" if variant.faults else "no image was built"


def models_table(record: RunRecord) -> Table:
    """What was put on the board."""
    rows = []
    for variant in record.variants:
        row: dict[str, Any] = {"variant": variant.title}
        if model := variant.model:
            operators = (f"{name} ×{often}" if often > 1 else name for name, often in model.operators.items())
            row |= {"precision": model.precision, "parameters": model.parameters, "macs": model.macs}
            row |= {"operators": ", ".join(operators), "tflite_sha256": model.tflite_sha256}
        rows.append(row)
    return Table(
        name="models",
        title="Models",
        frame=frame("variant precision parameters macs operators tflite_sha256", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Precision", ["precision"], figure=False),
            Column("Parameters", ["parameters"], figures.count),
            Column("Multiply-accumulates", ["macs"], figures.count),
            Column("Operators", ["operators"], figure=False),
            Column("SHA-256 of the .tflite", ["tflite_sha256"], _short, figure=False),
        ],
    )


def images_table(record: RunRecord) -> Table:
    """What was compiled: everything beside the model that moves its latency."""
    rows = []
    for variant in record.variants:
        row: dict[str, Any] = {"variant": variant.title}
        if firmware := variant.firmware:
            row |= {"engine": firmware.engine, "kernels": firmware.kernels, "icache": firmware.icache}
            row |= {"optimization": firmware.optimization, "toolchain": firmware.toolchain}
            row |= {"build_id": firmware.build_id}
        rows.append(row)
    return Table(
        name="images",
        title="Images",
        frame=frame("variant engine kernels optimization toolchain icache build_id", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Engine", ["engine"], figure=False),
            Column("Kernels", ["kernels"], figure=False),
            Column("Optimization", ["optimization"], figure=False),
            Column("Toolchain", ["toolchain"], figure=False),
            Column("Instruction cache", ["icache"], figure=False),
            Column("Build", ["build_id"], figure=False),
        ],
        note="Kernels, optimization and toolchain move latency by a factor of ten: compare like with like.",
    )


def _short(sha256: str | None) -> str:
    """The first eight digits of a hash, which is what the board reports."""
    return figures.text(sha256 and sha256[:8])
