"""Tables of a family: all variants side by side, and their confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness import format as fmt
from harness.records.record import STAGES
from harness.report.confusion import Matrix, confusion_table
from harness.report.pages.family_entries import KINDS, Entry, different_models, front_of, original_of
from harness.report.pages.run_tables import fields_of
from harness.report.table import Column, Table
from harness.report.variants import ALL_STAGES, conformance, footprint_cell, time_is
from harness.stats.statistics import ratio, wilson_interval


def family_tables(entries: Sequence[Entry]) -> dict[str, Table]:
    """Return the tables by their names on the page."""
    note = "Clips of the test set by their right label and the label that the model gave."
    matrices = confusion_table(confusions(entries), "Label", "Detected", note)
    return {"family": comparison_table(entries), "confusion": replace(matrices, name="family-confusion")}


def comparison_table(entries: Sequence[Entry]) -> Table:
    """Return all main results, one row for each variant, with ratios to float32 of the same network."""
    places = {id(entry): place for place, entry in enumerate(front_of(entries), 1)}
    clock = " and ".join(dict.fromkeys(time_is(entry.record.board) for entry in entries))
    mcu, accuracy, model, float32 = f"MCU ({clock})", "Accuracy", "Model", "Relative to float32"
    columns = [
        Column("variant", "Variant"),
        Column("id network kind threshold engine board"),
        Column("optimization", "optimization"),
        Column("footprint", "footprint", footprint_cell, text=True, optional=True),
        Column("front", "front", fmt.remark),
        Column("accuracy", "test set", fmt.share, group=accuracy),
        Column("accuracy_low accuracy_high", "95 % interval", fmt.interval, group=accuracy),
        Column("test_correct test_samples"),
        Column("front_end", "front end", group=model),
        Column("parameters", "parameters", fmt.count, group=model),
        Column("remaining_parameters", "not zero", fmt.count, group=model),
        Column("operations", "operations", fmt.count, group=model),
        Column("compressed_bytes", "compressed", fmt.count, group=model),
        Column("flash_bytes", "flash", fmt.count, group="Bytes"),
        Column("ram_bytes", "RAM", fmt.count, group="Bytes"),
        Column("arena_bytes", "arena", fmt.count, group="Bytes"),
        Column("tflite_bytes"),
        *(Column(f"{stage}_us", stage, fmt.duration, group=mcu) for stage in STAGES),
        Column("pass_us", "all stages", fmt.duration, group=mcu),
        Column("linux_us", "small Linux", fmt.duration, optional=True, group="Fastest runtime"),
        Column("cpu_us", "CPU", fmt.duration, group="Fastest runtime"),
        Column("gpu_us", "GPU", fmt.duration, optional=True, group="Fastest runtime"),
        Column("linux_runtime cpu_runtime gpu_runtime"),
        Column("accuracy_difference", "accuracy, points", fmt.points, group=float32),
        Column("flash_ratio", "flash", fmt.times, group=float32),
        Column("ram_ratio", "RAM", fmt.times, group=float32),
        Column("mcu_ratio", "inference", fmt.times, group=float32),
        Column("cpu_ratio", "CPU", fmt.times, group=float32),
        Column("conformance", "Conformance"),
        Column("note", "Note", fmt.remark, optional=True),
    ]
    note = (
        "Accuracy is that of the .tflite on the test set, or of the torch network where no board can run the "
        "variant; intervals are Wilson's. Operations are multiplications and additions of weights. "
        f"Compressed: bytes of the .tflite by zlib. Times are medians, on the MCU {clock}; small Linux, CPU "
        "and GPU are one inference of the fastest runtime. Front: the number on the Pareto front of the plot."
    )
    rows = [_comparison_row(entry, entries) | {"front": places.get(id(entry))} for entry in entries]
    tones = ["bad" if row["faults"] else "strong" if row["front"] else "" for row in rows]
    return Table("family", "Every variant", columns, rows, note, tones=tones)


def _comparison_row(entry: Entry, entries: Sequence[Entry]) -> dict[str, Any]:
    variant, firmware = entry.variant, entry.variant.firmware
    row = fields_of(variant, entry.model, firmware) | {
        "variant": entry.title,
        "network": entry.network,
        "kind": KINDS[entry.kind],
        "threshold": entry.threshold,
        "engine": entry.engine,
        "board": entry.record.board.name,
        "operations": entry.operations,
        "accuracy": entry.accuracy,
        "pass_us": entry.stages_us.get(ALL_STAGES),
        "conformance": conformance(variant) if entry.stages_us or variant.parity.clips is not None else None,
        "note": entry.gap,
    }
    row |= {f"{stage}_us": entry.stages_us.get(stage) for stage in STAGES}
    if entry.test:
        row["test_correct"], row["test_samples"] = entry.test
        row["accuracy_low"], row["accuracy_high"] = wilson_interval(*entry.test)
    for device in ("linux", "cpu", "gpu"):
        if fastest := entry.host(device):
            row |= {f"{device}_us": fastest.median_us, f"{device}_runtime": fastest.runtime}
    if reference := original_of(entry, entries):
        for device in ("mcu", "cpu"):
            row[f"{device}_ratio"] = ratio(entry.time_us(device), reference.time_us(device))
        if entry.accuracy is not None and reference.accuracy is not None:
            row["accuracy_difference"] = entry.accuracy - reference.accuracy
        if firmware and (original := reference.variant.firmware):
            row["flash_ratio"] = ratio(firmware.flash_bytes, original.flash_bytes)
            row["ram_ratio"] = ratio(firmware.ram_bytes, original.ram_bytes)
    return row


def confusions(entries: Sequence[Entry]) -> list[Matrix]:
    """Return the confusion matrix of every model whose predictions on the test set are known."""
    found = []
    for entry in different_models(entries):
        model, labels = entry.model, entry.variant.labels
        if model and model.test_labels and len(model.test_labels) == len(model.test_predictions):
            counts = np.zeros((len(labels), len(labels)), int)
            np.add.at(counts, (model.test_labels, model.test_predictions), 1)
            right = [{label} for label in labels]
            found.append(
                Matrix(entry.title, labels, labels, counts.tolist(), right, fmt.share(entry.accuracy))
            )
    return found
