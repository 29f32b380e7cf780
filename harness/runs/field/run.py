"""One field run: every selected model hears the plan, segment by segment; then figures, misses and page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from harness.bench_file import Bench
from harness.boards.board import Board
from harness.errors import BREAKING, ProtocolError, UsageError
from harness.firmware.engine import Engine
from harness.firmware.firmware import Firmware
from harness.layout import store_root
from harness.measure.arena import arena_used
from harness.records.field_record import FieldRecord, FieldVariant
from harness.records.record import Fault, VariantRow
from harness.runs import rows
from harness.runs.field.attempts import Attempts
from harness.runs.field.clips import classify_clips
from harness.runs.field.folder import FieldFolder, check_same_board, now, with_variants
from harness.runs.field.host import Host
from harness.runs.field.playing import Player, read_facts
from harness.runs.field.publishing import figures, publish, read_variants
from harness.runs.selection import Selection
from harness.sound.playback_plan import PlaybackPlan
from models.data.features import CHANNELS, SLICES
from models.errors import UserFacingError
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

_NO_BOARD = "No board can run this model: it was not measured."


class FieldRun:
    """A run, begun or taken up again.

    Args:
        selection: which models.
        board: hears the plan, and is closed at the end.
        engine: runs the models on it.
        bench: what stands around the board.
        plan: what is played.
        folder: of the run; this process has it.
        say: told one line about each step.
        check: whether the host scores everything, see `harness.runs.field.host`.
        store: keeps what depends on image and sound alone; None for the usual one.

    Attributes:
        folder: of the run.
        plan: what is played.
    """

    def __init__(
        self,
        selection: Selection,
        board: Board,
        engine: Engine,
        bench: Bench,
        plan: PlaybackPlan,
        folder: FieldFolder,
        say: Callable[[str], None],
        check: bool = False,
        store: Store | None = None,
    ) -> None:
        self.folder, self.plan = folder, plan
        self._selection, self._board, self._engine, self._bench = selection, board, engine, bench
        self._say, self._check = say, check
        self._store = store or Store(store_root())
        self._broken = ""

    def run(self) -> tuple[FieldRecord, Path]:
        """Lets every model hear the plan, and writes record and page.

        An interruption leaves both with what was heard so far.

        Returns:
            The record, and the path of the HTML page.
        """
        try:
            try:
                for model in self._models():
                    self._hear(model)
            except BaseException:
                if self.folder.record.variants:
                    self._say(f"What was heard so far: {self._finish(ended=False)[1]}")
                raise
            return self._finish(ended=True)
        finally:
            try:
                self._board.close()
            finally:
                self.folder.let_go()

    def _models(self) -> Iterator[ModelArtifact]:
        """What hears the plan. What could not be prepared becomes a row, unless nothing could be."""
        refused: dict[str, UserFacingError] = {}
        for model in self._selection.models(self._say, refused.__setitem__):
            for identity, failure in refused.items():
                self._say(f"{identity}: {failure}")
                self._keep(_head(rows.refused_row(identity, failure)))
            refused.clear()
            yield model
        if refused:
            raise next(iter(refused.values()))

    def _hear(self, model: ModelArtifact) -> None:
        """Builds one model and lets it hear the plan; a failure becomes a fault of its row."""
        row = rows.variant_row(model)
        if not model.deployable:
            self._keep(replace(_head(row), notes=[_NO_BOARD]))
            return
        head, attempts = _head(row), Attempts(lambda line: self._say(f"{model.id}: {line}"))
        try:
            self._check_board()
            _check_input(model)
            firmware = self._firmware(model)
            head = _head(rows.with_firmware(row, firmware))
            self._keep(head)  # from here on the folder can be read, whatever happens
            board, folder = self._board, self.folder
            clips = classify_clips(board, firmware, model, self.plan, folder, self._store, attempts)
            head = replace(head, clips=list(clips.results))
            if clips.left_out:
                head = replace(head, notes=[*head.notes, f"Clips not classified: {clips.left_out}."])
            self._keep(head)
            self._play(model, firmware, attempts)
        except UserFacingError as failure:
            self._say(f"{model.id}: {failure}")
            if isinstance(failure, BREAKING):
                self._broken = self._broken or str(failure)
            head = replace(head, faults=[*head.faults, Fault(failure.failure, str(failure))])
        head = replace(head, notes=[*head.notes, *attempts.told])
        self._keep(figures(self.folder, self.plan, head, self.folder.record))

    def _play(self, model: ModelArtifact, firmware: Firmware, attempts: Attempts) -> None:
        """Lets the board hear every segment, and the host what it has to."""
        player = Player(
            self._board,
            firmware,
            model.id,
            model.labels,
            self.plan,
            self._bench,
            self.folder,
            self._store,
            attempts,
        )
        host = Host(model, self.plan, self.folder, self._store, self._check)
        progress = _Progress(model.id, self.plan, self._say)
        for segment in self.plan.segments:
            played = player.play(segment)
            facts = read_facts(self.folder, model.id, segment.number)
            assert facts is not None  # `play` has left them
            host.hear(segment, facts, self._say)
            progress.heard(segment.duration_s, played)

    def _firmware(self, model: ModelArtifact) -> Firmware:
        """The image of a model for this board."""
        self._say(f"{model.id}: building for {self._board.name}")

        def used(guessing: Engine) -> int:
            folder = self.folder.path / "arena" / model.id
            return arena_used(self._board, self._board.build(model, guessing), folder, self._say)

        engine = self._engine.sized_for(model.tflite, self._board.name, self._store, used)
        return self._board.build(model, engine)

    def _check_board(self) -> None:
        if self._broken:
            raise ProtocolError(
                "not measured, because the board broke before",
                where=self._broken,
                remedy="Mend that and go on with --resume: what was heard is kept.",
            )

    def _keep(self, variant: FieldVariant) -> None:
        record, board = self.folder.record, self._board.describe()
        check_same_board(record.board, board)
        if board.uid != board.name:  # a board on USB tells its identity late
            record = replace(record, board=board)
        self.folder.write(with_variants(record, [variant]))

    def _finish(self, ended: bool) -> tuple[FieldRecord, Path]:
        record = self.folder.record
        if ended:
            record = replace(record, run={**record.run, "ended": now()})
        else:  # the variant that was at it has no figures yet
            record = read_variants(self.folder, self.plan, record)
        return publish(self.folder, self.plan, record, self._say)


def _head(row: VariantRow) -> FieldVariant:
    """What is known of a variant before it hears anything."""
    return FieldVariant(
        id=row.id,
        title=row.title,
        labels=row.labels,
        model=row.model,
        firmware=row.firmware,
        notes=list(row.notes),
        faults=list(row.faults),
    )


def _check_input(model: ModelArtifact) -> None:
    """Whether a model can hear anything.

    Raises:
        UsageError: it takes something else than a second of micro features.
    """
    assert model.input is not None  # the model is deployable
    shape = model.input["shape"]
    if prod(shape) != SLICES * CHANNELS:
        raise UsageError(
            f"the model takes no micro features ({SLICES} x {CHANNELS}): there is nothing that it could hear",
            where=f"{model.id}, input {shape}",
            remedy="Measure it with `earshot run`, in command mode.",
        )


class _Progress:
    """Tells how far a variant is, and how long the rest should take by what was played so far."""

    def __init__(self, variant: str, plan: PlaybackPlan, say: Callable[[str], None]) -> None:
        self._variant, self._say = variant, say
        self._segments = len(plan.segments)
        self._left_s = sum(segment.duration_s for segment in plan.segments)
        self._done = 0
        self._played_s = 0.0
        self._began = time.monotonic()

    def heard(self, audio_s: float, played: bool) -> None:
        """A segment is there; `played` says whether it took time."""
        self._done += 1
        self._left_s -= audio_s
        text = f"{self._variant}: segment {self._done} of {self._segments}, {audio_s:.0f} s of audio"
        if played:
            self._played_s += audio_s
            speed = self._played_s / max(time.monotonic() - self._began, 1e-6)
            self._say(f"{text}, {speed:.0f} times as fast as real time, {self._left_s / speed:.0f} s to go")
        else:
            self._say(f"{text}: heard before")
