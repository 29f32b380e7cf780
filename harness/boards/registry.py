"""The boards there are: adding one is its class and one line here."""

from __future__ import annotations

from harness.boards.board import Board
from harness.boards.emulated import EmulatedBoard
from harness.errors import UsageError

BOARDS: dict[str, type[Board]] = {
    "emulated": EmulatedBoard,
}
"""Board classes by the name that `--board` takes."""


def make_board(name: str) -> Board:
    """A board by its name, not started yet.

    Raises:
        UsageError: no board has this name.
    """
    if name not in BOARDS:
        raise UsageError(f"there is no board {name!r}", remedy=f"Choose one of: {', '.join(BOARDS)}.")
    return BOARDS[name]()
