"""Tables of a family: all variants side by side, pruning by threshold, and accuracy label by label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.report import format as fmt
from harness.report.comparisons import Matrix, comparisons_table
from harness.report.pages.family_entries import KINDS, Entry, float32_of, unpruned_of
from harness.report.pages.run_tables import fields_of
from harness.report.table import Column, Table
from harness.report.variants import STAGES, conformance, time_is
from harness.stats.pairing import CONFIDENCE, paired
from harness.stats.statistics import ratio, wilson_interval

_DEVICES = ("mcu", "cpu", "gpu")


def pareto_front(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that no other one beats in accuracy and in board latency, the fastest first."""
    candidates = [
        (entry, entry.inference_us, entry.accuracy)
        for entry in entries
        if entry.trusted and entry.inference_us is not None and entry.accuracy is not None
    ]
    chosen = front([(cost, gain) for _, cost, gain in candidates])
    return [candidates[index][0] for index in chosen]


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the indices of the Pareto front, cheapest first.

    A point dominates another if it costs no more and gains no less, and is better in one of them. Equal
    points are all on the front, or none of them.

    Args:
        points: (cost, gain) of each.
    """
    order = sorted(range(len(points)), key=lambda index: (points[index][0], -points[index][1]))
    chosen: list[int] = []
    for index in order:
        if not chosen or points[index][1] > points[chosen[-1]][1] or points[index] == points[chosen[-1]]:
            chosen.append(index)
    return chosen


def comparison_table(entries: Sequence[Entry]) -> Table:
    """Return all main results, one row for each variant, with ratios to float32 of the same network."""
    on_front = {id(entry) for entry in pareto_front(entries)}
    clock = " and ".join(dict.fromkeys(time_is(entry.record.board) for entry in entries))
    mcu, model, float32 = f"MCU ({clock})", "Model", "Relative to float32"
    return Table(
        name="family",
        title="Every variant",
        columns=[
            Column("variant", "Variant"),
            Column("id network kind threshold engine board"),
            Column("front", "on the front", lambda front: "★" if front else "", text=True),
            Column("accuracy", "test set", fmt.share, group="Accuracy"),
            Column("accuracy_low accuracy_high", "95 % interval", fmt.interval, group="Accuracy"),
            Column("test_correct"),
            Column("test_samples", "clips", fmt.count, group="Accuracy"),
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
            Column("cpu_us", "CPU", fmt.duration, group="Fastest runtime"),
            Column("gpu_us", "GPU", fmt.duration, optional=True, group="Fastest runtime"),
            Column("cpu_runtime gpu_runtime"),
            Column("accuracy_difference", "accuracy, points", fmt.points, group=float32),
            Column("flash_ratio", "flash", fmt.times, group=float32),
            Column("ram_ratio", "RAM", fmt.times, group=float32),
            Column("mcu_ratio", "inference", fmt.times, group=float32),
            Column("cpu_ratio", "CPU", fmt.times, group=float32),
            Column("conformance", "Conformance"),
            Column("note", "Note", fmt.remark, optional=True),
        ],
        rows=[_comparison_row(entry, entries, id(entry) in on_front) for entry in entries],
        note=(
            "Accuracy is that of the .tflite on the test set, or of the torch network where no board can run "
            "the variant; intervals are Wilson's. Operations are multiplications and additions of weights. "
            f"Compressed: bytes of the .tflite by zlib. Times are medians, on the MCU {clock}; CPU and GPU "
            "are one inference of the fastest runtime. ★: on the Pareto front; no other variant is as "
            "accurate and as fast."
        ),
        tones=[
            "bad" if entry.variant.faults else "strong" if id(entry) in on_front else "" for entry in entries
        ],
    )


def _comparison_row(entry: Entry, entries: Sequence[Entry], on_front: bool) -> dict[str, Any]:
    variant = entry.variant
    row = fields_of(entry.model, variant.firmware) | {
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
        "conformance": conformance(variant) if entry.stages_us or variant.parity else None,
        "note": entry.gap,
    }
    row |= {f"{stage}_us": entry.stages_us.get(stage) for stage in STAGES}
    if entry.test:
        row["test_correct"], row["test_samples"] = entry.test
        row["accuracy_low"], row["accuracy_high"] = wilson_interval(*entry.test)
    for device in ("cpu", "gpu"):
        if fastest := entry.host(device):
            row |= {f"{device}_us": fastest.median_us, f"{device}_runtime": fastest.runtime}
    if reference := float32_of(entry, entries):
        row |= {
            f"{device}_ratio": ratio(entry.time_us(device), reference.time_us(device)) for device in _DEVICES
        }
        if entry.accuracy is not None and reference.accuracy is not None:
            row["accuracy_difference"] = entry.accuracy - reference.accuracy
        if variant.firmware and (original := reference.variant.firmware):
            row["flash_ratio"] = ratio(variant.firmware.flash_bytes, original.flash_bytes)
            row["ram_ratio"] = ratio(variant.firmware.ram_bytes, original.ram_bytes)
    return row


@dataclass(frozen=True)
class Series:
    """A network by pruned share, on one board with one engine.

    Attributes:
        title: title of the network, with the engine where the family has several.
        engine: engine that ran the pruned variants.
        entries: by threshold. The first is the network with all of its weights, if it is there; it may have
            run on another engine.
    """

    title: str
    engine: str
    entries: list[Entry]

    @property
    def unpruned(self) -> Entry | None:
        return self.entries[0] if self.entries[0].threshold is None else None

    def times(self, device: str) -> list[tuple[float, float]]:
        """Return (threshold, µs) of an inference on "mcu", "cpu" or "gpu"."""
        timed = [(entry.threshold or 0.0, entry.time_us(device)) for entry in self.entries]
        return [(threshold, us) for threshold, us in timed if us is not None]


def series_of(entries: Sequence[Entry], kind: str) -> list[Series]:
    """Return the pruned networks of a kind that have at least two thresholds, 0 included."""
    groups: dict[tuple[str, str, str, str], list[Entry]] = {}
    for entry in entries:
        if entry.kind == kind and entry.model and entry.model.pruning:
            key = (entry.network, entry.engine, entry.record.board.name, entry.model.precision)
            groups.setdefault(key, []).append(entry)
    several = len({(engine, board) for _, engine, board, _ in groups}) > 1
    found = []
    for (network, engine, board, _), pruned in groups.items():
        whole = unpruned_of(pruned[0], entries)
        start = [whole] if whole and whole.record.board.name == board else []
        title = f"{network}, engine {engine}" if several else network
        pruned.sort(key=lambda entry: entry.threshold or 0)
        found.append(Series(title, engine, [*start, *pruned]))
    return [series for series in found if len(series.entries) > 1]


def pruned_table(series: Sequence[Series], name: str, title: str) -> Table:
    """Return size, accuracy and time for each threshold, and their share of the unpruned network's."""
    clocks = (time_is(entry.record.board) for one in series for entry in one.entries)
    mcu, unpruned = f"MCU ({' and '.join(dict.fromkeys(clocks))})", "Relative to the unpruned"
    return Table(
        name=name,
        title=title,
        columns=[
            Column("network", "Network"),
            Column("variant"),
            Column("threshold", "Pruned", fmt.share),
            Column("parameters", "Parameters", fmt.count),
            Column("remaining_parameters", "not zero", fmt.count),
            Column("operations", "Operations", fmt.count),
            Column("accuracy_before", "before fine-tuning", fmt.share, group="Accuracy"),
            Column("accuracy", "after", fmt.share, group="Accuracy"),
            Column("flash_bytes"),
            Column("compressed_bytes", "Compressed, bytes", fmt.count),
            Column("mcu_us", mcu, fmt.duration, group="Inference"),
            Column("cpu_us", "CPU", fmt.duration, group="Inference"),
            Column("gpu_us", "GPU", fmt.duration, optional=True, group="Inference"),
            Column("operations_share", "operations", fmt.share, group=unpruned),
            Column("compressed_share", "compressed", fmt.share, group=unpruned),
            Column("mcu_share", "MCU", fmt.share, group=unpruned),
            Column("cpu_share", "CPU", fmt.share, group=unpruned),
            Column("gpu_share", "GPU", fmt.share, optional=True, group=unpruned),
            Column("note", "Note", fmt.remark, optional=True),
        ],
        rows=[_pruned_row(one, entry) for one in series for entry in one.entries],
        note=(
            "CPU and GPU: the fastest runtime of each variant. The accuracy before fine-tuning is that of "
            "the torch network, the one after it that of the .tflite."
        ),
        headed=True,
        tones=["bad" if entry.variant.faults else "" for one in series for entry in one.entries],
    )


