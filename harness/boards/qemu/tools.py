"""The search for QEMU."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.errors import UploadFailed
from harness.firmware.toolchain import ask

COMMAND = "qemu-system-arm"
_INSTALL = "Install it: apt-get install qemu-system-arm"


@dataclass(frozen=True)
class Qemu:
    """The emulator on this machine; `version` is such as "QEMU 7.2.22"."""

    path: str
    version: str


def find_qemu() -> Qemu:
    """Return the emulator; raises UploadFailed if it is not installed or does not run."""
    path = shutil.which(COMMAND)
    if path is None:
        raise UploadFailed(f"{COMMAND} is not installed", remedy=_INSTALL)
    return _asked(path, Path(path).stat().st_mtime_ns)


@cache  # each upload and each description of a board needs it
def _asked(path: str, changed_ns: int) -> Qemu:
    """Ask QEMU for its version; another time of change is another program."""
    answer = ask(path, "--version")
    words = answer.stdout.split()
    if answer.returncode != 0 or "version" not in words[:-1]:
        raise UploadFailed(
            f"{COMMAND} does not run" if answer.returncode else f"{COMMAND} names no version",
            command=f"{COMMAND} --version",
            returncode=answer.returncode,
            stderr_tail=answer.stderr[-500:],
            remedy=_INSTALL,
        )
    return Qemu(path, f"QEMU {words[words.index('version') + 1]}")
