"""The search for QEMU."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from harness.errors import UploadFailed

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
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, errors="replace")
    if answer.returncode != 0:
        raise UploadFailed(
            f"{COMMAND} does not run",
            command=f"{COMMAND} --version",
            returncode=answer.returncode,
            stderr_tail=answer.stderr[-500:],
            remedy=_INSTALL,
        )
    words = answer.stdout.split()
    return Qemu(path, f"QEMU {words[words.index('version') + 1]}" if "version" in words else "QEMU")
