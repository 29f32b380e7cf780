"""Field segments on boards with a modeled clock, played by tasks before the run takes them from the store.

Such a segment depends on image, board and sound alone: each starts the emulator anew.
"""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from harness.bench_file import Bench
from harness.boards.board import Board
from harness.firmware.firmware import Firmware
from harness.measure.retry import Retries
from harness.runs.field.host import Host
from harness.runs.field.paths import FieldPaths
from harness.runs.field.playing import Player, read_facts
from harness.sound.playback_plan import read_plan
from models import progress
from models.errors import UserFacingError
from models.scratch import ScratchFolder
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

_read_plan = functools.lru_cache(maxsize=1)(read_plan)  # once in a process


def play_ahead(
    board: Board,
    bench: Bench,
    firmware: Firmware,
    model: ModelArtifact,
    plan_file: Path,
    number: int,
    store: Store,
    everything: bool,
) -> None:
    """Play a segment and score it on the host, into the store; keep quiet about a failure.

    See `Player` and `Host`; `plan_file` is in the store, `number` is the segment's.
    """
    with (
        progress.about(model.id),
        contextlib.closing(board),
        ScratchFolder("ahead") as scratch,
        contextlib.suppress(UserFacingError),
    ):
        plan, paths = _read_plan(plan_file), FieldPaths(scratch)
        segment = next(each for each in plan.segments if each.number == number)
        Player(board, firmware, model, plan, bench, paths, store, Retries()).play(segment)
        facts = read_facts(paths, model.id, number)
        assert facts is not None  # `play` has written them
        Host(model, plan, paths, store, everything).listen(segment, facts)
