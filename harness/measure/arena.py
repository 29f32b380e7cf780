"""How much memory an interpreter takes on the board that it runs on: by its boot record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.boards.board import Board
from harness.errors import BoardNotFound, UploadFailed
from harness.firmware.firmware import Firmware

_RETRIES = 2  # of what can fail for the host's USB


def arena_used(board: Board, firmware: Firmware, folder: Path, say: Callable[[str], None]) -> int:
    """Runs an image whose arena is large enough, and asks how much of it was used, bytes.

    Args:
        board: will run this image from now on.
        firmware: the image.
        folder: takes a transcript of each attempt.
        say: told of each attempt that has to be repeated.

    Raises:
        EarshotError: the board cannot be uploaded to or does not answer; uploads are tried three times.
    """
    failures = 0
    while True:
        try:
            board.upload(firmware)
            return board.open(folder / f"{failures + 1}.log").handshake(firmware).arena_bytes
        except (UploadFailed, BoardNotFound) as failure:
            failures += 1
            if failures > _RETRIES:
                raise
            say(f"{firmware.variant_id}: uploaded again after {failure}")
