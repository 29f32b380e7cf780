"""The blocks of a night on a board: measured in their order, each kept as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from harness.boards.board import Board
from harness.errors import BREAKING
from harness.measure.block import Figures, Subject, measure_block
from harness.records.record import BlockRow, Fault
from harness.runs.journal import Journal
from harness.runs.nightly.block_file import BlockFile
from harness.runs.nightly.schedule import CANARY, Slot
from models.errors import UserFacingError

TRANSCRIPTS = "blocks"
"""Folder of a night with a transcript for each block."""


class Blocks:
    """What was measured of a night in blocks, by this process or one before.

    Args:
        board: is measured.
        journal: of the night.
        samples: of each series in a block.
        say: told one line about each step.

    Attributes:
        broken: what broke the board; None while it works.

    Raises:
        UsageError: see `BlockFile.rows`.
    """

    def __init__(self, board: Board, journal: Journal, samples: int, say: Callable[[str], None]) -> None:
        self._board, self._journal, self._samples, self._say = board, journal, samples, say
        self._file = BlockFile(journal.folder)
        self._known = False  # which board this is; it tells its identity when it is there
        self.broken: Fault | None = None
        self.rows = self._file.rows()
        journal.blocks = self.rows

    def measure(self, slots: Sequence[Slot], subjects: Mapping[str, Subject]) -> None:
        """Measures the blocks of these slots, those that were measured before left out.

        A block that breaks is kept with its fault and not measured again. If it left the board in an unknown
        state, nothing more is measured on it.
        """
        done = {_slot(row) for row in self.rows}
        for number, slot in enumerate(slots, start=1):
            if slot in done:
                self._say(f"{slot}: measured before this run was interrupted")
            elif self.broken is None:
                self._say(f"{slot}: block {number} of {len(slots)}")
                self._keep(self._measured(slot, subjects[slot.subject]))

    def of(self, slots: Sequence[Slot]) -> list[BlockRow]:
        """The blocks of these slots that were measured, whole or not."""
        wanted = set(slots)
        return [row for row in self.rows if _slot(row) in wanted]

    def lost(self, slot: Slot, failure: UserFacingError) -> None:
        """Takes down that a block could not even be begun."""
        if not self.of([slot]):
            self._say(f"{slot}: {failure}")
            self._keep(self._row(slot, Figures(), fault=str(failure)))

    def close(self) -> None:
        """When the record has the blocks."""
        self._file.remove()

    def _measured(self, slot: Slot, subject: Subject) -> BlockRow:
        figures, fault = Figures(), ""
        begun = self._row(slot, figures, subject)
        transcript = self._journal.folder / TRANSCRIPTS / f"{slot}.log"
        try:
            measure_block(
                self._board, subject, figures, transcript, self._samples, listens=slot.subject != CANARY
            )
            if not self._known:
                self._journal.measured_by(self._board.describe())
                self._known = True
        except UserFacingError as failure:
            fault = str(failure)
            self._say(f"{slot}: {fault}")
            if isinstance(failure, BREAKING):
                self.broken = Fault(failure.failure, fault)
        return replace(begun, fault=fault)

    def _row(self, slot: Slot, figures: Figures, subject: Subject | None = None, fault: str = "") -> BlockRow:
        return BlockRow(
            subject=slot.subject,
            engine=subject.firmware.engine if subject else "",
            phase=slot.phase,
            round=slot.round,
            started=datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            monotonic_s=round(self._journal.elapsed_s, 3),
            image_sha256=subject.image_sha256 if subject else "",
            planned=self._samples,
            fault=fault,
            **vars(figures),
        )

    def _keep(self, row: BlockRow) -> None:
        self._file.append(row)
        self.rows.append(row)


def _slot(row: BlockRow) -> Slot:
    return Slot(row.phase, row.round, row.subject)