def _pruned_row(series: Series, entry: Entry) -> dict[str, Any]:
    model, whole = entry.model, series.unpruned
    row = fields_of(model, entry.variant.firmware) | {
        "network": series.title,
        "variant": entry.title,
        "threshold": entry.threshold or 0,
        "operations": entry.operations,
        "accuracy": entry.accuracy,
        "note": entry.gap or ("" if entry.engine == series.engine else f"engine {entry.engine}"),
    }
    if model and model.before_fine_tuning and (counts := model.before_fine_tuning.get("testing")):
        row["accuracy_before"] = sum(one.correct for one in counts) / sum(one.total for one in counts)
    row |= {f"{device}_us": entry.time_us(device) for device in _DEVICES}
    if whole:
        row["operations_share"] = ratio(entry.operations, whole.operations)
        row["compressed_share"] = ratio(entry.compressed_bytes, whole.compressed_bytes)
        row |= {f"{device}_share": ratio(entry.time_us(device), whole.time_us(device)) for device in _DEVICES}
    return row


def pruning_sentences(series: Sequence[Series], kind: str) -> list[str]:
    """Return one sentence for each network: times and compressed size before and after pruning.

    Args:
        series: networks that were measured at several thresholds.
        kind: "channels" or "weights".
    """
    sentences = []
    for one in series:
        if len(one.times("mcu")) < 2:
            continue
        changes = [
            f"{fmt.duration(first)} to {fmt.duration(last)} ({fmt.change(last / first - 1)}) on the {name}"
            for device, name in zip(_DEVICES, ("board", "CPU", "GPU"), strict=True)
            if len(times := one.times(device)) > 1
            for first, last in [(times[0][1], times[-1][1])]
        ]
        sizes = [size for entry in one.entries if (size := entry.compressed_bytes)]
        if len(sizes) > 1:
            changes.append(f"{fmt.count(sizes[0])} to {fmt.count(sizes[-1])} bytes compressed")
        pruned = fmt.percent(one.times("mcu")[-1][0])
        sentences.append(f"{one.title}, {pruned} of the {kind} pruned: {', '.join(changes)}.")
    return sentences


