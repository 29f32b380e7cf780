"""Python and ONNX Runtime for aarch64, of Debian's packages and PyPI's wheels, run by qemu-user."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from harness.boards.small_linux import wheels
from harness.errors import Unsupported

_PACKAGES = ("python3", "libstdc++6")
_QEMU = "qemu-user-static"


def aarch64_python(folder: Path) -> tuple[str, str]:
    """Download and unpack all parts into a folder; skip the test where they are not to be had.

    Returns:
        A command of the shell for Python, and the same with NumPy and ONNX Runtime.
    """
    if missing := [name for name in ("apt-get", "dpkg-deb") if not shutil.which(name)]:
        pytest.skip(f"{missing[0]} is missing: the packages are Debian's")
    for name in ("state/lists/partial", "cache/archives/partial", "packages", "root", "qemu"):
        (folder / name).mkdir(parents=True)
    foreign = [
        "-oAPT::Architecture=arm64",
        "-oAPT::Architectures=arm64",
        f"-oDir::State={folder}/state",
        f"-oDir::Cache={folder}/cache",
        "-oDir::State::status=/dev/null",
        "-oAPT::Sandbox::User=root",
        "-oAcquire::Languages=none",
        "-oDebug::NoLocking=true",
    ]
    _run("apt-get", *foreign, "update")
    _run("apt-get", *foreign, "install", "--download-only", "--no-install-recommends", "-y", *_PACKAGES)
    for package in (folder / "cache/archives").glob("*.deb"):
        _run("dpkg-deb", "-x", package, folder / "root")
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if not qemu:
        _run("apt-get", "-oAPT::Sandbox::User=root", "download", _QEMU, at=folder)
        for package in folder.glob("*.deb"):
            _run("dpkg-deb", "-x", package, folder / "qemu")
        qemu = f"{folder}/qemu/usr/bin/qemu-aarch64-static"
    interpreter = (folder / "root/usr/bin/python3").resolve()
    try:
        wheels.fill(interpreter.name.removeprefix("python"), "aarch64")
    except Unsupported as failure:
        pytest.skip(str(failure))
    for wheel in wheels.kept(interpreter.name.removeprefix("python"), "aarch64"):
        zipfile.ZipFile(wheel).extractall(folder / "packages")
    command = f"{qemu} -L {folder}/root"
    return f"{command} {interpreter}", f"{command} -E PYTHONPATH={folder}/packages {interpreter}"


def _run(*command: str | Path, at: Path | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=at)
    if done.returncode:
        pytest.skip(f"no packages for aarch64: {' '.join(done.stderr.split()[-20:])}")
