"""Blocks of a night: their order, and their measurement, each in the partial record before the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from harness.boards.board import Board
from harness.boards.linux import Linux
from harness.errors import BREAKING, ConnectionLost
from harness.measure.block import BlockResult, BlockTarget, measure_block
from harness.measure.onnx import INFERENCES
from harness.meters.meter import Meter
from harness.records.record import CANARY, FIRST, LAST, ROUND, BlockRow, Fault, RunRecord
from harness.runs.folder import RunFolder
from models import progress
from models.errors import UserFacingError

TRANSCRIPTS = "blocks"
"""Folder of a run with one transcript per block."""


@dataclass(frozen=True)
class BlockId:
    """Place of a block in a night, see `BlockRow`."""

    phase: str
    round: int
    subject: str

    def __str__(self) -> str:
        return f"{self.phase}-{self.round}-{self.subject}" if self.round else self.phase


def schedule(variants: Sequence[str], rounds: int) -> list[BlockId]:
    """Return the canary, the rounds, and the canary again, which shows a drift during the night."""
    return [BlockId(FIRST, 0, CANARY), *rounds_of(ROUND, variants, rounds), BlockId(LAST, 0, CANARY)]


def rounds_of(phase: str, variants: Sequence[str], number: int) -> list[BlockId]:
    """Return some rounds; each begins one variant later than the last: none always meets a cold board."""
    return [
        BlockId(phase, index + 1, variants[(index + place) % len(variants)])
        for index in range(number)
        for place in range(len(variants))
    ]


class Blocks:
    """Blocks measured by this process or an earlier one, each with `samples` of each series.

    A small Linux computer makes `INFERENCES` at least. `broken` is the fault that broke the board; None while
    it works. `rows` are in the order they were measured.
    """

    def __init__(
        self, board: Board, folder: RunFolder[RunRecord], samples: int, meter: Meter | None = None
    ) -> None:
        self._board, self._folder, self._meter = board, folder, meter
        self._samples = max(samples, INFERENCES) if isinstance(board, Linux) else samples
        self._board_known = False  # a board on USB tells its identity once it is found
        self.broken: Fault | None = None
        self.rows = list(folder.record.blocks)

    def measure(self, ids: Sequence[BlockId], targets: Mapping[str, BlockTarget]) -> None:
        """Measure the blocks that are not there yet.

        A block that breaks is kept with its fault and not measured again. If it left the board in an unknown
        state, the other blocks are not measured.
        """
        done = {_id(row) for row in self.rows}
        for number, block in enumerate(ids, start=1):
            if block in done:
                progress.log(f"{block}: measured before this run was interrupted")
            elif self.broken is None:
                with progress.task(f"{block}: block {number} of {len(ids)}"):
                    self._keep(self._measure_one(block, targets[block.subject]))

    def find(self, ids: Sequence[BlockId]) -> list[BlockRow]:
        """Return the measured blocks among these, whole or not."""
        return [row for row in self.rows if _id(row) in ids]

    def add_lost(self, block: BlockId, failure: UserFacingError) -> None:
        """Record a block that could not be begun."""
        if not self.find([block]):
            progress.warn(f"{block}: {failure}")
            self._keep(self._row(block, BlockResult(), fault=str(failure)))

    def _measure_one(self, block: BlockId, target: BlockTarget) -> BlockRow:
        result, fault = BlockResult(), ""
        begun = self._row(block, result, target)
        transcript = self._folder.path / TRANSCRIPTS / f"{block}.log"
        listens = block.subject != CANARY
        try:
            meter = self._meter if listens else None
            measure_block(self._board, target, result, transcript, self._samples, listens, meter)
            if not self._board_known:
                self._folder.set_board(self._board.describe())
                self._board_known = True
        except ConnectionLost:  # the night is left to be resumed
            raise
        except UserFacingError as failure:
            fault = str(failure)
            progress.warn(f"{block}: {fault}")
            if isinstance(failure, BREAKING):
                self.broken = Fault(failure.failure, fault)
        return replace(begun, fault=fault)

    def _row(
        self, block: BlockId, result: BlockResult, target: BlockTarget | None = None, fault: str = ""
    ) -> BlockRow:
        started = datetime.now(UTC).isoformat(timespec="milliseconds")
        return BlockRow(
            subject=block.subject,
            engine=target.firmware.engine if target else "",
            phase=block.phase,
            round=block.round,
            started=started.replace("+00:00", "Z"),
            monotonic_s=round(self._folder.elapsed_s, 3),
            image_sha256=target.image_sha256 if target else "",
            planned=self._samples,
            fault=fault,
            **vars(result),
        )

    def _keep(self, row: BlockRow) -> None:
        self.rows.append(row)
        self._folder.write(blocks=list(self.rows))


def _id(row: BlockRow) -> BlockId:
    return BlockId(row.phase, row.round, row.subject)
