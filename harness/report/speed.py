"""How fast: the board's stages, the same inference on CPU and GPU, and what the CPU's is made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.records.record import HostRow, RunRecord, VariantRow
from harness.report import format as figures
from harness.report.table import Column, Table, frame
from harness.report.variants import ALL_STAGES, STAGES, stage_samples, time_is, why_missing
from harness.stats.statistics import summarize

_RUNTIMES = {"tflite": "TensorFlow Lite", "onnxruntime": "ONNX Runtime"}
_SMALL_SHARE = 0.02
"""Operators below it are summed up in one row; the night record has them all."""


def devices_table(record: RunRecord) -> Table:
    """One inference on the MCU, the CPU and the GPU side by side."""
    rows = []
    for variant in record.variants:
        board = _board_row(record, variant)
        rows.append(board)
        rows += [_host_row(variant, row, board["median_us"]) for row in variant.host]
    names = "variant device device_name runtime threads clock invocations median_us p25_us p75_us"
    return Table(
        name="host",
        title="One inference on MCU, CPU and GPU",
        frame=frame(f"{names} times_faster_than_board max_abs_difference note", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Device", ["device"], figure=False),
            Column("Runtime", ["runtime"], figure=False),
            Column("Threads", ["threads"], figures.count),
            Column("Median", ["median_us"], figures.duration),
            Column("Middle half", ["p25_us", "p75_us"], figures.span),
            Column("Time is", ["clock"], figure=False),
            Column("Faster than the board", ["times_faster_than_board"], figures.times),
            Column("Output differs by", ["max_abs_difference"], figures.difference),
            Column("Note", ["note"], figures.remark, figure=False, optional=True),
        ],
        note=(
            f"{_device_names(rows)} The same input on all of them. Board times are {time_is(record.board)}. "
            "Host times are measured and have the runtime's own call in them. “Output differs by” is the "
            "largest difference of a label's probability to the board's."
        ),
        headed=True,
        tones=["strong" if row["device"] == "MCU" else "" for row in rows],
    )


def _device_names(rows: list[dict[str, Any]]) -> str:
    """Such as "MCU: Arduino Nano 33 BLE Sense. CPU: Example."."""
    names = dict.fromkeys((row["device"], row["device_name"]) for row in rows if row["device_name"])
    return " ".join(f"{device}: {name}." for device, name in names)


def _board_row(record: RunRecord, variant: VariantRow) -> dict[str, Any]:
    samples = stage_samples(variant).get("inference", [])
    row = {
        "variant": variant.title,
        "device": "MCU",
        "device_name": record.board.title,
        "runtime": variant.firmware and f"{variant.firmware.engine} ({variant.firmware.kernels})",
        "threads": 1,
        "clock": time_is(record.board),
        "median_us": None,
    }
    if not samples:
        return {**row, "clock": None, "note": why_missing(variant)}
    low, median, high = np.percentile(samples, [25, 50, 75]).tolist()
    times = {"median_us": median, "p25_us": low, "p75_us": high, "times_faster_than_board": 1}
    return {**row, **times, "invocations": len(samples)}


def _host_row(variant: VariantRow, row: HostRow, board_us: float | None) -> dict[str, Any]:
    return {
        "variant": variant.title,
        "device": row.device.upper(),
        "device_name": row.device_name,
        "runtime": _RUNTIMES.get(row.runtime, row.runtime),
        "threads": row.threads,
        "clock": "measured" if row.median_us is not None else None,
        "invocations": row.invocations or None,
        "median_us": row.median_us,
        "p25_us": row.p25_us,
        "p75_us": row.p75_us,
        "times_faster_than_board": board_us / row.median_us if board_us and row.median_us else None,
        "max_abs_difference": row.max_abs_difference,
        "note": row.note,
    }


def latency_table(record: RunRecord) -> Table:
    """Minimum, median, mean, p95 and maximum of each stage on the board, and its share of the time."""
    rows = []
    for variant in record.variants:
        samples = stage_samples(variant)
        whole = sum(samples.get(ALL_STAGES, []))
        for stage in (*STAGES, ALL_STAGES):
            row: dict[str, Any] = {"variant": variant.title, "stage": stage, "clock": time_is(record.board)}
            if values := samples.get(stage):
                of = summarize(values)
                row |= {"samples": of.n, "min_us": of.minimum, "median_us": of.median, "mean_us": of.mean}
                row |= {
                    "p95_us": of.p95,
                    "max_us": of.maximum,
                    "share": sum(values) / whole if whole else None,
                }
            else:
                row["note"] = "not reported by the board" if samples else why_missing(variant)
            rows.append(row)
    clock = time_is(record.board)
    return Table(
        name="latency",
        title="Stages on the board",
        frame=frame(
            "variant stage clock samples min_us median_us mean_us p95_us max_us share note",
            rows,
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column(f"Stage ({clock})", ["stage"], figure=False),
            Column("Samples", ["samples"], figures.count),
            Column("Min", ["min_us"], figures.duration),
            Column("Median", ["median_us"], figures.duration),
            Column("Mean", ["mean_us"], figures.duration),
            Column("p95", ["p95_us"], figures.duration),
            Column("Max", ["max_us"], figures.duration),
            Column("Share of the time", ["share"], figures.share, mark="bar"),
            Column("Note", ["note"], figures.remark, figure=False, optional=True),
        ],
        note=(
            "Preprocess: the front end takes all slices that have arrived. Inference: the model. "
            "Postprocess: the command recognizer. One sample for each pass while the board listened; "
            f"times are {clock}."
        ),
        headed=True,
        tones=["strong" if row["stage"] == ALL_STAGES else "" for row in rows],
    )


def operators_table(record: RunRecord) -> Table:
    """The CPU's inference by operator, as the torch profiler saw it."""
    rows = []
    for variant in record.variants:
        large = [row for row in variant.host_operators if row.share >= _SMALL_SHARE]
        small = [row for row in variant.host_operators if row.share < _SMALL_SHARE]
        for row in sorted(large, key=lambda row: -row.self_us):
            times = {"calls": row.calls, "self_us": row.self_us, "share": row.share}
            rows.append({"variant": variant.title, "operator": row.name, **times})
        if small:
            sums = {name: sum(getattr(row, name) for row in small) for name in ("calls", "self_us", "share")}
            rows.append({"variant": variant.title, "operator": f"{len(small)} others", **sums})
    return Table(
        name="operators",
        title="The CPU's inference by operator",
        frame=frame("variant operator calls self_us share", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Operator (torch)", ["operator"], figure=False),
            Column("Calls", ["calls"], figures.count),
            Column("Own time", ["self_us"], figures.duration),
            Column("Share", ["share"], figures.share, mark="bar"),
        ],
        note="By the torch profiler on one thread; profiling makes each operator slower than it is.",
        headed=True,
    )