def confusions(entries: Sequence[Entry]) -> list[Matrix]:
    """Return the confusion matrix of every variant whose answers on the test set are known."""
    found = []
    for entry in entries:
        if entry.right and entry.model:
            labels = entry.variant.labels
            counts = np.zeros((len(labels), len(labels)), int)
            np.add.at(counts, (entry.model.test_labels, entry.model.test_predictions), 1)
            right = [{label} for label in labels]
            accuracy = fmt.share(entry.accuracy)
            found.append(Matrix(entry.title, labels, labels, counts.tolist(), right, accuracy))
    return found


def pairs_table(entries: Sequence[Entry]) -> Table:
    """Compare every variant with float32 of the same network on the same clips."""
    compared = [
        (entry.title, reference.title, paired([entry.right], [reference.right], [entry.model.seed or 0]))
        for entry in entries
        if (reference := float32_of(entry, entries)) is not None
        and reference is not entry
        and entry.model
        and reference.model
        and entry.right
        and entry.model.test_labels == reference.model.test_labels
        and entry.kind != "float32"
    ]
    return comparisons_table(
        compared,
        title="Against float32 of the same network, on the same clips",
        unit="clips",
        sides=("this variant", "float32"),
        note=(
            "McNemar's exact test on the clips that only one of the two got right, corrected by Holm for the "
            f"{len(compared)} comparisons of this table; p below {1 - CONFIDENCE:.2f} is a difference. "
            "Each variant was trained once: studies over several seeds compare the methods."
        ),
    )
