"""The lock of a board, as tests see it."""

from __future__ import annotations

from harness.boards.locks import board_lock
from harness.errors import BoardNotFound


def is_free(serial_number: str) -> bool:
    """Tell if nobody holds a board's lock."""
    try:
        with board_lock(serial_number):
            return True
    except BoardNotFound:
        return False
