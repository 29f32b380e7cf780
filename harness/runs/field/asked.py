"""What a field run was asked for, as plain values: enough to begin it, and, in its record, to take it up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.bench_file import find_bench
from harness.boards.registry import board_of, find_entry
from harness.runs.field.folder import OPTIONS, FieldFolder, begin, take_up
from harness.runs.field.playing import check_route
from harness.runs.field.run import FieldRun
from harness.runs.kept import as_text, from_text, path
from harness.runs.plan import engine_of, recordings_of
from harness.runs.selection import Selection
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions, PlaybackPlan, check_files, read_plan
from harness.stats.matching import is_keyword
from models.data.dataset import DatasetConfig


@dataclass(frozen=True)
class FieldRequest:
    """What a field run was asked for.

    Attributes:
        selection: which models.
        board: an entry of the bench file, or a kind of board.
        engine: what runs the models; "" takes the entry's, or else the kind's default.
        bench: the bench file; None for the usual one.
        port: overrides where the board's serial port is.
        plan: what is played; None makes a plan of `recordings` and `options`.
        recordings: a folder; None takes the bench's, or else those of the checkout.
        options: of that plan.
        threshold: of the recognizer, 0 to 255.
        check: whether the host scores everything, see `harness.runs.field.host`.
    """

    selection: Selection
    board: str
    engine: str = ""
    bench: Path | None = None
    port: str = ""
    plan: Path | None = None
    recordings: Path | None = None
    options: PlanOptions = field(default_factory=PlanOptions)
    threshold: int = 200
    check: bool = False

    def begin(self, output: Path, say: Callable[[str], None]) -> FieldRun:
        """A new run.

        Raises:
            UsageError: no such board or engine; no plan, or one whose files are not there; a simulated
                room on a board that stands in a real one.
            ConfigError: the bench file is not as it should be.
            AcousticFailed: a board that hears through the air, and no speaker.
        """
        bench = find_bench(self.bench)
        if self.plan is not None:
            plan = read_plan(self.plan)
        else:
            plan = make_plan(self.recordings or recordings_of(bench), self.options, self._keywords())
        return self._run(
            plan,
            say,
            lambda board, window_s: begin(
                output, board.describe(), plan, self.threshold, window_s, self._as_text(bench.path)
            ),
        )

    def take_up(self, path: Path, say: Callable[[str], None]) -> FieldRun:
        """An interrupted run, to go on with; see `harness.runs.field.folder.take_up`."""
        return self._run(FieldFolder(path).plan, say, lambda board, window_s: take_up(path, board.describe()))

    def _run(self, plan: PlaybackPlan, say: Callable[[str], None], folder_of: Callable) -> FieldRun:
        bench = find_bench(self.bench)
        entry = find_entry(self.board, bench, self.port)
        board, engine = board_of(entry, bench), engine_of(entry, self.engine)
        check_files(plan)
        check_route(board, bench, plan)
        folder = folder_of(board, bench.thresholds.detection_window_s)
        return FieldRun(self.selection, board, engine, bench, plan, folder, say, self.check)

    def _keywords(self) -> list[str]:
        """What the models may announce, without preparing any."""
        labels = self.selection.labels or DatasetConfig().labels
        return [label for label in labels if is_keyword(label)]

    def _as_text(self, bench: Path | None) -> str:
        """For the record: whoever takes the run up may stand in another folder."""
        return as_text(
            self.selection,
            board=self.board,
            engine=self.engine,
            bench=bench,
            port=self.port,
            check=self.check,
        )


def request_of(folder: Path) -> FieldRequest:
    """What the run in a folder was asked for.

    Raises:
        UsageError: there is no run, or it was not begun by `earshot field`.
    """
    record = FieldFolder(folder).record

    def make(selection: Selection, kept: dict[str, Any]) -> FieldRequest:
        return FieldRequest(
            selection,
            board=kept["board"],
            engine=kept["engine"],
            bench=path(kept["bench"]),
            port=kept["port"],
            threshold=record.threshold,
            check=kept["check"],
        )

    return from_text(record.run.get(OPTIONS, ""), make, folder, "earshot field")
