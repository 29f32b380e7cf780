"""A night's record held against the nights before it and the board's baseline."""

from __future__ import annotations

from collections.abc import Callable

from harness.records.record import RunRecord
from harness.records.verdict import RunVerdict
from harness.regression.baseline import read_baseline
from harness.regression.from_record import night_of
from harness.regression.history import read_history
from harness.regression.nights import Night
from harness.regression.verdict import judge
from harness.runs.nightly.settings import Settings


class Judge:
    """Judges a night, once and after its confirmations a second time.

    Args:
        settings: where history and baselines are.
        board: its name on the bench.
        say: told of records that are left out.

    Raises:
        UsageError: the baseline's file is not as it should be.
    """

    def __init__(self, settings: Settings, board: str, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self._baseline = read_baseline(settings.baselines / f"{board}.toml")
        self._nights: list[Night] | None = None

    def judge(self, record: RunRecord) -> RunVerdict:
        """The verdict on a record that is not among the history."""
        night = night_of(record, digest="tonight")
        return judge(night, self.earlier(night), self._baseline)

    def earlier(self, night: Night) -> list[Night]:
        """The other nights of the same board, by its name or its identity."""
        if self._nights is None:
            folders = [folder for folder in self._settings.history if folder.exists()]
            history = read_history(folders, boards=(night.board, night.uid))
            for left_out in history.left_out:
                if left_out.path not in folders:  # the first night has no history yet
                    self._say(left_out.sentence)
            self._nights = list(history.nights)
        return [other for other in self._nights if other.id != night.id]
