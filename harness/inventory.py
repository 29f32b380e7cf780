"""Progress of every variant, from its description to a measurement on a board; nothing is computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.layout import RECORD
from harness.records.reading import read_record
from harness.records.record import RunRecord, VariantRow
from harness.runs.selection import Selection
from models.errors import ConfigError, DatasetError
from models.model_artifact import ModelArtifact
from models.pipeline import Steps, feature_path_of, steps_of
from models.store import Store
from models.variants import Variant


@dataclass(frozen=True)
class Listed:
    """A variant and its state.

    Attributes:
        id: of the variant; of a refused one the id it would have.
        title: for people; "" if refused.
        deployable: True if a board can run the variant.
        state: the last step whose result exists for the variant as its file describes it now: "described",
            "trained", "compressed" (pruned or quantized), "converted", "prepared", "built" or "measured"; or
            "refused" if the file does not describe a variant.
        detail: the last run that built or measured it, why it is refused, or what its training lacks.
    """

    id: str
    title: str
    deployable: bool
    state: str
    detail: str = ""


def inventory(configs: Path, selection: Selection, store: Store, runs: Path) -> list[Listed]:
    """List the selected variants, sorted by id, then the refused ones.

    Args:
        configs: the folder of TOML files.
        selection: variants and what they learn from.
        store: holds the artifacts.
        runs: the folder of all runs.

    Raises:
        ConfigError: nothing matches.
        DatasetError: the dataset lacks something that every variant needs.
    """
    variants, refused = selection.variants(configs)
    steps, lacking = _steps(variants, selection.dataset, store)
    hashes = {variant.id: _tflite_sha256(steps.get(variant.id)) for variant in variants}
    built = _built({sha256 for sha256 in hashes.values() if sha256}, runs)
    listed = []
    for variant in variants:
        state, detail = _state(steps.get(variant.id)), lacking.get(variant.id, "")
        if (found := built.get(hashes[variant.id] or "")) is not None:
            record, row = found
            state = "measured" if row.stage_us else "built"
            detail = f"{record.board.name}, {record.run.get('started', '')}"
        listed.append(Listed(variant.id, variant.title, variant.deployable, state, detail))
    return listed + [Listed(item.id, "", False, "refused", str(item.failure)) for item in refused]


def _steps(
    variants: Sequence[Variant], dataset: Path | None, store: Store
) -> tuple[dict[str, Steps], dict[str, str]]:
    """Return the steps by variant, and what the training of others lacks.

    A variant whose synthetic corpus, and so every artifact, is missing has neither.
    """
    features: dict[tuple[object, ...], Path | None] = {}
    steps, lacking = {}, {}
    for variant in variants:
        key = variant.words, variant.front_end, variant.voices, variant.people_percent
        try:
            if key not in features:
                features[key] = feature_path_of(variant, dataset, store)
        except (ConfigError, DatasetError) as problem:
            lacking[variant.id] = str(problem)
            if len(lacking) == len(variants) and isinstance(problem, DatasetError):
                raise
            continue
        if path := features[key]:
            steps[variant.id] = steps_of(variant, path.name, store)
    return steps, lacking


def _state(steps: Steps | None) -> str:
    if steps is None:
        return "described"
    reached = [
        (steps.describe, "prepared"),
        (steps.convert, "converted"),
        (steps.compress, "compressed"),
        (steps.train, "trained"),
    ]
    return next((state for step, state in reached if step is not None and step.done), "described")


def _tflite_sha256(steps: Steps | None) -> str | None:
    if steps is None or not steps.describe.done:
        return None
    return ModelArtifact.load(steps.describe.path).tflite_sha256


def _built(wanted: set[str], runs: Path) -> dict[str, tuple[RunRecord, VariantRow]]:
    """Find by .tflite hash the last run that measured it; the last that built it if none did."""
    found: dict[str, tuple[RunRecord, VariantRow]] = {}
    for record in _records(runs):
        for row in record.variants:
            sha256 = row.model.tflite_sha256 if row.model else None
            if sha256 not in wanted or not row.firmware or sha256 is None:
                continue
            if sha256 not in found or (row.stage_us and not found[sha256][1].stage_us):
                found[sha256] = record, row
        if len(found) == len(wanted) and all(row.stage_us for _, row in found.values()):
            break
    return found


def _records(runs: Path) -> Iterator[RunRecord]:
    """Yield the records of finished runs, the last first; unreadable ones are skipped."""
    for path in sorted(runs.glob(f"*/*/{RECORD}"), key=lambda path: path.parent.name, reverse=True):
        try:
            yield read_record(path)
        except UsageError:
            continue
