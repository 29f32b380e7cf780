"""The variants of one or several nights as a family: what each is, and what it is compared to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from harness.records.record import HostRow, ModelRow, RunRecord, VariantRow
from harness.report.provenance import chain_of_trust
from harness.report.variants import ALL_STAGES, stage_samples, why_missing

KINDS = {
    "float32": "float32",
    "int8": "int8, after training",
    "aware": "int8, quantization-aware",
    "few": "fewer bits",
    "weights": "weights pruned",
    "channels": "channels pruned",
    "other": "from elsewhere",
}
"""What was done to a network, for people, in reading order."""

NETWORKS = {"tinyconv": "TinyConv", "ds-cnn": "DS-CNN"}
"""Names of networks for people; another stands as it is."""


@dataclass(frozen=True)
class Entry:
    """One variant of one night.

    Attributes:
        record: the night.
        variant: its row there.
        title: unique in the family.
        engine: what ran it, or would have; "" if no variant of the night came so far.
    """

    record: RunRecord
    variant: VariantRow
    title: str
    engine: str

    @property
    def model(self) -> ModelRow | None:
        """What is known of the model; None if it could not be prepared."""
        return self.variant.model

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        model = self.model
        if model is None or model.network is None:
            return "other"
        if model.pruning:
            return "weights" if model.pruning["kind"] == "weights" else "channels"
        if model.quantization:
            return "aware" if model.deployable else "few"
        return model.precision

    @property
    def network(self) -> str:
        """For people; "" if not known."""
        name = self.model.network or "" if self.model else ""
        return NETWORKS.get(name, name)

    @property
    def threshold(self) -> float | None:
        """The share that was pruned, 0 to 1; None where nothing was."""
        return self.model.pruning["threshold"] if self.model and self.model.pruning else None

    @property
    def stages_us(self) -> dict[str, float]:
        """The board's median time by stage, and of all stages."""
        return {stage: float(median(values)) for stage, values in stage_samples(self.variant).items()}

    @property
    def inference_us(self) -> float | None:
        """The board's median."""
        return self.stages_us.get("inference")

    @property
    def pass_us(self) -> float | None:
        """The board's median of all stages."""
        return self.stages_us.get(ALL_STAGES)

    def host(self, device: str) -> HostRow | None:
        """The fastest runtime on the host's "cpu" or "gpu"."""
        timed = [row for row in self.variant.host if row.device == device and row.median_us is not None]
        return min(timed, key=lambda row: row.median_us or 0, default=None)

    def host_us(self, device: str) -> float | None:
        """The median of that runtime."""
        fastest = self.host(device)
        return fastest.median_us if fastest else None

    @property
    def operations(self) -> int | None:
        """Of the weights in one inference, two for a multiply-accumulate."""
        return 2 * self.model.macs if self.model and self.model.macs is not None else None

    @property
    def compressed_bytes(self) -> int | None:
        """Of the .tflite."""
        return self.model.compressed_bytes if self.model else None

    @property
    def remaining_parameters(self) -> int | None:
        """Those that are not zero."""
        return self.model.remaining_parameters if self.model else None

    @property
    def test(self) -> tuple[int, int] | None:
        """How many clips of the test set were heard right, and how many there are."""
        counts = self.model.accuracy.get("testing", []) if self.model else []
        total = sum(count.total for count in counts)
        return (sum(count.correct for count in counts), total) if total else None

    @property
    def accuracy(self) -> float | None:
        """On the test set, 0 to 1."""
        return self.test[0] / self.test[1] if self.test else None

    @property
    def right(self) -> list[bool]:
        """Whether each clip of the test set was heard right; empty if not known."""
        if not self.model or len(self.model.test_heard) != len(self.model.test_labels):
            return []
        pairs = zip(self.model.test_heard, self.model.test_labels, strict=True)
        return [heard == label for heard, label in pairs]

    @property
    def trusted(self) -> bool:
        """Whether its figures may be compared: measured on a board that computes what the oracles do."""
        return not self.variant.faults and chain_of_trust(self.variant) != "broken"

    @property
    def gap(self) -> str:
        """Why there are no figures of a board; "" where there are."""
        if self.variant.faults:
            return why_missing(self.variant)
        if self.model and not self.model.deployable:
            return f"no board can run it: {_numbers(self.model)}"
        return "" if self.inference_us is not None else "not measured"


def entries_of(records: Sequence[RunRecord]) -> list[Entry]:
    """The family in reading order: the smallest network first, in it by kind, threshold and engine.

    Titles tell the engine and the board where the nights differ in them, and the night where that is not
    enough.
    """
    found = [
        Entry(record, variant, variant.title, _engine(record, variant))
        for record in records
        for variant in record.variants
    ]
    for tell in (_by_engine, _by_board, _by_night):
        found = _told_apart(found, tell)
    sizes: dict[str, int] = {}
    for entry in found:
        sizes[entry.network] = max(sizes.get(entry.network, 0), entry.operations or 0)
    kinds = list(KINDS)
    return sorted(
        found,
        key=lambda entry: (
            entry.network == "",
            sizes[entry.network],
            entry.network,
            kinds.index(entry.kind),
            entry.threshold or 0,
        ),
    )


def float32_of(entry: Entry, entries: Sequence[Entry]) -> Entry | None:
    """The same network as it was trained, in float32; of the same night before that of another one."""
    return _plain(entry, entries, "float32")


def unpruned_of(entry: Entry, entries: Sequence[Entry]) -> Entry | None:
    """The same network with all of its weights, in the same precision: what pruning is compared to."""
    return _plain(entry, entries, entry.model.precision) if entry.model else None


def _plain(entry: Entry, entries: Sequence[Entry], kind: str) -> Entry | None:
    model = entry.model
    if model is None or model.network is None:
        return None
    alike = [
        other
        for other in entries
        if other.kind == kind
        and other.model
        and (other.model.network, other.model.seed) == (model.network, model.seed)
    ]

    def distance(other: Entry) -> tuple[bool, ...]:
        boards = (other.record.board.name, entry.record.board.name)
        return other.record is not entry.record, boards[0] != boards[1], other.engine != entry.engine

    return min(alike, key=distance, default=None)


def _numbers(model: ModelRow) -> str:
    """What a network computes with, such as "4-bit integers" or "6-bit minifloats"."""
    of = model.quantization or {}
    unit = "minifloats" if of.get("number") == "minifloat" else "integers"
    return f"{of['bits']}-bit {unit}" if "bits" in of else "no .tflite"


def _engine(record: RunRecord, variant: VariantRow) -> str:
    """The variant's engine; of one that has no image that of the others of its night."""
    rows = [variant, *record.variants]
    return next((row.firmware.engine for row in rows if row.firmware), "")


def _by_engine(entry: Entry) -> str:
    return f"engine {entry.engine}" if entry.engine else ""


def _by_board(entry: Entry) -> str:
    return entry.record.board.name


def _by_night(entry: Entry) -> str:
    return entry.record.run.get("started", "") or entry.record.run.get("id", "")


def _told_apart(entries: list[Entry], tell: Callable[[Entry], str]) -> list[Entry]:
    """Entries of the same title with what they differ in after it."""
    told: dict[str, set[str]] = {}
    for entry in entries:
        told.setdefault(entry.title, set()).add(tell(entry))
    return [
        replace(entry, title=f"{entry.title} ({tell(entry)})")
        if tell(entry) and len(told[entry.title]) > 1
        else entry
        for entry in entries
    ]
