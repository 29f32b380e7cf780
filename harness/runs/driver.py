"""Driver: the one loop over the models of a run, with one board, one folder and one record.

The record is written under a partial name after every model: an interrupted run loses at most the model in
progress and can be resumed. The first fault that leaves the board in an unknown state ends its measurements.
"""

from __future__ import annotations

import contextlib
import itertools
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from harness import layout
from harness.errors import BREAKING, ConnectionLost, ProtocolError
from harness.firmware.firmware import Firmware
from harness.records.field_record import FieldRecord, FieldVariant
from harness.records.record import Fault, RunRecord, VariantRow
from harness.runs import rows
from harness.runs.folder import RunFolder
from harness.runs.request import Setup
from models import progress
from models.errors import UserFacingError, located
from models.reference import ReferenceModel
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

R = TypeVar("R", RunRecord, FieldRecord)
Row = TypeVar("Row", VariantRow, FieldVariant)


class Driver(ABC, Generic[R, Row]):
    """A run on one board. A subclass says how to measure one model and what to write at the end.

    `broken` is the fault that broke the board; None while it works.
    """

    def __init__(self, setup: Setup, folder: RunFolder[R], store: Store | None = None) -> None:
        self.setup = setup
        self.folder: RunFolder[R] = folder
        self.board = setup.board
        self.store = store or Store(layout.store_root())
        self.broken: Fault | None = None

    @abstractmethod
    def new_row(self, row: VariantRow) -> Row:
        """Return a variant's row before any measurement."""

    @abstractmethod
    def measure_steps(self, model: ModelArtifact, row: Row) -> Iterator[Row]:
        """Measure a model step by step; yield the row after each step, for a failure to keep it.

        Raises:
            UserFacingError: becomes a fault of the row that was yielded last.
        """

    @abstractmethod
    def publish(self, ended: bool) -> Path:
        """Write the pages of the run, ended or interrupted; return the main page."""

    def prepared(self, model: ModelArtifact) -> None:
        """Begin what does not disturb the preparation of the other models; is called for each variant."""

    def finish_row(self, model: ModelArtifact, row: Row) -> Row:
        """Add to a row whose measurement ended, with or without a fault."""
        return row

    def is_complete(self, model: ModelArtifact) -> bool:
        """Return whether a model was measured before the run was resumed."""
        return model.id in self.folder.complete

    def run(self) -> tuple[R, Path]:
        """Measure every selected model; return the record and the path of the page."""
        with self.interruptible():
            self.measure_all()
        return self.close()

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Leave the run resumable on any exception: board and folder are released, the page is written."""
        try:
            yield
        except BaseException as stop:
            if self.folder.record.variants:
                progress.warn(f"Measured so far: {self.close(ended=False)[1]}")
            else:
                self._release()
            self._note_how_to_continue(stop)
            raise

    def measure_all(self) -> list[ModelArtifact]:
        """Measure every selected model that is not complete; return the models that could be prepared."""
        models = []
        for model in self._prepare_models():
            if self.is_complete(model):
                progress.log(f"{model.id}: measured before this run was interrupted")
            else:
                self.measure(model)
            models.append(model)
        return models

    def measure(self, model: ModelArtifact) -> Row:
        """Build and measure one model; a failure becomes a fault of its row."""
        with progress.about(model.id):
            self.folder.write()
            row: Row = self.new_row(rows.variant_row(model))
            if not model.deployable:
                progress.log("no board can run this variant; its accuracy is measured in torch")
                return self._keep(row)
            try:
                for measured in self.measure_steps(model, row):
                    row = measured
            except ConnectionLost:  # nothing is wrong with the model: the run is left to be resumed
                raise
            except UserFacingError as failure:
                progress.warn(str(failure))
                self.mark_broken(failure)
                row = replace(row, faults=[*row.faults, Fault(failure.failure, str(failure))])
            return self._keep(self.finish_row(model, row))

    def mark_broken(self, failure: BaseException | None) -> None:
        """Stop measuring if a failure leaves the board in an unknown state."""
        if isinstance(failure, BREAKING):
            self.broken = self.broken or Fault(failure.failure, str(failure))

    def check_board(self) -> None:
        """Refuse to measure on a board that broke.

        Raises:
            ProtocolError: it did.
        """
        if self.broken:
            raise ProtocolError(
                "not measured, because the board broke before",
                where=self.broken.message,
                remedy="Repair the board and run again: what was measured is kept.",
            )

    def build(self, model: ModelArtifact) -> Firmware:
        """Build a model's image, and refuse a model that the reference kernels do not run."""

        def new_log() -> Path:
            self.check_board()
            return self.fresh_folder("arena", model.id) / "arena.log"

        firmware = self.setup.build(model, new_log, store=self.store)
        with located(model.name):
            ReferenceModel(model.tflite)
        return firmware

    def with_firmware(self, row: Row, firmware: Firmware) -> Row:
        """Add a model's image to its row."""
        return rows.with_firmware(row, firmware, self.folder.record.board, self.setup.calibrations)

    def fresh_folder(self, what: str, model_id: str) -> Path:
        """Create an empty folder of this run; rename what an interrupted attempt left there."""
        folder = self.folder.path / what / model_id
        if folder.exists():
            names = (f"{model_id}.before-{number}" for number in itertools.count(1))
            folder.rename(next(kept for name in names if not (kept := folder.with_name(name)).exists()))
        folder.mkdir(parents=True)
        return folder

    def close(self, ended: bool = True) -> tuple[R, Path]:
        """Release board and folder, write record and page; a run that has not `ended` can be resumed."""
        try:
            try:
                self.folder.write()
            finally:
                self.board.close()
            with self.folder.ending() if ended else contextlib.nullcontext():
                page = self.publish(ended)
            return self.folder.record, page
        except BaseException as stop:
            self._note_how_to_continue(stop)
            raise
        finally:
            self.folder.release()
            if self.folder.is_partial:
                progress.warn(f"To continue: {self._resuming}")

    def _note_how_to_continue(self, stop: BaseException) -> None:
        if self.folder.is_partial:
            stop.add_note(f"Continue this run with `{self._resuming}`; what it measured is kept.")

    @property
    def _resuming(self) -> str:
        return f"earshot resume {shlex.quote(str(self.folder.path))}"

    def _prepare_models(self) -> Iterator[ModelArtifact]:
        """Prepare the models; those that cannot be become rows."""
        refused: dict[str, UserFacingError] = {}
        for model in self.setup.selection.models(refused, self.prepared):
            for identity, failure in refused.items():
                self._keep(self.new_row(rows.refused_row(identity, failure)))
            refused.clear()
            yield model

    def _keep(self, row: Row) -> Row:
        self.folder.put(row)
        self.folder.write()
        return row

    def _release(self) -> None:
        try:
            self.board.close()
        finally:
            self.folder.release()


def relative(path: Path, folder: RunFolder[Any]) -> str:
    """Return a path as the record keeps it: relative to the run's folder."""
    return path.relative_to(folder.path).as_posix()
