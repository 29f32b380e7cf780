"""`earshot field`: every model listens to the plan; then figures, missed clips and page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.firmware.firmware import Firmware
from harness.measure.retry import Retries
from harness.records.field_record import FieldRecord, FieldVariant
from harness.records.record import VariantRow
from harness.runs import folder as folders
from harness.runs import rows
from harness.runs.driver import Driver
from harness.runs.field.clips import classify_clips
from harness.runs.field.host import Host
from harness.runs.field.paths import PLAN, FieldPaths
from harness.runs.field.playing import Player, check_route, read_facts
from harness.runs.field.playing_ahead import play_ahead
from harness.runs.field.publishing import compute_figures, compute_variants, publish
from harness.runs.folder import FIELD, RunFolder
from harness.runs.request import FieldRequest, RunRequest, Setup
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlaybackPlan, check_files, read_plan, write_plan
from harness.stats.matching import is_keyword
from models import cluster, progress
from models.cluster import Task
from models.data.sound_folder import warn_of
from models.store import sha256_of

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact


_WORTH_TASKS_S = 120.0
"""Audio that the emulated board hears in about the time in which processes start (34 times real time)."""


class FieldRun(Driver[FieldRecord, FieldVariant]):
    """A field run; with `check` every segment is scored on the host, see `harness.runs.field.host`."""

    plan: PlaybackPlan  # a subclass may make it of what is heard

    def __init__(
        self, plan: PlaybackPlan | None, *arguments: Any, check: bool = False, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        if plan is not None:
            self.plan = plan
        self._check = check
        self._paths = FieldPaths(self.folder.path)
        self._retries: dict[str, Retries] = {}
        self._tasks: cluster.Cluster | None = None

    def measure_all(self) -> list[ModelArtifact]:
        if self.folder.record.board.clock == "measured":
            return super().measure_all()
        with cluster.opened(self.store) as self._tasks:
            return super().measure_all()

    def new_row(self, row: VariantRow) -> FieldVariant:
        notes = list(row.notes)
        if row.model and not row.model.deployable:
            notes.append("No board can run this model: it was not measured.")
        return FieldVariant(
            row.id, row.title, row.labels, model=row.model, notes=notes, faults=list(row.faults)
        )

    def is_complete(self, model: ModelArtifact) -> bool:
        return False  # complete segments are skipped one by one

    def measure_steps(self, model: ModelArtifact, row: FieldVariant) -> Iterator[FieldVariant]:
        self.check_board()
        check_input(model)
        firmware = self.build(model)
        row = self.with_firmware(row, firmware)
        yield self._keep(row)  # from here on the folder can be read, whatever happens
        retries = Retries(self.board.recover)
        self._retries[model.id] = retries
        clips, more = classify_clips(self.board, firmware, model, self.plan, self._paths, self.store, retries)
        row = replace(row, clips=clips)
        if more:
            row = replace(row, notes=[*row.notes, f"Clips not classified: {more}."])
        yield self._keep(row)
        self._play(model, firmware, retries)

    def finish_row(self, model: ModelArtifact, row: FieldVariant) -> FieldVariant:
        if model.id in self._retries:
            row = replace(row, notes=[*row.notes, *self._retries[model.id].notes])
        self.folder.set_board(self.board.describe())
        return compute_figures(self._paths, self.plan, row, self.folder.record)

    def publish(self, ended: bool) -> Path:
        if not ended:  # the variant in progress has no figures yet
            compute_variants(self.folder, self.plan)
        return publish(self.folder, self.plan)

    def _play(self, model: ModelArtifact, firmware: Firmware, retries: Retries) -> None:
        player = Player(
            self.board, firmware, model, self.plan, self.setup.bench, self._paths, self.store, retries
        )
        host = Host(model, self.plan, self._paths, self.store, self._check)
        segments = self.plan.segments
        left_s = sum(segment.duration_s for segment in segments if not player.has_played(segment))
        with progress.task("listen", left_s, "s of audio") as advance:
            ahead = self._play_ahead(player, model)
            for segment in segments:
                if self._tasks and segment.number in ahead:
                    [*self._tasks.completed([ahead[segment.number]])]  # a failure comes again below
                before = player.has_played(segment)
                if before:
                    progress.log(f"segment {segment.number} of {len(segments)}: played before")
                else:
                    player.play(segment)
                facts = read_facts(self._paths, model.id, segment.number)
                assert facts is not None  # `play` has written them
                host.listen(segment, facts)
                advance(0 if before else segment.duration_s)

    def _play_ahead(self, player: Player, model: ModelArtifact) -> dict[int, Task[None]]:
        """Play the segments in tasks, if the board's clock is modeled; return the tasks by segment."""
        left = [segment for segment in self.plan.segments if not player.has_played(segment)]
        left_s = sum(segment.duration_s for segment in left)
        if self._tasks is None or (left_s < _WORTH_TASKS_S and not self._tasks.has_started):
            return {}
        file = self._paths.plan

        def keep(made: Path) -> None:
            shutil.copyfile(file, made / file.name)

        folder = self.store.build("field-plan", {"plan": file}, keep, title="keep the plan")
        common = self.board, self.setup.bench, player.firmware, model, folder / file.name
        return self._tasks.submit_missing(
            {
                number: (f"play-{model.id}-{number}", play_ahead, *common, number, self.store, self._check)
                for number in (segment.number for segment in left)
            }
        )


