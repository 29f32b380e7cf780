"""A night: what `earshot run` measures, then the blocks, the verdict, and its confirmation.

Everything is kept as soon as it is there: rows in the partial record, blocks in their file. A night that was
killed is taken up with the blocks that it has; none of them is measured again.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.errors import BREAKING, UsageError
from harness.nightly.chat import chat
from harness.nightly.outcome import Outcome
from harness.nightly.rounds import Rounds
from harness.nightly.same_images import keep_images
from harness.nightly.settings import Settings
from harness.nightly.subjects import subjects_of
from harness.nightly.verdict_files import write_text, write_verdict
from harness.results.record import Fault
from harness.run.night import Night
from models.errors import ConfigError, Explained


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
        except Explained as failure:  # nothing was measured: a night must not go by without a record of that
            journal.fault = Fault(failure.failure, str(failure))
        rounds.measure(subjects, _broken(night))
        verdict = rounds.verdict()
    record, page = night.close()
    rounds.close()
    text = chat(verdict)
    write_verdict(verdict, record, night.folder)
    write_text(text, night.folder)
    if rounds.ended_well:
        keep_images(settings, record, subjects)
    return Outcome(record, verdict, page, text, verdict.exit_code)


def _broken(night: Night) -> Fault | None:
    """What broke the board while it was checked."""
    if not night.broken:
        return None
    kinds = {kind.failure for kind in BREAKING}
    faults = (fault for row in night.journal.rows.values() for fault in row.faults)
    return next((fault for fault in faults if fault.failure in kinds), Fault("protocol", night.broken))
