"""Session of a night: canary, rounds, canary; then the verdict, and its confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.boards.board import Board
from harness.errors import UsageError
from harness.measure.block import BlockTarget
from harness.meters.meter import Meter
from harness.records.record import CANARY, CONFIRMATION, Fault, RunRecord
from harness.records.verdict import RunVerdict
from harness.regression.baseline import baseline_path, read_baseline
from harness.regression.from_record import night_of
from harness.regression.history import read_history
from harness.regression.nights import Night
from harness.regression.verdict import judge
from harness.runs.folder import RunFolder, utc_now
from harness.runs.nightly.blocks import BlockId, Blocks, rounds_of, schedule
from harness.runs.nightly.images import keep_image, read_image
from harness.runs.request import NightlyRequest
from models import progress


class NightlySession:
    """Blocks of a night and the verdict on them; the record of the folder has the variants.

    Raises:
        UsageError, ConfigError: the board's baseline cannot be read or is invalid.
    """

    def __init__(
        self, board: Board, folder: RunFolder[RunRecord], request: NightlyRequest, meter: Meter | None = None
    ) -> None:
        self._folder, self._request = folder, request
        self._name = folder.record.run["board"]
        self._blocks = Blocks(board, folder, request.samples, meter)
        self._baseline = read_baseline(baseline_path(self._name, request.baselines))
        self._history: list[Night] | None = None
        self._targets: dict[str, BlockTarget] = {}

    @property
    def succeeded(self) -> bool:
        """Return whether there were images and the board worked to the end."""
        return bool(self._targets) and self._blocks.broken is None

    def measure(self, targets: Mapping[str, BlockTarget], broken: Fault | None = None) -> None:
        """Measure every block; missing ones become faults; `broken` is the one that broke the board."""
        self._blocks.broken = broken
        ids = schedule(list(targets), self._request.rounds)
        self._targets = dict(targets)
        if targets:
            try:
                self._targets[CANARY] = self._canary(next(iter(targets.values())))
            except UsageError as failure:
                for block in (ids[0], ids[-1]):
                    self._blocks.add_lost(block, failure)
            self._blocks.measure(ids, self._targets)
        for identity in targets:
            self._add_missing([block for block in ids if block.subject == identity])
        if self._blocks.broken and not any(row.samples_us for row in self._blocks.rows):
            self._put(fault=self._blocks.broken)

    def judge(self) -> RunVerdict:
        """Judge the night; measure what got worse once more at once, and judge again with these blocks."""
        self._put(blocks=[row for row in self._blocks.rows if row.phase != CONFIRMATION])
        verdict = self._judge_now()
        doubtful = {name.variant for name in verdict.to_confirm}
        again = [identity for identity in self._targets if identity in doubtful]
        if again:
            progress.log(f"measuring again to confirm: {', '.join(map(str, verdict.to_confirm))}")
            self._blocks.measure(rounds_of(CONFIRMATION, again, self._request.rounds), self._targets)
            self._put(blocks=list(self._blocks.rows))
            verdict = self._judge_now()
        self._put(verdict=verdict)
        return verdict

    def earlier_nights(self) -> list[Night]:
        """Return the other nights of the same board, by its name or its identity."""
        night = night_of(self._folder.ended(), digest="tonight")
        if self._history is None:
            folders = [folder for folder in self._request.history if folder.exists()]
            history = read_history(folders, boards=(night.board, night.uid))
            for left_out in history.left_out:
                if left_out.path not in folders:  # the first night has no history yet
                    progress.warn(left_out.sentence)
            self._history = list(history.nights)
        return [other for other in self._history if other.id != night.id]

    def _judge_now(self) -> RunVerdict:
        night = night_of(self._folder.ended(), digest="tonight")
        return judge(night, self.earlier_nights(), self._baseline)

    def _canary(self, first: BlockTarget) -> BlockTarget:
        """Return the image that is never rebuilt; the board's first night keeps that of its first variant.

        Raises:
            UsageError: it is damaged.
        """
        folder, record = self._request.canary(self._name), self._folder.record
        if not folder.exists():
            commit = str(record.code["commit"]) + (", with changes" if record.code["dirty"] else "")
            origin = {"variant": first.id, "night": record.run["id"], "kept": utc_now(), "commit": commit}
            keep_image(first, folder, origin)
            progress.log(
                f"The image of {first.id} is the canary of {self._name} from now on: every night measures it "
                f"unchanged, to tell a drift of the bench from a change of the code ({folder})"
            )
        return replace(read_image(folder), id=CANARY)

    def _add_missing(self, ids: Sequence[BlockId]) -> None:
        """Add a fault to a variant with missing blocks: a night's value is the median of all of them."""
        found = self._blocks.find(ids)
        faults = [row.fault for row in found if row.fault]
        missing = len(ids) - len(found)
        broken = self._blocks.broken
        if not faults and not missing:
            return
        row = self._folder.row(ids[0].subject)
        cause = faults[0] if faults or broken is None else f"the board broke before: {broken.message}"
        message = f"{missing + len(faults)} of {len(ids)} blocks were not measured, because {cause}"
        fault = Fault(broken.failure if broken else UsageError.failure, message)
        self._folder.put(replace(row, faults=[*row.faults, fault]))

    def _put(self, **changes: Any) -> None:
        self._folder.record = replace(self._folder.record, **changes)
