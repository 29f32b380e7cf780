"""The interpreter's arena, as large as the board says: measured once for a model and a library."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.errors import BuildFailed, DoesNotFit
from harness.firmware.engine import Engine
from harness.firmware.tflite_model import read_tflite
from harness.firmware.tflm import TflmEngine
from harness.firmware.tflm.estimate import MOST_ARENA_BYTES, least_arena, planning_margin, rounded_up
from models.store import Store

_FACTS = "arena.json"


def with_measured_arena(
    engine: Engine, tflite: Path, board: str, store: Store, measure: Callable[[Engine], int]
) -> Engine:
    """An engine that guesses nothing: `tflm` with the arena that this model needs, any other as it is.

    Args:
        engine: as it was asked for.
        tflite: the model.
        board: name of the kind of board; another processor may lay out the interpreter's records otherwise.
        store: where it is kept what a board has told.
        measure: builds with the engine it is given, runs that on the board, and returns `arena_bytes` of its
            boot record. Called only when it is not known yet.

    Raises:
        BuildFailed: no library, an operator that it lacks, or the interpreter does not take the model.
        DoesNotFit: the board's memory is too small for the interpreter with this model.
        EarshotError: whatever `measure` raises.
    """
    if not isinstance(engine, TflmEngine) or engine.arena_bytes is not None:
        return engine

    def make(folder: Path) -> None:
        used = measure(engine)
        if used == 0:
            raise _not_started(tflite)
        (folder / _FACTS).write_text(json.dumps({"used_bytes": used}))

    inputs = {"model": tflite, "library": engine.library.fingerprint, "board": board}
    folder = store.build("arena", inputs, make, code=[*engine.code])
    used = json.loads((folder / _FACTS).read_text())["used_bytes"]
    return replace(engine, arena_bytes=rounded_up(used + planning_margin(read_tflite(tflite))))


def _not_started(tflite: Path) -> BuildFailed:
    least = least_arena(read_tflite(tflite))
    if least > MOST_ARENA_BYTES:
        return DoesNotFit("ram", least, MOST_ARENA_BYTES, where=f"the arena of {tflite}")
    return BuildFailed(
        "the interpreter does not take this model",
        where=str(tflite),
        remedy="Read in the transcript what it says; another version of the library may take it.",
    )
