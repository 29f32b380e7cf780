"""What pruning brings: runtimes and sizes by threshold, with the sentence that the figures allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.report import format as figures
from harness.report.family.entries import Entry, unpruned_of
from harness.report.table import Column, Table, frame
from harness.report.variants import time_is
from harness.stats.statistics import ratio

_SAME = 0.01
"""A board time that is below another by less is called no faster."""


@dataclass(frozen=True)
class Series:
    """A network by the share that was pruned, on one board with one engine.

    Attributes:
        title: the network's, with the engine where the family has several.
        kind: "channels" or "weights".
        engine: what ran the pruned ones.
        entries: by threshold; first the network with all of its weights, if it is there. Where the engine of
            the others did not run it, it is another one's.
    """

    title: str
    kind: str
    engine: str
    entries: list[Entry]

    @property
    def unpruned(self) -> Entry | None:
        """What the others are compared with."""
        return self.entries[0] if self.entries[0].threshold is None else None

    def times(self, device: str) -> list[tuple[float, float]]:
        """(threshold, µs) of an inference on the "mcu", or on "cpu" or "gpu" by the fastest runtime."""
        timed = [
            (entry.threshold or 0.0, entry.inference_us if device == "mcu" else entry.host_us(device))
            for entry in self.entries
        ]
        return [(threshold, us) for threshold, us in timed if us is not None]


def series_of(entries: Sequence[Entry], kind: str) -> list[Series]:
    """The pruned networks of a kind, each with at least two thresholds (0 included)."""
    groups: dict[tuple[str, str, str, str], list[Entry]] = {}
    for entry in entries:
        if entry.kind == kind and entry.model and entry.model.pruning:
            key = (entry.network, entry.engine, entry.record.board.name, entry.model.precision)
            groups.setdefault(key, []).append(entry)
    several = len({(engine, board) for _, engine, board, _ in groups}) > 1
    found = []
    for (network, engine, board, _), those in groups.items():
        whole = unpruned_of(those[0], entries)
        start = [whole] if whole and whole.record.board.name == board else []
        title = f"{network}, engine {engine}" if several else network
        found.append(
            Series(title, kind, engine, [*start, *sorted(those, key=lambda entry: entry.threshold or 0)])
        )
    return [series for series in found if len(series.entries) > 1]


def pruned_table(series: Sequence[Series], name: str, title: str) -> Table:
    """Every threshold: what is left, how well, how fast; and as a share of the network with all weights."""
    rows = [_row(one, entry) for one in series for entry in one.entries]
    clocks = (time_is(entry.record.board) for one in series for entry in one.entries)
    mcu, unpruned = f"MCU ({' and '.join(dict.fromkeys(clocks))})", "Of the unpruned"
    return Table(
        name=name,
        title=title,
        frame=frame(
            "network variant threshold parameters remaining_parameters operations accuracy_before accuracy "
            "flash_bytes compressed_bytes inference_us cpu_us gpu_us operations_share compressed_share "
            "inference_share cpu_share gpu_share note",
            rows,
        ),
        columns=[
            Column("Network", ["network"], figure=False),
            Column("Pruned", ["threshold"], figures.share),
            Column("Parameters", ["parameters"], figures.count),
            Column("not zero", ["remaining_parameters"], figures.count),
            Column("Operations", ["operations"], figures.count),
            Column("before fine-tuning", ["accuracy_before"], figures.share, group="Accuracy"),
            Column("after", ["accuracy"], figures.share, group="Accuracy"),
            Column("Compressed, bytes", ["compressed_bytes"], figures.count),
            Column(mcu, ["inference_us"], figures.duration, group="Inference"),
            Column("CPU", ["cpu_us"], figures.duration, group="Inference"),
            Column("GPU", ["gpu_us"], figures.duration, optional=True, group="Inference"),
            Column("operations", ["operations_share"], figures.share, group=unpruned),
            Column("compressed", ["compressed_share"], figures.share, group=unpruned),
            Column("MCU", ["inference_share"], figures.share, group=unpruned),
            Column("CPU", ["cpu_share"], figures.share, group=unpruned),
            Column("GPU", ["gpu_share"], figures.share, optional=True, group=unpruned),
            Column("Note", ["note"], figures.remark, figure=False, optional=True),
        ],
        note=(
            "CPU and GPU: the fastest runtime of each variant. The accuracy before fine-tuning is that of "
            "the network in torch, the one after that of the .tflite."
        ),
        headed=True,
        tones=["bad" if entry.variant.faults else "" for one in series for entry in one.entries],
    )


def _row(series: Series, entry: Entry) -> dict[str, Any]:
    whole = series.unpruned
    model = entry.model
    assert model
    row: dict[str, Any] = {
        "network": series.title,
        "variant": entry.title,
        "threshold": entry.threshold or 0,
        "parameters": model.parameters,
        "remaining_parameters": model.remaining_parameters,
        "operations": entry.operations,
        "accuracy": entry.accuracy,
        "compressed_bytes": model.compressed_bytes,
        "inference_us": entry.inference_us,
        "cpu_us": entry.host_us("cpu"),
        "gpu_us": entry.host_us("gpu"),
        "note": entry.gap or ("" if entry.engine == series.engine else f"engine {entry.engine}"),
    }
    if firmware := entry.variant.firmware:
        row["flash_bytes"] = firmware.flash_bytes
    if model.before_fine_tuning and (counts := model.before_fine_tuning.get("testing")):
        row["accuracy_before"] = sum(one.correct for one in counts) / sum(one.total for one in counts)
    if whole and whole.model:
        row["operations_share"] = ratio(entry.operations, whole.operations)
        row["compressed_share"] = ratio(model.compressed_bytes, whole.model.compressed_bytes)
        row["inference_share"] = ratio(entry.inference_us, whole.inference_us)
        row["cpu_share"] = ratio(entry.host_us("cpu"), whole.host_us("cpu"))
        row["gpu_share"] = ratio(entry.host_us("gpu"), whole.host_us("gpu"))
    return row


def channels_sentences(series: Sequence[Series]) -> list[str]:
    """For each network whether the board's time falls with every step, and by how much the CPU's does not."""
    paragraphs = []
    for one in series:
        board = one.times("mcu")
        if len(board) < 2:
            continue
        sentences = [f"{one.title}: on the board an inference {_course(board)}."]
        for device in ("cpu", "gpu"):
            if len(host := one.times(device)) > 1:
                sentences.append(f"On the {device.upper()} it {_course(host)}.")
        paragraphs.append(" ".join(sentences))
    return paragraphs


def _course(times: Sequence[tuple[float, float]]) -> str:
    """How a time goes with the threshold, as the end of a sentence."""
    (first, start), (last, end) = times[0], times[-1]
    ends = (
        f"from {figures.duration(start)} at {_percent(first)} to {figures.duration(end)} at {_percent(last)} "
        f"pruned, which is {figures.share(end / start)} of it"
    )
    steps = [(one, other, after / before - 1) for (one, before), (other, after) in pairwise(times)]
    rises = [step for step in steps if step[2] >= 0]
    if not rises:
        return f"takes less with every step, {ends}"
    one, other, worst = max(rises, key=lambda step: step[2])
    return (
        f"does not fall in {len(rises)} of {len(steps)} steps (most from {_percent(one)} to "
        f"{_percent(other)}: {figures.change(worst)}), {ends}"
    )


def weights_sentences(series: Sequence[Series]) -> list[str]:
    """For each network whether zeros among its weights make the board any faster, and what they save."""
    return [" ".join([_zeros(one), *_compressed(one)]) for one in series if len(one.times("mcu")) > 1]


def _zeros(series: Series) -> str:
    (_, start), (first, _), *_ = board = series.times("mcu")
    times = [us for _, us in board]
    subject = f"{series.title}: with {_percent(first)} to {_percent(board[-1][0])} of the weights zero"
    if min(times) < start * (1 - _SAME):
        return f"{subject} an inference on the board {_course(board)}."
    return (
        f"{subject} an inference takes {figures.span(min(times), max(times))} on the board, and "
        f"{figures.duration(start)} with none: dense kernels multiply by every zero, so pruning makes them "
        "no faster."
    )


def _compressed(series: Series) -> list[str]:
    sizes = [(entry.threshold or 0.0, entry.compressed_bytes) for entry in series.entries]
    known = [(threshold, size) for threshold, size in sizes if size]
    if len(known) < 2:
        return []
    (_, whole), (last, least) = known[0], known[-1]
    return [
        f"Compressed, the .tflite shrinks from {figures.count(whole)} to {figures.count(least)} bytes at "
        f"{_percent(last)}, which is {figures.share(least / whole)} of it."
    ]


def _percent(threshold: float) -> str:
    return f"{100 * threshold:g}\u00a0%"
