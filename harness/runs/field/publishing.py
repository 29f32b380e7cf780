"""Record, misses and page made of a run's folder: at its end, in between, and again at another threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.records.field_record import FieldRecord, FieldVariant
from harness.report.pages.field import render_field
from harness.runs.field import missed_clips as misses
from harness.runs.field.folder import FieldFolder, point_to, with_variants
from harness.runs.field.playing import read_facts
from harness.runs.field.segment_reader import segments_heard
from harness.sound.playback_plan import PlaybackPlan
from harness.stats.field_figures import field_figures
from models.errors import UserFacingError


def read_again(path: Path, threshold: int | None, say: Callable[[str], None]) -> tuple[FieldRecord, Path]:
    """Makes record and page of a run anew out of its logs; needs no board and no model.

    Args:
        path: the run's folder.
        threshold: of the recognizer, 0 to 255; None leaves the one it has.
        say: told what could not be done.

    Raises:
        UsageError: no run there, another process is at it, or a transcript is missing.
    """
    folder = FieldFolder(path)
    record = folder.record
    folder.take()
    try:
        record = replace(record, threshold=record.threshold if threshold is None else threshold)
        plan = folder.plan
        return publish(folder, plan, read_variants(folder, plan, record), say)
    finally:
        folder.let_go()


def read_variants(folder: FieldFolder, plan: PlaybackPlan, record: FieldRecord) -> FieldRecord:
    """The record with the figures of all its variants, out of the logs."""
    return with_variants(record, [figures(folder, plan, variant, record) for variant in record.variants])


def figures(
    folder: FieldFolder, plan: PlaybackPlan, variant: FieldVariant, record: FieldRecord
) -> FieldVariant:
    """A variant's row out of its logs; one that has heard nothing stays as it is."""
    heard = [number for segment in plan.segments if read_facts(folder, variant.id, number := segment.number)]
    if not heard:
        return variant
    first = read_facts(folder, variant.id, heard[0])
    assert first is not None
    notes = list(variant.notes)
    if missing := len(plan.segments) - len(heard):
        notes.append(f"{missing} of {len(plan.segments)} segments were not played.")
    made = field_figures(
        replace(variant, route=first.route, notes=notes),
        segments_heard(folder, plan, variant.id, variant.labels),
        threshold=record.threshold,
        window_s=record.window_s,
    )
    return replace(made, notes=list(dict.fromkeys(made.notes)))


def publish(
    folder: FieldFolder, plan: PlaybackPlan, record: FieldRecord, say: Callable[[str], None]
) -> tuple[FieldRecord, Path]:
    """Writes the record, the misses to listen to, and the page."""
    folder.write(record)
    try:
        record = misses.write(plan, record, folder.path)
        folder.write(record)
    except UserFacingError as failure:  # the recordings are elsewhere: everything but the sounds is there
        say(f"There are no misses to listen to: {failure}")
    page = render_field(record, folder.path)
    point_to(folder.path)
    return record, page
