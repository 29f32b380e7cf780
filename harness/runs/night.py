"""One run on one board: every selected model built, measured and reported. What was measured is kept.

The record is written after every model under a partial name, so that an interrupted run loses at most the
model it was at, and can be taken up again. Images, and sessions on a board whose time is modeled, are
artifacts: the next run goes on from there.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout
from harness.bench_file import Bench
from harness.boards.board import Board
from harness.errors import BREAKING, ProtocolError
from harness.files import point_link
from harness.firmware.engine import Engine
from harness.firmware.firmware import Firmware
from harness.measure import listener as listener_module
from harness.measure import parity as parity_module
from harness.measure import session as session_module
from harness.measure.arena import arena_used
from harness.measure.host import time_host
from harness.measure.session import Session, measure, read_session
from harness.recording_views import glances
from harness.records.record import Fault, RunRecord, VariantRow
from harness.report.pages.recordings import render_recordings
from harness.report.pages.run import render_run
from harness.runs import journal, rows
from harness.runs.journal import Journal
from harness.runs.selection import Selection
from harness.sound import recordings as recordings_module
from harness.sound import stimulus as stimulus_module
from harness.sound.recordings import RecordingSet, read_recordings
from harness.sound.stimulus import Stimulus, compose
from models.errors import UserFacingError
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact


class Night:
    """A run.

    Args:
        selection: which models.
        board: will be measured, and closed.
        engine: runs the models on it.
        bench: what stands around the board: speaker and thresholds.
        recordings: a folder of recordings, which are played.
        output: where the run's folder is made.
        say: told one line about each step.
        options: kept in the record for whoever takes the run up, see `harness.runs.plan`.
        about: what else the record says of the run, see `harness.runs.journal.begin`.
        interrupted: the folder of a run to take up again; what it measured without a fault is kept.

    Attributes:
        board: the board that is measured.
        folder: of this run: record, transcripts, report.
        journal: the record in the making.
        broken: what broke the board; empty while it works.
        sessions: what was measured on the board, by the models' ids.

    Raises:
        UsageError: `interrupted` cannot be taken up, see `harness.runs.journal.take_up`.
    """

    def __init__(
        self,
        selection: Selection,
        board: Board,
        engine: Engine,
        bench: Bench | None = None,
        recordings: Path = layout.RECORDINGS,
        output: Path = layout.NIGHTS,
        say: Callable[[str], None] = lambda line: None,
        options: str = "",
        about: Mapping[str, str] = types.MappingProxyType({}),
        interrupted: Path | None = None,
    ) -> None:
        self.selection, self.say = selection, say
        self.board, self.engine, self.bench = board, engine, bench or Bench()
        self.store = Store(layout.store_root())
        self.broken = ""
        self.sessions: dict[str, Session] = {}
        self._left: dict[str, Path] = {}  # by a session that failed, by the models' ids
        self._recordings_folder = recordings
        self._sounds: dict[tuple[str, ...], tuple[RecordingSet, Stimulus]] = {}
        self.journal: Journal = (
            journal.take_up(interrupted, board.describe())
            if interrupted
            else journal.begin(output, board.describe(), options, about)
        )
        self.folder = self.journal.folder

    def run(self) -> tuple[RunRecord, Path]:
        """Measures every selected model and writes record and report.

        Returns:
            The record, and the path of the HTML page.
        """
        with self.interruptible():
            self.measure_all()
        return self.close()

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within it an exception ends the run so that it can be taken up: board and record are let go."""
        try:
            yield
        except BaseException:
            if self.has_rows:
                self.say(f"What was measured so far: {self.close(ended=False)[1]}")
            else:
                self._let_go()
            raise

    def measure_all(self) -> list[ModelArtifact]:
        """Measures every selected model that was not measured before this run was interrupted.

        Returns:
            The models that could be prepared.
        """
        read_recordings(self._recordings_folder, ())  # a broken one is told before anything is trained
        models = []
        for model in self._models():
            if model.id in self.journal.kept:
                self.say(f"{model.id}: measured before this run was interrupted")
            else:
                self.measure(model)
            models.append(model)
        return models

    @property
    def has_rows(self) -> bool:
        """Whether anything was measured, or failed to be."""
        return bool(self.journal.rows)

    def row(self, identity: str) -> VariantRow:
        """What was measured of a model, by its id."""
        return self.journal.rows[identity]

    def measure(self, model: ModelArtifact) -> VariantRow:
        """Builds and measures one model; a failure becomes a fault of its row.

        Of a model that no board can run there is nothing to measure: its row has what is known already.
        """
        self.journal.write()
        row = rows.variant_row(model)
        if not model.deployable:
            self.say(f"{model.id}: no board can run it, its accuracy is that of torch")
            return self._keep(row)
        try:
            firmware = self.firmware(model)
            row = rows.with_firmware(row, firmware)
            session = self.session(model, firmware)
            self.sessions[model.id] = session
            recordings, stimulus = self.sounds(model.labels)
            row = rows.with_session(
                row, session, stimulus, recordings.notes, self.bench.thresholds.detection_window_s
            )
            row = replace(row, transcripts=self._kept_transcripts(model.id, session))
            self.say(f"{model.id}: timing the host")
            row = rows.with_host(row, time_host(model, session.model_input, session.board_output))
        except UserFacingError as failure:
            self.say(f"{model.id}: {failure}")
            if isinstance(failure, BREAKING):
                self.broken = self.broken or str(failure)
            row = replace(row, faults=[*row.faults, Fault(failure.failure, str(failure))])
            if not row.transcripts and model.id in self._left:
                logs = sorted(self._left[model.id].glob("*.log"))
                row = replace(row, transcripts={log.stem: self._relative(log) for log in logs})
        return self._keep(row)

    def _models(self) -> Iterator[ModelArtifact]:
        """What is to be measured. What could not be prepared becomes a row, unless nothing could be."""
        refused: dict[str, UserFacingError] = {}
        for model in self.selection.models(self.say, refused.__setitem__):
            for identity, failure in refused.items():
                self.say(f"{identity}: {failure}")
                self._keep(rows.refused_row(identity, failure))
            refused.clear()
            yield model
        if refused:
            raise next(iter(refused.values()))

    def _keep(self, row: VariantRow) -> VariantRow:
        self.journal.rows[row.id] = row
        self.journal.write()
        return row

    def firmware(self, model: ModelArtifact) -> Firmware:
        """The image of a model for this board."""
        self.say(f"{model.id}: building for {self.journal.board.name}")
        engine = self.engine.sized_for(
            model.tflite, self.board.name, self.store, lambda engine: self._arena_used(model, engine)
        )
        return self.board.build(model, engine)

    def session(self, model: ModelArtifact, firmware: Firmware) -> Session:
        """What the board computes, takes and hears with this image.

        Raises:
            EarshotError: see `harness.measure.session.measure`.
            ProtocolError: the board broke earlier in this run.
        """
        self._check_board()
        recordings, stimulus = self.sounds(model.labels)

        def make(folder: Path) -> None:
            self.say(
                f"{model.id}: measuring on {self.journal.board.name}, {stimulus.duration_s:.0f} s of audio"
            )
            measure(self.board, firmware, model, recordings.recordings, stimulus, folder, self.bench)
            self.journal.measured_by(self.board.describe())

        def make_in_store(folder: Path) -> None:
            try:
                make(folder)
            except BaseException:  # the store keeps nothing of it
                left = self._left[model.id] = self._fresh("broken", model.id)
                with contextlib.suppress(OSError):  # a full disk: what failed first is what is told
                    shutil.copytree(folder, left, dirs_exist_ok=True)
                raise

        if self.journal.board.clock == "measured":  # every night's own
            folder = self._left[model.id] = self._fresh("sessions", model.id)
            make(folder)
        else:  # modeled: a function of image, sound and board, whoever measures it and when
            inputs = {
                "image": firmware.image,
                "model": model.path,
                "board": self.journal.board,
                "recordings": self._recordings_folder,
            }
            code = (session_module, listener_module, parity_module, recordings_module, stimulus_module)
            folder = self.store.build("session", inputs, make_in_store, code)
        return read_session(folder)

    def close(self, ended: bool = True) -> tuple[RunRecord, Path]:
        """Lets go of the board and writes record and report.

        Args:
            ended: False for a run that was interrupted: its record stays marked as partial.
        """
        try:
            record = self.journal.end() if ended else self.journal.write()
        finally:
            self._let_go()
        if ended:
            self._show_recordings(record)
        page = render_run(record, self.folder)
        _point_to_latest(self.folder)
        return record, page

    def sounds(self, labels: tuple[str, ...]) -> tuple[RecordingSet, Stimulus]:
        """The recordings as a model with these labels should hear them, and what is played of them."""
        if labels not in self._sounds:
            found = read_recordings(self._recordings_folder, labels)
            self._sounds[labels] = found, compose(found.recordings)
        return self._sounds[labels]

    def _show_recordings(self, record: RunRecord) -> None:
        """Their page, which the report links to; one that was taken away meanwhile costs nothing else."""
        try:
            found = read_recordings(self._recordings_folder, ()).recordings
            render_recordings(record, glances(self._recordings_folder, found, self.store), self.folder)
        except UserFacingError as failure:
            self.say(f"There is no page of the recordings: {failure}")

    def _kept_transcripts(self, variant_id: str, session: Session) -> dict[str, str]:
        kept = {}
        for name, path in session.transcripts.items():
            copy = self.folder / "transcripts" / f"{variant_id}.{path.name}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            kept[name] = self._relative(copy)
        return kept

    def _fresh(self, what: str, model_id: str) -> Path:
        """An empty folder of this run; what an interrupted attempt left in it is kept beside it."""
        folder = self.folder / what / model_id
        if folder.exists():
            names = (f"{model_id}.before-{number}" for number in itertools.count(1))
            folder.rename(next(kept for name in names if not (kept := folder.with_name(name)).exists()))
        folder.mkdir(parents=True)
        return folder

    def _check_board(self) -> None:
        if self.broken:
            raise ProtocolError(
                "not measured, because the board broke before",
                where=self.broken,
                remedy="Mend that and run again: what was measured is kept.",
            )

    def _arena_used(self, model: ModelArtifact, engine: Engine) -> int:
        """What the board's interpreter takes of an arena that is large enough, bytes."""
        self._check_board()
        self.say(f"{model.id}: asking {self.journal.board.name} how much memory the interpreter takes")
        firmware = self.board.build(model, engine)
        return arena_used(self.board, firmware, self._fresh("arena", model.id), self.say)

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self.folder))

    def _let_go(self) -> None:
        try:
            self.board.close()
        finally:
            self.journal.let_go()


def _point_to_latest(folder: Path) -> None:
    """`latest` beside the nights leads to this run's folder."""
    point_link(folder.parents[1].parent / "latest", folder)
