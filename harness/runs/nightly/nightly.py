"""A night: what `earshot run` measures, then the blocks, the verdict, and its confirmation.

Everything is kept as soon as it is there: rows in the partial record, blocks in their file. A night that was
killed is taken up with the blocks that it has; none of them is measured again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.boards.board import Board
from harness.errors import BREAKING, EarshotError, UsageError
from harness.records.record import Fault, RunRecord
from harness.records.verdict import RunVerdict
from harness.report.pages.run import render_run
from harness.runs.journal import Journal
from harness.runs.night import Night
from harness.runs.nightly.markdown_summary import chat
from harness.runs.nightly.outcome import Outcome
from harness.runs.nightly.rounds import Rounds
from harness.runs.nightly.same_images import keep_images
from harness.runs.nightly.settings import Settings
from harness.runs.nightly.subjects import subjects_of
from harness.runs.nightly.verdict_files import write_text, write_verdict
from models.errors import ConfigError, UserFacingError


def nightly(night: Night, settings: Settings, say: Callable[[str], None]) -> Outcome:
    """Measures, judges and writes a night.

    Args:
        night: begun, or taken up again; its record becomes that of the night.
        settings: of the night.
        say: told one line about each step.

    Raises:
        UsageError, ConfigError: what was asked for is not there, or the baseline is not as it should be.
    """
    journal = night.journal
    with night.interruptible():
        rounds = Rounds(night.board, journal, settings, say)
        subjects = {}
        try:
            subjects = subjects_of(night, night.measure_all())
        except (UsageError, ConfigError):
            raise
        except (
            UserFacingError
        ) as failure:  # nothing was measured: a night must not go by without a record of that
            journal.fault = Fault(failure.failure, str(failure))
        rounds.measure(subjects, _broken(night))
        verdict = rounds.verdict()
    record, page = night.close()
    rounds.close()
    if rounds.ended_well:
        keep_images(settings, record, subjects)
    return _written(verdict, record, page)


def not_begun(
    failure: EarshotError, journal: Journal, board: Board, settings: Settings, say: Callable[[str], None]
) -> Outcome:
    """A night that could not even begin, as without the tools that know the board: red, and a record of it.

    Args:
        failure: why.
        journal: of the night, new.
        board: which would have been measured.
        settings: of the night.
        say: told one line about each step.
    """
    with board:
        try:
            journal.fault = Fault(failure.failure, str(failure))
            journal.write()
            verdict = Rounds(board, journal, settings, say).verdict()
            record = journal.end()
        finally:
            journal.let_go()
    return _written(verdict, record, render_run(record, journal.folder))


def _written(verdict: RunVerdict, record: RunRecord, page: Path) -> Outcome:
    text = chat(verdict)
    write_verdict(verdict, record, page.parent)
    write_text(text, page.parent)
    return Outcome(record, verdict, page, text, verdict.exit_code)


def _broken(night: Night) -> Fault | None:
    """What broke the board while it was checked."""
    if not night.broken:
        return None
    kinds = {kind.failure for kind in BREAKING}
    faults = (fault for row in night.journal.rows.values() for fault in row.faults)
    return next((fault for fault in faults if fault.failure in kinds), Fault("protocol", night.broken))
