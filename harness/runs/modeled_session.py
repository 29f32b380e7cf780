"""Sessions on boards with a modeled clock: functions of image, sound and board.

The store keeps them. So tasks measure ahead into the store, in any order, and the run takes each result in
its turn. What failed in a task fails in the run in the same way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from harness.firmware.firmware import Firmware
from harness.measure import conformance, listener, session
from harness.records.record import BoardRow
from harness.runs.request import Setup
from harness.sound import stimulus
from harness.sound.recording_scan import read_recordings
from harness.sound.recordings import Recording
from models import progress
from models.errors import UserFacingError
from models.scratch import ScratchFolder
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact


def stored_session(
    store: Store,
    board: BoardRow,
    firmware: Firmware,
    model: ModelArtifact,
    recordings: Sequence[Recording],
    make: Callable[[Path], None],
) -> Path:
    """Return the folder of a session, measured by `make` if the store does not have it."""
    inputs = {
        "image": firmware.image,
        "model": model.path,
        "board": board,
        "recordings": [
            [each.word, each.label, each.source, sha256(each.samples.tobytes()).hexdigest()]
            for each in recordings
        ],
    }
    code = (session, listener, conformance, stimulus)
    return store.build("session", inputs, make, code, f"measure on {board.name}")


def measure_ahead(setup: Setup, board: BoardRow, store: Store, model: ModelArtifact) -> None:
    """Build and measure a model into the store, in a process that has the setup for itself."""
    recordings = read_recordings(setup.recordings, model.labels).recordings
    sound = stimulus.compose(recordings)
    with (
        progress.about(model.id),
        contextlib.closing(setup.board),
        ScratchFolder("ahead") as scratch,
        contextlib.suppress(UserFacingError),
    ):
        if setup.board.describe().uid != board.uid:
            return  # another compiler or QEMU
        firmware = setup.build(model, lambda: scratch / "arena.log", store=store)

        def make(target: Path) -> None:
            session.measure(setup.board, firmware, model, recordings, sound, target, setup.bench)

        stored_session(store, board, firmware, model, recordings, make)
