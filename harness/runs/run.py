"""`earshot run`: every model checked, timed and played to, then timed on the host; one report at the end.

Images, and sessions on a board with a modeled clock, are artifacts: the next run takes them from the store.
Such sessions begin while other models are prepared; what takes real time has the host for itself.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.boards.linux import Linux
from harness.boards.small_linux.computer import Computer
from harness.errors import BoardNotFound, EarshotError
from harness.firmware.firmware import Firmware
from harness.measure.host import time_host
from harness.measure.onnx import time_linux
from harness.measure.profile import profile
from harness.measure.session import Session, compared_input, measure, read_session
from harness.recording_views import glances
from harness.records.record import HostRow, RunRecord, VariantRow
from harness.report.pages.recordings import render_recordings
from harness.report.pages.run import render_run
from harness.runs import folder, rows
from harness.runs.driver import Driver, relative
from harness.runs.folder import RUN
from harness.runs.modeled_session import measure_ahead, stored_session
from harness.runs.request import RunRequest
from harness.sound.recording_scan import RecordingSet, read_recordings, scan_recordings
from harness.sound.stimulus import Stimulus, compose
from models import cluster, progress
from models.cluster import Task, Work
from models.data.sound_folder import warn_of
from models.errors import UserFacingError

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact


class Run(Driver[RunRecord, VariantRow]):
    """A run with one session per model; `sessions` are the measurements on the board, by the models' ids."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.sessions: dict[str, Session] = {}
        self._failed: dict[str, Path] = {}  # folders of sessions that failed, by the models' ids
        self._sounds: dict[tuple[str, ...], tuple[RecordingSet, Stimulus]] = {}
        self._open = contextlib.ExitStack()
        self._tasks: cluster.Cluster | None = None  # none where models are measured one by one, as in pytest
        self._to_measure: dict[str, Work] = {}
        self._ahead: list[Task[None]] = []
        self._gone: dict[str, BoardNotFound] = {}
        self._computers = {
            entry.name: Linux.from_bench(entry, self.setup.bench).computer
            for entry in self.setup.bench.boards
            if entry.kind == Linux.name
        }

    def new_row(self, row: VariantRow) -> VariantRow:
        return row

    def measure_all(self) -> list[ModelArtifact]:
        scan = scan_recordings(self.setup.recordings, self.setup.selection.labels_of_all())
        warn_of(scan.excluded, self.setup.recordings)
        with contextlib.ExitStack() as self._open:
            self._tasks = self._open.enter_context(cluster.opened(self.store))
            return super().measure_all()

    def prepared(self, model: ModelArtifact) -> None:
        """Measure the model in a task, if the board's clock is modeled and processes have started."""
        board = self.folder.record.board
        if self._tasks and board.clock != "measured" and model.deployable and not self.is_complete(model):
            work = (f"measure-{model.id}", measure_ahead, self.setup, board, self.store, model)
            if self._tasks.has_started:
                self._ahead.append(self._tasks.submit(*work))
            else:
                self._to_measure[model.id] = work

    def measure_steps(self, model: ModelArtifact, row: VariantRow) -> Iterator[VariantRow]:
        if self._tasks:
            self._ahead += self._tasks.submit_missing(self._to_measure).values()
            self._to_measure.clear()
            for _ in self._tasks.completed(self._ahead):
                pass  # a failure comes again below
            self._ahead.clear()
            self._open.close()  # this host is timed below
        if isinstance(self.board, Linux):
            yield from self._measure_onnx(model, row, self.board.computer)
            return
        if problem := rows.misfit(model):
            progress.warn(f"{problem}. It runs in command mode; --front-end names another front end")
        firmware = self.build(model)
        row = self.with_firmware(row, firmware)
        yield row
        session = self.sessions[model.id] = self.session(model, firmware)
        recordings, stimulus = self.sounds(model.labels)
        window_s = self.setup.bench.thresholds.detection_window_s
        unused = [f"{each.source} is not used: {each.reason}" for each in recordings.scan.excluded]
        row = rows.with_session(row, session, stimulus, [*recordings.scan.notes, *unused], window_s)
        row = replace(row, transcripts=self._copy_transcripts(model.id, session))
        yield row
        row = replace(row, profile=profile(self.board, firmware, self.setup.engine, model, self.store))
        yield row
        small = self._small_linux(model, session)
        with progress.task("time the host"):
            host = time_host(model, session.model_input, session.board_output)
        yield replace(row, host=[*small, *host])

    def _measure_onnx(
        self, model: ModelArtifact, row: VariantRow, computer: Computer
    ) -> Iterator[VariantRow]:
        recordings = self.sounds(model.labels)[0].recordings
        row = replace(row, host=time_linux(model, recordings, computer))
        yield row
        with progress.task("time the host"):
            yield replace(row, host=[*row.host, *time_host(model, compared_input(model, recordings))])

    def _small_linux(self, model: ModelArtifact, session: Session) -> list[HostRow]:
        """Time the model on the small Linux computers of the bench file too; a failure becomes a note."""
        found: list[HostRow] = []
        recordings = self.sounds(model.labels)[0].recordings
        for name, computer in self._computers.items():
            try:
                if gone := self._gone.get(name):
                    raise gone
                found += time_linux(model, recordings, computer, session.board_output)
            except EarshotError as failure:
                if isinstance(failure, BoardNotFound):  # not waited for again by the other models
                    self._gone[name] = failure
                progress.warn(f"{name}: {failure}")
                note = f"failed: {failure.what}"
                found.append(HostRow("linux", name, "onnxruntime", None, 0, None, None, None, None, note))
        return found

    def finish_row(self, model: ModelArtifact, row: VariantRow) -> VariantRow:
        if row.transcripts:
            return row
        failed = self._failed.get(model.id, self.folder.path / "arena" / model.id)
        logs = sorted(failed.glob("*.log"))
        return replace(row, transcripts={log.stem: relative(log, self.folder) for log in logs})

    def session(self, model: ModelArtifact, firmware: Firmware) -> Session:
        """Measure one image on the board, or take the session from the store.

        Raises:
            EarshotError: see `harness.measure.session.measure`.
            ProtocolError: the board broke earlier in this run.
        """
        self.check_board()
        recordings, stimulus = self.sounds(model.labels)
        board = self.folder.record.board

        def make(target: Path) -> None:
            measure(self.board, firmware, model, recordings.recordings, stimulus, target, self.setup.bench)
            self.folder.set_board(self.board.describe())

        def make_in_store(target: Path) -> None:
            try:
                make(target)
            except BaseException:  # the store keeps nothing of a failed attempt
                kept = self._failed[model.id] = self.fresh_folder("broken", model.id)
                with contextlib.suppress(OSError):  # a full disk: report the first failure
                    shutil.copytree(target, kept, dirs_exist_ok=True)
                raise

        if board.clock == "measured":
            found = self._failed[model.id] = self.fresh_folder("sessions", model.id)
            with progress.task(f"measure on {board.name}"):
                make(found)
        else:  # modeled: a function of image, sound and board
            found = stored_session(self.store, board, firmware, model, recordings.recordings, make_in_store)
        return read_session(found)

    def sounds(self, labels: tuple[str, ...]) -> tuple[RecordingSet, Stimulus]:
        """Return the recordings for a model with these labels, and the stimulus composed of them."""
        if labels not in self._sounds:
            found = read_recordings(self.setup.recordings, labels)
            for doubt in found.scan.doubts:
                progress.warn(doubt)
            self._sounds[labels] = found, compose(found.recordings)
        return self._sounds[labels]

    @progress.task("write the report")
    def publish(self, ended: bool) -> Path:
        record, path = self.folder.record, self.folder.path
        if ended:
            try:
                labels = next((tuple(row.labels) for row in record.variants if row.labels), ())
                found = read_recordings(self.setup.recordings, labels).recordings
                render_recordings(record, glances(self.setup.recordings, found, self.store), path)
            except UserFacingError as failure:  # a recording was removed meanwhile
                progress.warn(f"There is no page of the recordings: {failure}")
        page = render_run(record, path)
        self.folder.point_latest()
        return page

    def _copy_transcripts(self, variant_id: str, session: Session) -> dict[str, str]:
        copied = {}
        for name, path in session.transcripts.items():
            copy = self.folder.path / "transcripts" / f"{variant_id}.{path.name}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            copied[name] = relative(copy, self.folder)
        return copied


def begin_run(request: RunRequest, output: Path) -> Run:
    """Begin a run below `output`.

    Raises:
        UserFacingError: see `RunRequest.setup`.
    """
    setup = request.setup(any_board=True)
    return Run(setup, folder.begin(RUN, output, setup.board.describe(), request.about("run")))


def resume_run(request: RunRequest, path: Path) -> Run:
    """Resume an interrupted run.

    Raises:
        UserFacingError: see `RunRequest.setup` and `harness.runs.folder.resume`.
    """
    setup = request.setup(any_board=True)
    return Run(setup, folder.resume(RUN, path, setup.board.describe()))
