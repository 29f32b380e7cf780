"""The family side by side: how well, how large, how fast, and against float32 of the same network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.report import format as figures
from harness.report.family.entries import KINDS, Entry, float32_of
from harness.report.family.pareto import front
from harness.report.provenance import chain_of_trust
from harness.report.table import Column, Table, frame
from harness.report.variants import STAGES, time_is
from harness.stats.statistics import ratio, wilson_interval

_OF_FLOAT32 = "Of float32"


def pareto_front(entries: Sequence[Entry]) -> list[Entry]:
    """The entries that no other one beats in accuracy and in the board's latency, the fastest first."""
    candidates = [
        (entry, entry.inference_us, entry.accuracy)
        for entry in entries
        if entry.trusted and entry.inference_us is not None and entry.accuracy is not None
    ]
    chosen = front([(cost, gain) for _, cost, gain in candidates])
    return [candidates[index][0] for index in chosen]


def comparison_table(entries: Sequence[Entry]) -> Table:
    """One row for each variant."""
    on_front = {id(entry) for entry in pareto_front(entries)}
    rows = [_row(entry, entries, id(entry) in on_front) for entry in entries]
    clock = " and ".join(dict.fromkeys(time_is(entry.record.board) for entry in entries))
    names = "variant id network kind threshold engine board front"
    of_accuracy = "accuracy accuracy_low accuracy_high test_correct test_samples"
    of_size = "parameters remaining_parameters operations flash_bytes ram_bytes arena_bytes tflite_bytes"
    of_time = "preprocess_us inference_us postprocess_us pass_us cpu_us cpu_runtime gpu_us gpu_runtime"
    of_float32 = "accuracy_difference flash_ratio ram_ratio inference_ratio cpu_ratio"
    mcu, model = f"MCU ({clock})", "Model"
    return Table(
        name="family",
        title="Every variant",
        frame=frame(
            f"{names} {of_accuracy} {of_size} compressed_bytes {of_time} {of_float32} chain note", rows
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("on the front", ["front"], lambda front: "★" if front else "", figure=False),
            Column("test set", ["accuracy"], figures.share, group="Accuracy"),
            Column("95 % interval", ["accuracy_low", "accuracy_high"], figures.interval, group="Accuracy"),
            Column("clips", ["test_samples"], figures.count, group="Accuracy"),
            Column("Parameters", ["parameters"], figures.count, group=model),
            Column("not zero", ["remaining_parameters"], figures.count, group=model),
            Column("operations", ["operations"], figures.count, group=model),
            Column("compressed", ["compressed_bytes"], figures.count, group=model),
            Column("flash", ["flash_bytes"], figures.count, group="Bytes"),
            Column("RAM", ["ram_bytes"], figures.count, group="Bytes"),
            Column("arena", ["arena_bytes"], figures.count, group="Bytes"),
            *(Column(stage, [f"{stage}_us"], figures.duration, group=mcu) for stage in STAGES),
            Column("all stages", ["pass_us"], figures.duration, group=mcu),
            Column("CPU", ["cpu_us"], figures.duration, group="Fastest runtime"),
            Column("GPU", ["gpu_us"], figures.duration, optional=True, group="Fastest runtime"),
            Column("accuracy, points", ["accuracy_difference"], figures.points, group=_OF_FLOAT32),
            Column("flash", ["flash_ratio"], figures.times, group=_OF_FLOAT32),
            Column("RAM", ["ram_ratio"], figures.times, group=_OF_FLOAT32),
            Column("inference", ["inference_ratio"], figures.times, group=_OF_FLOAT32),
            Column("CPU", ["cpu_ratio"], figures.times, group=_OF_FLOAT32),
            Column("Chain of trust", ["chain"], figure=False),
            Column("Note", ["note"], figures.remark, figure=False, optional=True),
        ],
        note=(
            "Accuracy is that of the .tflite on the test set, with Wilson's interval; of what no board can "
            "run that of the network in torch. An operation is a multiplication or an addition of a "
            "weight, bias additions apart. Compressed: the .tflite by zlib. Times are medians, on the MCU "
            f"{clock}; CPU and GPU are the fastest runtime's, for one inference. “Of float32” compares with "
            "float32 of the same network: accuracy by difference, all else by ratio. ★: on the Pareto "
            "front, no other variant is as accurate and as fast."
        ),
        tones=[_tone(entry, id(entry) in on_front) for entry in entries],
    )


def _row(entry: Entry, entries: Sequence[Entry], on_front: bool) -> dict[str, Any]:
    variant, model, stages = entry.variant, entry.model, entry.stages_us
    row: dict[str, Any] = {
        "variant": entry.title,
        "id": variant.id,
        "network": entry.network,
        "kind": KINDS[entry.kind],
        "threshold": entry.threshold,
        "engine": entry.engine,
        "board": entry.record.board.name,
        "front": on_front,
        "operations": entry.operations,
        "accuracy": entry.accuracy,
        "pass_us": entry.pass_us,
        "chain": chain_of_trust(variant) if entry.stages_us or variant.parity else None,
        "note": entry.gap,
    }
    row |= {f"{stage}_us": stages.get(stage) for stage in STAGES}
    if entry.test:
        row["test_correct"], row["test_samples"] = entry.test
        row["accuracy_low"], row["accuracy_high"] = wilson_interval(*entry.test)
    if model:
        row |= {"parameters": model.parameters, "remaining_parameters": model.remaining_parameters}
        row |= {"tflite_bytes": model.tflite_bytes, "compressed_bytes": model.compressed_bytes}
    if firmware := variant.firmware:
        row |= {"flash_bytes": firmware.flash_bytes, "ram_bytes": firmware.ram_bytes}
        row |= {"arena_bytes": firmware.arena_bytes}
    for device in ("cpu", "gpu"):
        if fastest := entry.host(device):
            row |= {f"{device}_us": fastest.median_us, f"{device}_runtime": fastest.runtime}
    return row | _against_float32(entry, float32_of(entry, entries))


def _against_float32(entry: Entry, reference: Entry | None) -> dict[str, float | None]:
    if reference is None:
        return {}
    row = {
        "inference_ratio": ratio(entry.inference_us, reference.inference_us),
        "cpu_ratio": ratio(entry.host_us("cpu"), reference.host_us("cpu")),
    }
    if entry.accuracy is not None and reference.accuracy is not None:
        row["accuracy_difference"] = entry.accuracy - reference.accuracy
    if (mine := entry.variant.firmware) and (its := reference.variant.firmware):
        row["flash_ratio"] = ratio(mine.flash_bytes, its.flash_bytes)
        row["ram_ratio"] = ratio(mine.ram_bytes, its.ram_bytes)
    return row


def _tone(entry: Entry, on_front: bool) -> str:
    if entry.variant.faults:
        return "bad"
    return "strong" if on_front else ""


def gaps_table(entries: Sequence[Entry]) -> Table:
    """What has no figures of a board, and why."""
    rows = [
        {
            "variant": entry.title,
            "reason": entry.gap,
            "message": "\n".join(fault.message for fault in entry.variant.faults),
        }
        for entry in entries
        if entry.gap
    ]
    return Table(
        name="gaps",
        title="Without figures of a board",
        frame=frame("variant reason message", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Why", ["reason"], figure=False),
            Column(
                "What happened, and what to try", ["message"], figures.remark, figure=False, optional=True
            ),
        ],
        tones=["bad" if row["message"] else "" for row in rows],
    )
