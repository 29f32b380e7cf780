"""What a night was asked for: enough to begin it, and, kept in its record, to take it up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.bench_file import find_bench
from harness.boards.board import Board
from harness.boards.registry import board_of, engine_name
from harness.errors import EarshotError, UsageError
from harness.regression.from_record import A_A, NIGHTLY
from harness.runs.journal import OPTIONS, begin, read_interrupted
from harness.runs.nightly.a_a import a_a_night
from harness.runs.nightly.nightly import nightly, not_begun
from harness.runs.nightly.outcome import Outcome
from harness.runs.nightly.settings import Settings
from harness.runs.plan import BOARD, Plan, plan_of

_NIGHTLY = "nightly"


@dataclass(frozen=True)
class NightlyPlan:
    """What a night was asked for.

    Attributes:
        plan: models, board, engine, bench.
        settings: how it is measured and judged.
        same_images: whether those of the last night are measured again, and nothing else.
    """

    plan: Plan
    settings: Settings
    same_images: bool = False

    def begin(self, output: Path, say: Callable[[str], None]) -> Outcome:
        """A new night, from its beginning to its end.

        Raises:
            UsageError: there is no such board, engine or variant, or the baseline is not as it should be.
            ConfigError: the bench file is not as it should be.
        """
        also = {_NIGHTLY: _as_json(self.settings)}
        if self.same_images:
            return self._a_a(output, say, options=self.plan.as_text(also))
        try:
            night = self.plan.begin(output, say, NIGHTLY, also)
        except UsageError:
            raise
        except EarshotError as failure:
            board, about = self._board()
            journal = begin(output, board.describe(), self.plan.as_text(also), {**about, "kind": NIGHTLY})
            return not_begun(failure, journal, board, self.settings, say)
        return nightly(night, self.settings, say)

    def take_up(self, folder: Path, say: Callable[[str], None]) -> Outcome:
        """An interrupted night, to its end.

        Raises:
            UsageError: see `harness.runs.journal.take_up`.
        """
        if self.same_images:
            return self._a_a(folder.parents[1], say, interrupted=folder)
        return nightly(self.plan.take_up(folder, say), self.settings, say)

    def _a_a(self, output: Path, say: Callable[[str], None], **how: Any) -> Outcome:
        board, about = self._board()
        return a_a_night(board, self.settings, output, say, about, **how)

    def _board(self) -> tuple[Board, dict[str, str]]:
        """The board that is measured, and what the record says of it."""
        entry = self.plan.entry()
        about = {BOARD: entry.name, "engine": engine_name(entry, self.plan.engine)}
        return board_of(entry, find_bench(self.plan.bench)), about


def is_nightly(folder: Path) -> bool:
    """Whether an interrupted run is one of these nights.

    Raises:
        UsageError: there is no run, or it has ended.
    """
    return read_interrupted(folder).run.get("kind") in (NIGHTLY, A_A)


def nightly_plan_of(folder: Path) -> NightlyPlan:
    """The plan of an interrupted night.

    Raises:
        UsageError: there is none, it has ended, or its record does not say what it was asked for.
    """
    plan, run = plan_of(folder), read_interrupted(folder).run
    try:
        settings = _from_json(json.loads(run[OPTIONS])[_NIGHTLY])
    except (ValueError, KeyError, TypeError) as problem:
        raise UsageError(
            "this night's record does not say what it was asked for",
            where=str(folder),
            remedy="Begin a new one with `earshot nightly`.",
        ) from problem
    return NightlyPlan(plan, settings, run["kind"] == A_A)


def _as_json(settings: Settings) -> dict[str, Any]:
    return {
        "baselines": str(settings.baselines.resolve()),
        "kept": str(settings.kept.resolve()),
        "history": [str(folder.resolve()) for folder in settings.history],
        "rounds": settings.rounds,
        "samples": settings.samples,
    }


def _from_json(kept: dict[str, Any]) -> Settings:
    return Settings(
        baselines=Path(kept["baselines"]),
        kept=Path(kept["kept"]),
        history=tuple(Path(folder) for folder in kept["history"]),
        rounds=kept["rounds"],
        samples=kept["samples"],
    )
