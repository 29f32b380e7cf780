"""Locks shared by all processes and users of this host: one user per board, one upload at a time.

The locks are advisory (flock): the kernel releases one when its holder ends, however it ends. The file stays
and names the holder; removing it would let two processes hold "the same" lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shlex
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from harness.errors import BoardNotFound
from harness.files import file_name
from harness.link.deadline import Deadline
from models import progress

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


@contextmanager
def board_lock(serial_number: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock of one board; workers of one pytest-xdist run wait for each other (`WORKERS_WAIT_S`).

    Args:
        serial_number: or another name of the board that all its users give.
        wait_s: longest wait for another user, who is named to the display meanwhile.

    Raises:
        BoardNotFound: another user holds the lock, or its file cannot be used.
    """
    workers_wait_s = max(wait_s, WORKERS_WAIT_S)
    name = file_name(serial_number.casefold())
    with _held(f"board-{name}", f"board {serial_number}", wait_s, workers_wait_s):
        yield


@contextmanager
def upload_lock() -> Iterator[None]:
    """Hold the lock of uploads: arduino-cli takes the first new port of the host for its board's.

    Raises:
        BoardNotFound: the uploads of others took too long (`UPLOAD_WAIT_S`), or the file cannot be used.
    """
    with _held("upload", "the upload of this host", UPLOAD_WAIT_S, UPLOAD_WAIT_S):
        yield


@contextmanager
def _held(name: str, title: str, wait_s: float, workers_wait_s: float) -> Iterator[None]:
    """Hold a lock by name; two uses of one name exclude each other, in one process too.

    Args:
        name: name of the file.
        title: name of the locked thing, for messages.
        wait_s: longest wait.
        workers_wait_s: longest wait if the holder is another worker of the same pytest-xdist run.
    """
    path = _folder() / f"earshot-{name}.lock"
    descriptor = _open(path)
    try:
        grace, patience = Deadline(max(wait_s, _GRACE_S)), Deadline(workers_wait_s)
        named = None
        while not _try(descriptor):
            holder = _read(descriptor)
            if holder and holder != named and wait_s:
                progress.log(f"waiting up to {wait_s:.0f} s for {title}: {holder}")
                named = holder
            # Waiting for the own worker, which may be the parent process, would never end.
            is_other_worker = holder and holder.run and holder.run == _run() and holder.worker != _worker()
            if grace.expired and not (is_other_worker and not patience.expired):
                raise BoardNotFound(
                    f"{title} is in use" + (f", also after a wait of {wait_s:.0f} s" if wait_s else ""),
                    where=str(holder or path),
                    remedy=f"Wait for it (--wait SECONDS), or end it: kill {holder.pid}"
                    if holder
                    else f"`fuser {path}` tells by whom.",
                )
            time.sleep(_POLL_S)
        _write(descriptor, json.dumps(asdict(_myself())))
        yield
        _write(descriptor, "")
    finally:
        os.close(descriptor)


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


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(descriptor: int, holder: str) -> None:
    """Write the holder's name; the lock works without it, so a full disk is no failure."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)


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
