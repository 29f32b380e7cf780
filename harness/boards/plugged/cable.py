"""The cable between host and board: a pty that comes and goes as a USB serial port does."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import tty
from pathlib import Path

_HELD_BYTES = 1 << 16  # on the way to a host that reads slowly; then the board has to wait, as on USB


class Cable:
    """At most one port at a time, a link such as `ttyACM0` in a folder, and a link `by-id` to the same.

    As on USB, what the board sends while no program has the port open is gone, and a program that has it
    open when it vanishes is told so by its next read or write.

    Args:
        folder: where the port's name appears.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._by_id = folder, folder / "by-id"
        self._number = -1
        self._to_host = b""
        self.master: int | None = None
        self.port: Path | None = None

    def plug(self, same_name: bool = False) -> None:
        """Let the port appear, by default under another name than before.

        Args:
            same_name: keeps the name it had.
        """
        if not same_name or self._number < 0:
            self._number = (self._number + 1) % 2
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        tty.setraw(slave)
        self.port = self._folder / f"ttyACM{self._number}"
        for link in (self.port, self._by_id):
            link.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self) -> None:
        """Let the port vanish, whoever has it open; without a port do nothing."""
        if self.master is None:
            return
        assert self.port is not None
        self.port.unlink()
        self._by_id.unlink()
        os.close(self.master)
        self.master = self.port = None
        self._to_host = b""

    @property
    def is_open(self) -> bool:
        if self.master is None:
            return False
        poll = select.poll()
        poll.register(self.master, select.POLLIN)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))

    @property
    def is_full(self) -> bool:
        return len(self._to_host) >= _HELD_BYTES

    @property
    def wants_to_send(self) -> bool:
        return bool(self._to_host)

    def send(self, data: bytes) -> None:
        """Pass bytes of the board on to the host as soon as it takes them."""
        if not self.is_open:
            self._to_host = b""
            return
        assert self.master is not None
        self._to_host += data
        with contextlib.suppress(BlockingIOError):
            self._to_host = self._to_host[os.write(self.master, self._to_host) :]

    def receive(self) -> bytes:
        """Return what the host has sent; empty if nothing, or if no program has the port open."""
        if self.master is None:
            return b""
        try:
            return os.read(self.master, 4096)
        except OSError:  # EIO: nobody has it open; EAGAIN: nothing there
            return b""
