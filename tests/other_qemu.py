"""Other builds and modes of QEMU than the installed one, for tests of the cycle model."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from harness.boards.qemu.tools import COMMAND, Qemu, find_qemu

_PACKAGES = ("qemu-system-arm", "qemu-system-common", "qemu-system-data")
_SUITE = "bookworm-backports"
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
_FOLDER = Path(tempfile.gettempdir()) / f"earshot-tests-{os.getuid()}"


def one_instruction_per_block(folder: Path) -> Qemu:
    """Return the installed QEMU, made to cut straight code after every instruction."""
    qemu = find_qemu()
    old = qemu.version.startswith(("QEMU 7.", "QEMU 8.0"))
    option = "-singlestep" if old else "-accel tcg,one-insn-per-tb=on"
    return _script(folder / COMMAND, f"{qemu.path} {option}", qemu.version)


@cache
def newer_qemu() -> Qemu:
    """Return Debian's backported QEMU 10, unpacked beside the installed one; skip where it cannot be had."""
    folder = _FOLDER / _SUITE
    _FOLDER.mkdir(exist_ok=True)
    with FileLock(_FOLDER / f"{_SUITE}.lock"):
        if not (folder / "root").exists():
            try:
                _download(folder)
            except (OSError, subprocess.SubprocessError) as problem:
                shutil.rmtree(folder, ignore_errors=True)
                pytest.skip(f"{_SUITE} cannot be downloaded: {problem}")
        qemu = folder / "root/usr/bin" / COMMAND
        answer = subprocess.run([qemu, "--version"], capture_output=True, text=True)
        if answer.returncode:
            pytest.skip(f"the backported QEMU does not run here: {answer.stderr.strip()[:200]}")
        version = answer.stdout.split("version ")[1].split()[0]
        return _script(folder / COMMAND, f"{qemu} -L {folder}/root/usr/share/qemu", f"QEMU {version}")


def _script(path: Path, command: str, version: str) -> Qemu:
    if not path.exists():  # another process may be running it
        path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        path.chmod(0o755)
    return Qemu(str(path), version)


def _download(folder: Path) -> None:
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    sources.write_text(
        "".join(
            f"deb [signed-by={_KEYS}] http://deb.debian.org/debian {suite} main\n"
            for suite in (_SUITE, "bookworm")
        )
    )
    apt = ["apt-get", "-qq"]
    for name, value in {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
    }.items():
        apt += ["-o", f"{name}={value}"]
    run = {"cwd": folder, "check": True, "capture_output": True, "timeout": 300}
    subprocess.run([*apt, "update"], **run)
    subprocess.run([*apt, "download", *(f"{name}/{_SUITE}" for name in _PACKAGES)], **run)
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, folder / "unpacking"], **run)
    (folder / "unpacking").rename(folder / "root")
