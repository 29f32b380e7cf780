"""What a client of a board needs of a connection: lines out, lines in, with deadlines."""

from __future__ import annotations

from typing import Protocol

from harness.link.deadline import Deadline
from harness.link.transcript import TimedLine


class Link(Protocol):
    """A connection to one board."""

    @property
    def name(self) -> str:
        """The port, for messages."""

    def write(self, data: bytes) -> None:
        """Sends bytes; raises `BoardNotFound` or `ProtocolError` when they cannot be sent."""

    def next_line(self, deadline: Deadline) -> TimedLine:
        """The next line from the board, in order, none left out.

        Raises:
            ProtocolError: no line before the deadline.
            BoardNotFound: the connection is gone.
        """

    def close(self) -> None:
        """Gives the port back; a second call does nothing."""
