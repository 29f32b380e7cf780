"""Locks shared by all processes and users of this host: one user per board, one upload at a time.

The locks are advisory (flock): the kernel releases one when its holder ends, however it ends. The file stays
and names the holder; removing it would let two processes hold "the same" lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import shlex
import stat
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from harness.errors import BoardNotFound
from harness.link.deadline import Deadline

UPLOAD_WAIT_S = 10 * 60.0
"""Longest wait of an upload for others: several boards' worth of uploads."""

WORKERS_WAIT_S = 60 * 60.0
"""Longest wait of a pytest-xdist worker for another one of its run: a board's whole session."""

_EVERYBODY = 0o666
_STICKY_FOR_ALL = 0o1777
_GRACE_S = 0.3  # for a holder that has not written its name yet
_POLL_S = 0.05
_COMMAND_CHARACTERS = 200
_HOLDER_BYTES = 4096

_Lock = TypeVar("_Lock", bound="_HostLock")


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock.

    Attributes:
        command: its command line.
        since: local time with zone, such as "2026-11-20 14:31:28+00:00".
        run: pytest-xdist's run id; "" outside pytest-xdist.
        worker: pytest-xdist's worker, such as "gw0"; inherited by child processes.
    """

    pid: int
    user: str
    command: str
    since: str
    run: str = ""
    worker: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} of {self.user} since {self.since}: `{self.command}`"


class _HostLock:
    """A lock by name, not held yet; two objects of one name exclude each other.

    Args:
        name: name of the file.
        title: name of the locked thing, for messages.
        wait_s: longest wait of `acquire`.
        workers_wait_s: longest wait if the holder is another worker of the same pytest-xdist run.
    """

    def __init__(self, name: str, title: str, wait_s: float, workers_wait_s: float = 0.0) -> None:
        self._path = _folder() / f"earshot-{name}.lock"
        self._title = title
        self._wait_s = wait_s
        self._workers_wait_s = workers_wait_s
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take the lock; do nothing if this object holds it.

        Raises:
            BoardNotFound: another process holds the lock, or its file cannot be used.
        """
        if self.held:
            return
        descriptor = _open(self._path)
        try:
            self._wait(descriptor)
            _write(descriptor, _myself())
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            _write(self._descriptor, None)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self: _Lock) -> _Lock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _wait(self, descriptor: int) -> None:
        grace = Deadline(_GRACE_S)
        patience, patience_with_workers = Deadline(self._wait_s), Deadline(self._workers_wait_s)
        while not _try(descriptor, fcntl.LOCK_EX):
            holder = _read(descriptor)
            is_other_worker = (
                holder is not None
                and holder.run != ""
                and holder.run == _run()
                and holder.worker != _worker()  # waiting for oneself would never end
            )
            if (
                grace.expired
                and patience.expired
                and not (is_other_worker and not patience_with_workers.expired)
            ):
                raise self._busy(holder)
            time.sleep(_POLL_S)

    def _busy(self, holder: Holder | None) -> BoardNotFound:
        if holder is None:
            return BoardNotFound(
                f"{self._title} is in use",
                where=str(self._path),
                remedy=f"`fuser {self._path}` tells by whom.",
            )
        return BoardNotFound(
            f"{self._title} is in use",
            where=str(holder),
            remedy=f"Wait until it ends, or end it: kill {holder.pid}",
        )


class BoardLock(_HostLock):
    """The lock of one board; workers of one pytest-xdist run wait for each other (`WORKERS_WAIT_S`)."""

    def __init__(self, serial_number: str, wait_s: float = 0.0) -> None:
        super().__init__(_board(serial_number), f"board {serial_number}", wait_s, WORKERS_WAIT_S)


class UploadLock(_HostLock):
    """The lock of uploads: arduino-cli takes the first new port of the host for its board's."""

    def __init__(self, wait_s: float = UPLOAD_WAIT_S) -> None:
        super().__init__("upload", "the upload of this host", wait_s, UPLOAD_WAIT_S)


def _board(serial_number: str) -> str:
    return f"board-{re.sub('[^A-Za-z0-9.-]', '_', serial_number)[:100]}"


def _folder() -> Path:
    """Return the folder of locks, the same for every user of this host."""
    run_lock = Path("/run/lock")  # Debian's, emptied at boot; /tmp has cleaners that remove old files
    with suppress(OSError):
        if stat.S_IMODE(run_lock.stat().st_mode) == _STICKY_FOR_ALL:
            return run_lock
    return Path("/tmp")


def _open(path: Path) -> int:
    """Open the file, or create it for everybody.

    In a sticky folder Linux (fs.protected_regular) refuses O_CREAT for a file of another user, even to root:
    an existing file is opened without it, and a new one is created with O_EXCL.
    """
    while True:
        try:
            with suppress(FileNotFoundError):
                return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            with suppress(FileExistsError):
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _EVERYBODY)
                os.fchmod(descriptor, _EVERYBODY)  # whatever the umask
                return descriptor
        except OSError as problem:
            raise BoardNotFound(
                "a lock of this host cannot be used",
                where=str(problem),
                remedy=f"Make {path} a file that everybody can read and write: chmod 666 {path}",
            ) from problem


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(descriptor: int, holder: Holder | None) -> None:
    """Write the holder's name; the lock works without it, so a full disk is no failure."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        if holder:
            os.pwrite(descriptor, json.dumps(asdict(holder)).encode(), 0)


def _read(descriptor: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(descriptor, _HOLDER_BYTES, 0)))
    except (ValueError, TypeError):  # not written yet, or by another version
        return None


def _myself() -> Holder:
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"user {os.getuid()}"
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])[:_COMMAND_CHARACTERS]
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    return Holder(os.getpid(), user, command, since, _run(), _worker())


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "")


def _run() -> str:
    """Return the id of the pytest-xdist run; "" outside pytest-xdist."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID", "") if "PYTEST_XDIST_WORKER" in os.environ else ""
