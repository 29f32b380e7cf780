"""Record, missed clips and page of a field run: at its end, in between, and again at another threshold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.records.field_record import FieldRecord, FieldVariant, TuningRow
from harness.report.pages.field import render_field
from harness.runs.field import missed_clips
from harness.runs.field.paths import FieldPaths
from harness.runs.field.playing import read_facts
from harness.runs.field.segment_reader import read_segments
from harness.runs.field.tuning import tuning_row
from harness.runs.folder import FIELD, RunFolder
from harness.sound.playback_plan import PlaybackPlan
from harness.stats.field_figures import field_figures
from harness.stats.tuning.log import read_log
from models import progress
from models.errors import UserFacingError

MOST_TUNED_S = 6 * 3600.0
"""Audio of a run whose log is searched for its page: 5 s of processor time an hour."""


def read_again(path: Path, threshold: int | None) -> tuple[FieldRecord, Path]:
    """Rebuild the record and the page of a run from its transcripts, without a board or a model.

    A `threshold` of None keeps the run's.

    Raises:
        UsageError: there is no run, another process uses it, or a transcript is missing.
    """
    folder = RunFolder(path, FIELD, FIELD.read(FIELD.find(path)))
    plan = FieldPaths(path).read_plan(folder.record)
    folder.lock()
    try:
        if threshold is not None:
            folder.record = replace(folder.record, threshold=threshold)
        compute_variants(folder, plan)
        page = publish(folder, plan)
        return folder.record, page
    finally:
        folder.release()


def compute_variants(folder: RunFolder[FieldRecord], plan: PlaybackPlan) -> None:
    """Compute the figures of all variants from their transcripts."""
    paths = FieldPaths(folder.path)
    folder.put(*(compute_figures(paths, plan, row, folder.record) for row in folder.record.variants))


def compute_figures(
    paths: FieldPaths, plan: PlaybackPlan, variant: FieldVariant, record: FieldRecord
) -> FieldVariant:
    """Compute a variant's row from its transcripts; a variant without transcripts stays unchanged."""
    facts = [read_facts(paths, variant.id, segment.number) for segment in plan.segments]
    played = [one for one in facts if one]
    if not played:
        return variant
    notes = list(variant.notes)
    if missing := len(facts) - len(played):
        notes.append(f"{missing} of {len(facts)} segments were not played.")
    made = field_figures(
        replace(variant, route=played[0].route, notes=notes),
        read_segments(paths, plan, variant.id, variant.labels),
        threshold=record.threshold,
        window_s=record.window_s,
    )
    tuned = _tuned(paths, plan, variant, record)
    return replace(made, tuning=tuned, notes=list(dict.fromkeys(made.notes)))


def _tuned(paths: FieldPaths, plan: PlaybackPlan, variant: FieldVariant, record: FieldRecord) -> TuningRow:
    """Return what tuning brings over the recognizer whose detections are counted."""
    if sum(segment.duration_s for segment in plan.segments) > MOST_TUNED_S:
        return TuningRow(
            reason=f"the log has more than {MOST_TUNED_S / 3600:g} hours; “earshot tune” reads it"
        )
    segments = read_segments(paths, plan, variant.id, variant.labels)
    present = variant.recognizer
    if record.threshold is not None:
        present = replace(present, threshold=record.threshold, thresholds={})
    log = read_log(variant.labels, segments, record.window_s, present)
    return tuning_row(variant, log, present)


@progress.task("write the report")
def publish(folder: RunFolder[FieldRecord], plan: PlaybackPlan) -> Path:
    """Write the record, the missed clips and the page; return the page."""
    try:
        folder.record = missed_clips.write_clips(plan, folder.record, folder.path)
    except UserFacingError as failure:  # the recordings were moved; the page is complete without the clips
        progress.warn(f"The clips of missed keywords cannot be written: {failure}")
    page = render_field(folder.record, folder.path)
    folder.write()
    folder.point_latest()
    return page
