"""Logs of one or more field runs, variant by variant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from harness.errors import UsageError
from harness.records.field_record import FieldRecord, FieldVariant
from harness.runs.field.paths import FieldPaths
from harness.runs.field.segment_reader import read_segments
from harness.runs.folder import FIELD
from harness.sound.playback_plan import PlaybackPlan
from harness.stats.tuning.log import Log, read_log
from models import progress


@dataclass(frozen=True)
class _Run:
    folder: Path
    record: FieldRecord
    plan: PlaybackPlan


def read_logs(folders: Sequence[Path]) -> Iterator[tuple[FieldVariant, Log]]:
    """Yield every variant that was played, with its log of all runs.

    Raises:
        UsageError: there is no run, none of a played variant, two have the same sound, or the runs differ in
            board, window, or a variant's model, front end, engine or route.
    """
    runs = [_read_run(folder.parent if folder.is_file() else folder) for folder in folders]
    variants: dict[str, list[tuple[_Run, FieldVariant]]] = {}
    for run in runs:
        for variant in run.record.variants:
            if variant.segments:
                variants.setdefault(variant.id, []).append((run, variant))
    if not variants:
        raise UsageError(
            "no variant was played",
            where=", ".join(map(str, folders)),
            remedy="Play words to a board with `earshot field`.",
        )
    for identity, played in variants.items():
        _check_sounds(identity, played)
        _check_same(identity, played)
        run, variant = played[0]
        segments = chain.from_iterable(
            read_segments(FieldPaths(one.folder), one.plan, identity, row.labels) for one, row in played
        )
        yield variant, read_log(variant.labels, segments, run.record.window_s, variant.recognizer)


def _read_run(folder: Path) -> _Run:
    file = FIELD.find(folder)
    if not file.exists():
        raise UsageError(
            "this is no folder of a field run",
            where=str(folder),
            remedy=f"Name a folder that `{FIELD.command}` printed, such as <output>/<board>/<date>-<id>.",
        )
    record = FIELD.read(file)
    run = _Run(folder, record, FieldPaths(folder).read_plan(record))
    if not run.record.run["ended"]:
        progress.warn(f"the run has not ended; its complete segments are used ({folder})")
    return run


def _check_sounds(identity: str, played: Sequence[tuple[_Run, FieldVariant]]) -> None:
    """Refuse the same sound twice: it would count as more evidence than there is."""
    owners: dict[object, _Run] = {}
    for run, variant in played:
        conditions = {condition.name: condition for condition in run.plan.conditions}
        sounds: set[object] = {
            (conditions[segment.condition], replace(segment, number=0)) for segment in run.plan.segments
        }
        # With another seed a file of keyword-free audio is the same.
        sounds |= {segment.background_sha256 for segment in run.plan.segments if segment.background}
        if variant.route == "acoustic":  # each time different
            sounds = {run.record.run["id"]}
        for sound in sounds:
            if (other := owners.setdefault(sound, run)) is not run:
                raise UsageError(
                    f"two runs of {identity} have the same sound, which counts only once",
                    where=f"{other.folder} and {run.folder}",
                    remedy="Tune one of them, or play other sound: `earshot field --seed 2`, and other "
                    "keyword-free audio if it is a file.",
                )


def _check_same(identity: str, played: Sequence[tuple[_Run, FieldVariant]]) -> None:
    facts = [
        {
            "board": run.record.board.uid,
            "detection window": f"{run.record.window_s:g} s",
            "route": variant.route,
            "labels": ", ".join(variant.labels),
            "front end": variant.model.front_end if variant.model else "",
            # The time between two inferences depends on it.
            "engine": _engine(variant),
            # The hop belongs to the front end.
            "model": (variant.model.tflite_sha256 or "")[:8] if variant.model else "",
        }
        for run, variant in played
    ]
    for (run, _), those in zip(played[1:], facts[1:], strict=True):
        for name, value in those.items():
            if value != facts[0][name]:
                raise UsageError(
                    f"the runs of {identity} differ in the {name}: {facts[0][name]} and {value}",
                    where=f"{played[0][0].folder} and {run.folder}",
                    remedy="Tune runs of one kind at a time.",
                )


def _engine(variant: FieldVariant) -> str:
    firmware = variant.firmware
    return f"{firmware.engine} {firmware.footprint} {firmware.optimization}" if firmware else ""
