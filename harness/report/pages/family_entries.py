"""Variants of one or several runs as a family: their kinds, figures and references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from harness.records.record import HostRow, ModelRow, RunRecord, VariantRow
from harness.report.variants import LINUX, conformance, stage_samples, throttled, why_missing
from harness.stats.statistics import pareto_front

KINDS = {
    "float32": "float32",
    "int8": "int8, after training",
    "aware": "int8, quantization-aware",
    "few": "fewer bits",
    "weights": "weights pruned",
    "channels": "channels pruned",
    "other": "external",
}
"""Titles of the changes to a network, in reading order."""
_NETWORKS = {"tinyconv": "TinyConv", "ds-cnn": "DS-CNN"}


@dataclass(frozen=True)
class Entry:
    """One variant of one run."""

    record: RunRecord
    variant: VariantRow
    title: str  # unique in the family
    engine: str  # engine that ran it, or would have; "" if no variant of the run was built

    @property
    def model(self) -> ModelRow | None:
        return self.variant.model

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        model = self.model
        if model is None or model.network is None:
            return "other"
        if model.pruning:
            return model.pruning.kind
        if model.quantization:
            return "aware" if model.deployable else "few"
        return model.precision

    @property
    def network(self) -> str:
        """Title of the network; "" if it is not known."""
        name = self.model.network or "" if self.model else ""
        return _NETWORKS.get(name, name)

    @property
    def training(self) -> tuple[str | None, int | None]:
        """Network and seed."""
        return (self.model.network, self.model.seed) if self.model else (None, None)

    @property
    def threshold(self) -> float | None:
        """Pruned share, 0 to 1; None without pruning."""
        return self.model.pruning.threshold if self.model and self.model.pruning else None

    @property
    def stages_us(self) -> dict[str, float]:
        """Median time on the board by stage."""
        return {stage: float(median(values)) for stage, values in stage_samples(self.variant).items()}

    @property
    def inference_us(self) -> float | None:
        return self.stages_us.get("inference")

    def host(self, device: str) -> HostRow | None:
        """Return the fastest runtime on "cpu", "gpu" or "linux" of those that were not throttled."""
        timed = [
            row
            for row in self.variant.host
            if row.device == device and row.median_us is not None and not throttled(row)
        ]
        return min(timed, key=lambda row: row.median_us or 0, default=None)

    def time_us(self, device: str) -> float | None:
        """Return the median time of an inference on one of `harness.report.variants.DEVICES`."""
        if device == "mcu":
            return self.inference_us
        return fastest.median_us if (fastest := self.host(device)) else None

    @property
    def operations(self) -> int | None:
        """Operations of the weights in one inference, two for a multiply-accumulate."""
        return 2 * self.model.macs if self.model and self.model.macs is not None else None

    @property
    def test(self) -> tuple[int, int] | None:
        """Clips of the test set that were recognized, and all of them."""
        counts = self.model.accuracy.get("testing", []) if self.model else []
        total = sum(count.total for count in counts)
        return (sum(count.correct for count in counts), total) if total else None

    @property
    def accuracy(self) -> float | None:
        """Accuracy on the test set, 0 to 1."""
        return self.test[0] / self.test[1] if self.test else None

    @property
    def trusted(self) -> bool:
        """True if the conformance checks hold and nothing failed, so that times may be compared."""
        return not self.variant.faults and conformance(self.variant) != "broken"

    @property
    def gap(self) -> str:
        """Reason why there are no measurements of a board; "" where there are."""
        if self.variant.faults:
            return why_missing(self.variant)
        if self.model and not self.model.deployable:
            of = self.model.quantization
            return f"no board can run it: {of.bits}-bit {of.number}s" if of else "no .tflite"
        if any(map(throttled, self.variant.host)):
            return "small Linux: throttled, not compared"
        timed = self.time_us("linux") if self.record.board.name == LINUX else self.inference_us
        return "" if timed is not None else "not measured"


def entries_of(records: Sequence[RunRecord]) -> list[Entry]:
    """Return the family in reading order: the smallest network first, then by kind and threshold.

    Equal titles are completed by engine, optimization, footprint, board and time of the run, as far as they
    differ.
    """
    found = [
        Entry(record, variant, variant.title, _engine(record, variant))
        for record in records
        for variant in record.variants
    ]
    for detail in _DETAILS:
        found = _with_detail(found, detail)
    sizes: dict[str, int] = {}
    for entry in found:
        sizes[entry.network] = max(sizes.get(entry.network, 0), entry.operations or 0)
    kinds = list(KINDS)

    def place(entry: Entry) -> tuple[Any, ...]:
        network = entry.network
        return not network, sizes[network], network, kinds.index(entry.kind), entry.threshold or 0

    return sorted(found, key=place)


def different_models(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries without repetitions of the same .tflite, whose accuracy is the same."""
    by_model: dict[object, Entry] = {}
    for index, entry in enumerate(entries):
        by_model.setdefault((entry.model and entry.model.tflite_sha256) or index, entry)
    return list(by_model.values())


def original_of(entry: Entry, entries: Sequence[Entry], kind: str = "float32") -> Entry | None:
    """Return the same training as `kind`, if possible of the same run, board and engine."""

    def distance(other: Entry) -> tuple[bool, ...]:
        boards = (other.record.board.name, entry.record.board.name)
        return other.record is not entry.record, boards[0] != boards[1], other.engine != entry.engine

    alike = [other for other in entries if other.kind == kind and other.training == entry.training]
    return min(alike, key=distance, default=None) if entry.network else None


def _engine(record: RunRecord, variant: VariantRow) -> str:
    """Return the variant's engine; without an image that of the other variants of the run."""
    return next((row.firmware.engine for row in [variant, *record.variants] if row.firmware), "")


_DETAILS: tuple[Callable[[Entry], str], ...] = (
    lambda entry: entry.engine and f"engine {entry.engine}",
    lambda entry: entry.variant.firmware.optimization if entry.variant.firmware else "",
    lambda entry: f"footprint {entry.variant.firmware.footprint}" if entry.variant.firmware else "",
    lambda entry: entry.record.board.name,
    lambda entry: entry.record.run.get("started") or entry.record.run.get("id", ""),
)
"""What tells entries of one title apart."""


def _with_detail(entries: list[Entry], detail: Callable[[Entry], str]) -> list[Entry]:
    """Add a detail to the titles of entries that share a title and differ in the detail."""
    details: dict[str, set[str]] = {}
    for entry in entries:
        details.setdefault(entry.title, set()).add(detail(entry))

    def title(entry: Entry) -> str:
        text = detail(entry) if len(details[entry.title]) > 1 else ""
        return f"{entry.title} ({text})" if text else entry.title

    return [replace(entry, title=title(entry)) for entry in entries]


def front_of(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that no other one beats in accuracy and in board latency, the fastest first."""
    placed = [
        entry
        for entry in entries
        if entry.trusted and entry.inference_us is not None and entry.accuracy is not None
    ]
    costs = [(entry.inference_us or 0, -(entry.accuracy or 0)) for entry in placed]
    return [placed[index] for index in pareto_front(costs)]