def begin_field(request: RunRequest, output: Path) -> FieldRun:
    """Begin a field run below `output`.

    Raises:
        UsageError: no such board or engine; no plan, or one whose files are missing; a simulated room on a
            board that stands in a real one.
        ConfigError: the bench file is invalid.
        AcousticFailed: the board hears through the air, and the bench has no speaker.
    """
    field = _field(request)
    setup = request.setup()
    plan = read_plan(field.plan) if field.plan else _make_plan(setup, field)
    _check_plan(setup, plan)
    folder = begin_folder(output, setup, plan, field.threshold, request.about("field"))
    return FieldRun(plan, setup, folder, check=field.check)


def resume_field(request: RunRequest, path: Path) -> FieldRun:
    """Resume an interrupted field run, or one that ended with a fault.

    Raises:
        UserFacingError: see `begin_field` and `harness.runs.folder.resume`.
    """
    setup, plan = request.setup(), FieldPaths(path).read_plan(FIELD.read(FIELD.find(path)))
    _check_plan(setup, plan)
    folder = folders.resume(FIELD, path, setup.board.describe())
    return FieldRun(plan, setup, folder, check=_field(request).check)


def begin_folder(
    output: Path, setup: Setup, plan: PlaybackPlan, threshold: int | None, about: dict[str, str]
) -> RunFolder[FieldRecord]:
    """Create the folder of a field run with its plan."""
    folder = folders.begin(
        FIELD,
        output,
        setup.board.describe(),
        about,
        plan={},
        conditions=list(plan.conditions),
        excluded=[asdict(excluded) for excluded in plan.excluded],
        notes=list(plan.notes),
        threshold=threshold,
        window_s=setup.bench.thresholds.detection_window_s,
    )
    folder.lock()
    path = FieldPaths(folder.path).plan
    write_plan(plan, path)
    folder.write(plan=describe_plan(plan, path))
    return folder


def _field(request: RunRequest) -> FieldRequest:
    assert request.field is not None
    return request.field


def _make_plan(setup: Setup, field: FieldRequest) -> PlaybackPlan:
    words = [label for label in setup.selection.labels_of_all() if is_keyword(label)]
    plan = make_plan(setup.recordings, field.options, words)
    warn_of(plan.excluded, plan.folder)
    return plan


def _check_plan(setup: Setup, plan: PlaybackPlan) -> None:
    check_files(plan)
    check_route(setup.board, setup.bench, plan)


def describe_plan(plan: PlaybackPlan, path: Path) -> dict[str, Any]:
    """Return the facts of a plan for the record."""
    words = [word for segment in plan.segments for word in segment.words]
    return {
        "file": PLAN,
        "sha256": sha256_of(path),
        "seed": plan.seed,
        "gap_s": plan.gap_s,
        "repeats": plan.repeats,
        "folder": str(plan.folder),
        "recordings": len({word.source for word in words}),
        "words": len(words),
        "segments": len(plan.segments),
        "audio_s": sum(segment.duration_s for segment in plan.segments),
    }


def check_input(model: ModelArtifact) -> None:
    """Check that a model takes the features of its front end.

    Raises:
        UsageError: it does not, and cannot listen.
    """
    if problem := rows.misfit(model):
        raise UsageError(
            problem,
            where=model.id,
            remedy="Name its own with --front-end, or measure it with `earshot run`, in command mode.",
        )
