"""Builds whose arena is as large as the board uses of it, measured by a run of a first image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.boards.board import Board
from harness.firmware.engine import ArenaUse, Engine
from harness.firmware.firmware import Firmware
from harness.firmware.stage import Instrument
from harness.measure.retry import Retries
from harness.recognizer import DEFAULT, Recognizer
from models import progress
from models.errors import located
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact


def build_sized(
    board: Board,
    model: ModelArtifact,
    engine: Engine,
    store: Store,
    new_log: Callable[[], Path],
    recognizer: Recognizer = DEFAULT,
    instrument: Instrument = "",
) -> Firmware:
    """Build a model's image with the engine of `sized_engine`; see `Board.build`."""
    sized = sized_engine(board, model, engine, store, new_log, recognizer)
    with progress.about(model.id), located(model.name):
        return board.build(model, sized, recognizer, instrument)


def sized_engine(
    board: Board,
    model: ModelArtifact,
    engine: Engine,
    store: Store,
    new_log: Callable[[], Path],
    recognizer: Recognizer = DEFAULT,
) -> Engine:
    """Return the engine with the arena that a model needs; run a first image if only the board can tell.

    Args:
        new_log: returns a path for the transcript of a first image, and raises an EarshotError if the board
            is not to be used.

    Raises:
        BuildFailed: the image cannot be built, or the model does not start.
        EarshotError: the board cannot be reached.
    """

    def measure(first: Engine) -> ArenaUse:
        log = new_log()
        firmware = board.build(model, first, recognizer)

        def attempt() -> ArenaUse:
            board.upload(firmware)
            device = board.open(log)
            return ArenaUse(device.handshake(firmware).arena_bytes, device.printed)

        return Retries(board.recover).run(f"{model.id}, arena", attempt, [log])

    with progress.about(model.id), located(model.name):
        return engine.sized_for(model.tflite, board.name, store, measure)
