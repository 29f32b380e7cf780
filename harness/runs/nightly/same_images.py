"""The images of a board's last night, kept so that a night can measure them again and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.errors import UsageError
from harness.measure.block import Subject
from harness.records.reading import read_record
from harness.records.record import RunRecord, VariantRow, write_record
from harness.runs.nightly.kept_image import keep, read_kept
from harness.runs.nightly.settings import Settings
from harness.runs.plan import BOARD

_RECORD = "record.json"


def keep_images(settings: Settings, record: RunRecord, subjects: Mapping[str, Subject]) -> None:
    """Keeps the images of a night, in place of those of the night before.

    Args:
        settings: of the night.
        record: of it, with what else is known of its variants.
        subjects: the images by variant; those of variants with a fault are not kept.
    """
    folder = settings.same_images(record.run[BOARD])
    rows = [row for row in record.variants if row.id in subjects and not row.faults]
    (folder / _RECORD).unlink(missing_ok=True)  # without it the folder is none, whatever happens meanwhile
    for stale in {path.name for path in folder.glob("*")} - {row.id for row in rows}:
        shutil.rmtree(folder / stale)
    for row in rows:
        if not _is_kept(folder / row.id, subjects[row.id]):
            keep(subjects[row.id], folder / row.id, {"variant": row.id, "night": record.run["id"]})
    kept = [_of_the_image(row, modeled=record.board.clock != "measured") for row in rows]
    write_record(replace(record, variants=kept, blocks=[], verdict=None), folder / _RECORD)


def read_images(settings: Settings, board: str) -> tuple[RunRecord, dict[str, Subject]]:
    """What `keep_images` kept of a board: the record without its measurements, and the images.

    Raises:
        UsageError: nothing is kept, or it is not whole.
    """
    folder = settings.same_images(board)
    if not (folder / _RECORD).exists():
        raise UsageError(
            f"no images of {board} are kept that could be measured again",
            where=str(folder),
            remedy=f"Measure a night first: earshot nightly --board {board}",
        )
    record = read_record(folder / _RECORD)
    return record, {row.id: read_kept(folder / row.id).subject for row in record.variants}


def _is_kept(folder: Path, subject: Subject) -> bool:
    try:
        return read_kept(folder).subject.image_sha256 == subject.image_sha256
    except UsageError:
        return False


def _of_the_image(row: VariantRow, *, modeled: bool) -> VariantRow:
    """A row with what will be true of the image another night, too; where time is modeled, all it heard."""
    row = replace(row, stage_us={}, host=[], host_operators=[], transcripts={}, listening_wall_s=None)
    if modeled:
        return row
    return replace(
        row, stimuli=[], false_accepts=[], acoustic={}, audio_s=None, records_lost=0, samples_lost=0
    )
