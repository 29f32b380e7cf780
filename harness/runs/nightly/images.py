"""Images measured in blocks: those of tonight's models, and kept ones that are never rebuilt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.boards.linux import Linux
from harness.errors import UsageError
from harness.firmware.firmware import Firmware
from harness.measure.block import BlockTarget, Network, image_sha256
from harness.measure.conformance import CLIP_SAMPLES
from harness.measure.host import float_input
from harness.measure.session import compared_input, first_keyword, noise_inputs
from harness.recognizer import Recognizer
from harness.records.reading import read_record
from harness.records.record import RunRecord, VariantRow, write_record
from harness.runs.request import NightlyRequest
from harness.runs.run import Run
from models.reference import ReferenceModel

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

_FACTS, _GOLDEN, _IMAGE = "kept.json", "golden.npy", "image"
_RECORD = "record.json"


def targets_of(run: Run, models: Iterable[ModelArtifact]) -> dict[str, BlockTarget]:
    """Return the images of the models without a fault, by id; they come from the store."""
    found = {}
    for model in models:
        if model.deployable and not run.folder.row(model.id).faults:
            firmware: Firmware | Network
            if run.board.runs_firmware:
                firmware = run.build(model)
            else:
                assert model.onnx is not None  # or its row would have a fault
                firmware = Network(model.onnx)
            golden = _golden(run, model)
            found[model.id] = BlockTarget(model.id, firmware, image_sha256(firmware.image), golden)
    return found


def _golden(run: Run, model: ModelArtifact) -> np.ndarray | bytes:
    """Return one second of the first keyword; for a model that does not hear noise of a fixed seed.

    A computer gets the float input of the first keyword.
    """
    reference = ReferenceModel(model.tflite, model.front_end)
    if not run.board.runs_firmware:
        recordings = run.sounds(model.labels)[0].recordings
        return float_input(reference, compared_input(model, recordings))
    if not reference.hears:
        return noise_inputs(reference, 1)[0].tobytes()
    return first_keyword(run.sounds(model.labels)[0].recordings).samples[:CLIP_SAMPLES]


def keep_image(target: BlockTarget, folder: Path, origin: Mapping[str, str]) -> None:
    """Copy an image and everything that measuring it needs into a folder; replace the folder's contents.

    Copies the image's whole folder, because the upload to some boards needs all of its files; of a network
    only the .onnx.
    """
    scratch = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(scratch, ignore_errors=True)
    image = target.firmware.image
    if isinstance(target.firmware, Network):
        (scratch / _IMAGE).mkdir(parents=True)
        shutil.copyfile(image, scratch / _IMAGE / image.name)
    else:
        shutil.copytree(image.parent, scratch / _IMAGE)
    golden = target.golden
    np.save(scratch / _GOLDEN, golden if isinstance(golden, np.ndarray) else np.frombuffer(golden, np.uint8))
    facts = {
        "id": target.id,
        "image_sha256": target.image_sha256,
        "firmware": {**asdict(target.firmware), "image": f"{_IMAGE}/{image.name}"},
        "origin": dict(origin),
    }
    (scratch / _FACTS).write_text(json.dumps(facts, indent=1))
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)


def read_image(folder: Path) -> BlockTarget:
    """Read an image that `keep_image` copied; `measure_block` checks the hash of the image's file.

    Raises:
        UsageError: a file is missing or damaged.
    """
    try:
        facts = json.loads((folder / _FACTS).read_text())
        kept = facts["firmware"]
        kept["image"] = folder / kept["image"]
        firmware: Firmware | Network
        if kept["engine"] == Linux.default_engine:
            firmware = Network(**kept)
        else:
            firmware = Firmware(**{**kept, "recognizer": Recognizer(**kept.get("recognizer", {}))})
        golden = np.load(folder / _GOLDEN)
        golden = golden.tobytes() if golden.dtype == np.uint8 else golden
        return BlockTarget(facts["id"], firmware, facts["image_sha256"], golden)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UsageError(
            f"the kept image is damaged: {problem}",
            where=str(folder),
            remedy="Restore the folder from a backup, or remove it: another image is then kept, and times "
            "are compared in a new epoch.",
        ) from problem


def keep_images(request: NightlyRequest, record: RunRecord, targets: Mapping[str, BlockTarget]) -> None:
    """Keep the images of a night's variants without a fault, in place of those of the night before."""
    folder = request.last_images(record.run["board"])
    rows = [row for row in record.variants if row.id in targets and not row.faults]
    (folder / _RECORD).unlink(missing_ok=True)  # the folder counts for nothing until it is complete
    for stale in {path.name for path in folder.glob("*")} - {row.id for row in rows}:
        shutil.rmtree(folder / stale)
    for row in rows:
        keep_image(targets[row.id], folder / row.id, {"variant": row.id, "night": record.run["id"]})
    modeled = record.board.clock != "measured"
    kept = [_without_times(row, modeled) for row in rows]
    write_record(replace(record, variants=kept, blocks=[], verdict=None), folder / _RECORD)


def read_images(request: NightlyRequest, board: str) -> tuple[RunRecord, dict[str, BlockTarget]]:
    """Read the last night's images of a board and its record without measurements.

    Raises:
        UsageError: nothing is kept, or it is damaged.
    """
    folder = request.last_images(board)
    if not (folder / _RECORD).exists():
        raise UsageError(
            f"no images of {board} are kept",
            where=str(folder),
            remedy=f"Measure a night first: earshot nightly --board {board}",
        )
    record = read_record(folder / _RECORD)
    return record, {row.id: read_image(folder / row.id) for row in record.variants}


def _without_times(row: VariantRow, modeled: bool) -> VariantRow:
    """Keep what is true of the image in another night: with a modeled clock also its detections."""
    row = replace(row, stage_us={}, host=[], transcripts={}, listening_wall_s=None)
    if modeled:
        return row
    return replace(
        row, stimuli=[], false_accepts=[], acoustic=None, audio_s=None, records_lost=0, samples_lost=0
    )
