"""What every night does with its images, new ones or kept ones: canary, rounds, verdict, confirmation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from harness.boards.board import Board
from harness.errors import UsageError
from harness.measure.block import Subject
from harness.records.record import Fault
from harness.records.verdict import RunVerdict
from harness.regression.from_record import night_of
from harness.regression.nights import Night
from harness.runs.journal import Journal
from harness.runs.nightly.blocks import Blocks
from harness.runs.nightly.judging import Judge
from harness.runs.nightly.kept_image import keep, read_kept
from harness.runs.nightly.schedule import CANARY, CONFIRMATION, Slot, confirmations, schedule
from harness.runs.nightly.settings import Settings
from harness.runs.plan import BOARD


class Rounds:
    """The blocks of a night and what is said of them.

    Args:
        board: is measured.
        journal: of the night; its rows are there already.
        settings: of the night.
        say: told one line about each step.

    Raises:
        UsageError: the blocks of an interrupted night cannot be read, or the board's baseline cannot.
    """

    def __init__(
        self, board: Board, journal: Journal, settings: Settings, say: Callable[[str], None]
    ) -> None:
        self._journal, self._settings, self._say = journal, settings, say
        self._blocks = Blocks(board, journal, settings.samples, say)
        self._judge = Judge(settings, journal.run[BOARD], say)
        self._subjects: dict[str, Subject] = {}

    def measure(self, subjects: Mapping[str, Subject], broken: Fault | None = None) -> None:
        """Measures every block of the night; what could not be measured becomes faults.

        Args:
            subjects: by the ids of the variants, in their order.
            broken: what broke the board before; None if it works.
        """
        self._blocks.broken = broken
        slots = schedule(list(subjects), self._settings.rounds)
        self._subjects = dict(subjects)
        if subjects:
            try:
                self._subjects[CANARY] = self._canary(next(iter(subjects.values())))
            except UsageError as failure:
                for slot in (slots[0], slots[-1]):
                    self._blocks.lost(slot, failure)
            self._blocks.measure(slots, self._subjects)
        for identity in subjects:
            self._tell_missing([slot for slot in slots if slot.subject == identity])
        if self._blocks.broken and not any(row.samples_us for row in self._blocks.rows):
            self._journal.fault = self._blocks.broken

    def verdict(self) -> RunVerdict:
        """Judges the night; what is found worse is measured again at once, and judged again, once."""
        self._journal.blocks = [row for row in self._blocks.rows if row.phase != CONFIRMATION]
        verdict = self._judge.judge(self._journal.ended())
        again = [
            identity
            for identity in self._subjects
            if any(name.variant == identity for name in verdict.to_confirm)
        ]
        if again:
            self._say(f"to be confirmed: {', '.join(str(name) for name in verdict.to_confirm)}")
            self._blocks.measure(confirmations(again, self._settings.rounds), self._subjects)
            self._journal.blocks = self._blocks.rows
            verdict = self._judge.judge(self._journal.ended())
        self._journal.verdict = verdict
        return verdict

    @property
    def ended_well(self) -> bool:
        """Whether the board worked to the end and there was something to measure on it."""
        return bool(self._subjects) and self._blocks.broken is None

    def earlier(self) -> list[Night]:
        """The nights of the board before this one."""
        return self._judge.earlier(night_of(self._journal.ended(), "tonight"))

    def close(self) -> None:
        """When the record has everything."""
        self._blocks.close()

    def _canary(self, first: Subject) -> Subject:
        """The image that is never rebuilt; at the first night on a board that of the first variant.

        Raises:
            UsageError: it is not whole.
        """
        board = self._journal.run[BOARD]
        folder = self._settings.canary(board)
        if not folder.exists():
            keep(first, folder, origin(first.id, self._journal))
            self._say(f"canary: from now on {first.id}'s image is that of {board}, never rebuilt ({folder})")
        return replace(read_kept(folder).subject, id=CANARY)

    def _tell_missing(self, slots: Sequence[Slot]) -> None:
        """A variant whose blocks are not all there has a fault: a night's value is the median of all."""
        there = self._blocks.of(slots)
        faults = [row.fault for row in there if row.fault]
        missing = len(slots) - len(there)
        broken = self._blocks.broken
        if not faults and not missing:
            return
        row = self._journal.rows[slots[0].subject]
        cause = faults[0] if faults or broken is None else f"the board broke before: {broken.message}"
        message = f"{missing + len(faults)} of {len(slots)} blocks were not measured, because {cause}"
        fault = Fault(broken.failure if broken else UsageError.failure, message)
        self._journal.rows[row.id] = replace(row, faults=[*row.faults, fault])


def origin(variant: str, journal: Journal) -> dict[str, str]:
    """Where an image comes from that is kept."""
    return {
        "variant": variant,
        "night": journal.run["id"],
        "kept": datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "commit": str(journal.code["commit"]) + (", with changes" if journal.code["dirty"] else ""),
    }
