"""Temporary folders that a killed process leaves only until the next one is made."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

_SUFFIX = ".tmp"


class ScratchFolder:
    """A folder for temporary files, removed by `close`; made after those of dead processes are removed.

    Its process holds a lock on the folder, which the kernel releases however the process ends.

    Args:
        what: purpose, a part of the folder's name.
        place: folder to make it in, made if needed; that for temporary files if left out.

    Attributes:
        path: of the folder.
    """

    def __init__(self, what: str, place: Path | None = None) -> None:
        place = place or Path(tempfile.gettempdir())
        place.mkdir(parents=True, exist_ok=True)
        for leftover in place.glob(f"earshot-*{_SUFFIX}"):
            with contextlib.suppress(OSError):  # in use, another user's, or on a file system without locks
                os.close(_locked(leftover))
                shutil.rmtree(leftover, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=f"earshot-{what}-", dir=place))
        self._lock: int | None = None
        with contextlib.suppress(OSError):
            self._lock = _locked(made)
        self.path = made.rename(f"{made}{_SUFFIX}")  # locked before another process looks for it

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(folder: Path) -> int:
    """Lock a folder; raises OSError if another process has it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle
