"""What the host sends to an emulated board, kept where the board can look without having to wait."""

from __future__ import annotations

import os
import select
import threading
from pathlib import Path


class HostInput:
    """Copies what arrives at a pty's board end into a file that the board reads.

    The board's semihosting knows no look at a terminal that does not wait, but at the end of a file it comes
    back with nothing. So that it can wait too, a byte goes into a pipe after each addition to the file.

    Args:
        terminal: the pty's board end; stays the caller's.
        file: made here.

    Attributes:
        bell: the pipe's end for the board, the caller's to close. The copying ends when nobody has it open.
    """

    def __init__(self, terminal: int, file: Path) -> None:
        self.bell, self._ring = os.pipe()
        self._terminal = os.dup(terminal)
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        threading.Thread(target=self._copy, name="host input", daemon=True).start()

    def _copy(self) -> None:
        ready = select.poll()
        ready.register(self._terminal, select.POLLIN)
        ready.register(self._ring, 0)  # an error, once there is no reader
        try:
            while not any(handle == self._ring for handle, _ in ready.poll()):
                arrived = os.read(self._terminal, 4096)
                while arrived:
                    arrived = arrived[os.write(self._file, arrived) :]
                os.write(self._ring, b"\n")
        except OSError:
            pass  # the board or the terminal's other end is gone, or the disk is full: it hears no more
        finally:
            for handle in (self._terminal, self._file, self._ring):
                os.close(handle)
