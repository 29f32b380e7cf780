"""How far every variant is: from what is only described to what a board has measured. Nothing is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.records.reading import read_record
from harness.records.record import RunRecord, VariantRow
from harness.runs.journal import RECORD
from models.model_artifact import ModelArtifact
from models.states import State, states_of
from models.store import Store
from models.variants import load_family


@dataclass(frozen=True)
class Listed:
    """A variant and its state.

    Attributes:
        id: of the variant, or of what was to be one.
        title: for people; "" of what is none.
        deployable: whether a board can run it.
        state: "described", "trained", "transformed" (pruned or quantized), "converted", "prepared", "built"
            or "measured": the last step whose result is there and made of what the files say now. "refused"
            of what is no variant.
        detail: the night that built or measured it last, or why it is refused; else "".
    """

    id: str
    title: str
    deployable: bool
    state: str
    detail: str = ""


def inventory(configs: Path, pattern: str, dataset: Path | None, store: Store, nights: Path) -> list[Listed]:
    """The variants whose id matches, sorted by id, then what is no variant.

    Args:
        configs: the folder of TOML files.
        pattern: shell-style, over the ids.
        dataset: in the Speech Commands layout; None for the synthetic corpus.
        store: where artifacts would be.
        nights: the folder of all runs.

    Raises:
        ConfigError: nothing matches.
        DatasetError: the dataset lacks something.
    """
    variants, refused = load_family(configs, pattern)
    states = states_of(variants, dataset, store)
    hashes = {state.variant.id: _tflite_sha256(state) for state in states}
    built = _built({sha256 for sha256 in hashes.values() if sha256}, nights)
    listed = []
    for state in states:
        variant = state.variant
        found = built.get(hashes[variant.id] or "")
        detail = f"{found[0].board.name}, {found[0].run.get('started', '')}" if found else ""
        reached = _state(state, found[1] if found else None)
        listed.append(Listed(variant.id, variant.title, variant.deployable, reached, detail))
    return listed + [Listed(item.id, "", False, "refused", str(item.failure)) for item in refused]


def _state(state: State, row: VariantRow | None) -> str:
    if row is not None:
        return "measured" if row.stage_us else "built"
    if state.prepared is not None:
        return "prepared"
    if state.converted:
        return "converted"
    if state.transformed:
        return "transformed"
    return "trained" if state.trained else "described"


def _tflite_sha256(state: State) -> str | None:
    """Of the variant as its file describes it now; None where that was not made yet."""
    return ModelArtifact(state.prepared).tflite_sha256 if state.prepared and state.converted else None


def _built(wanted: set[str], nights: Path) -> dict[str, tuple[RunRecord, VariantRow]]:
    """By the .tflite's hash the last night that measured it, or built it where none did."""
    found: dict[str, tuple[RunRecord, VariantRow]] = {}
    for record in _records(nights):
        for row in record.variants:
            sha256 = row.model.tflite_sha256 if row.model else None
            if sha256 not in wanted or not row.firmware or sha256 is None:
                continue
            if sha256 not in found or (row.stage_us and not found[sha256][1].stage_us):
                found[sha256] = record, row
        if len(found) == len(wanted) and all(row.stage_us for _, row in found.values()):
            break
    return found


def _records(nights: Path) -> Iterator[RunRecord]:
    """The nights that ended, the last one first; one that cannot be read is passed over."""
    for path in sorted(nights.glob(f"*/*/{RECORD}"), key=lambda path: path.parent.name, reverse=True):
        try:
            yield read_record(path)
        except UsageError:
            continue
