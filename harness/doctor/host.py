"""Checks of the host: Python, packages, compilers, the emulator, GPU, disk."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

from harness.boards.qemu.clock import TimingParameters, choose_clock
from harness.boards.qemu.tools import find_qemu
from harness.doctor import Finding
from harness.errors import EarshotError
from harness.layout import store_root
from models.store import Store


@dataclass(frozen=True)
class _Tool:
    command: str
    package: str
    purpose: str


_TOOLS = (
    _Tool(
        "arm-none-eabi-g++",
        "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib",
        "firmware",
    ),
    _Tool("qemu-system-arm", "qemu-system-arm", "the emulated board"),
    _Tool("gcc", "gcc", "the emulated board's cycle model"),
    _Tool("espeak-ng", "espeak-ng", "the synthetic corpus (not needed with --dataset)"),
)


def examine_host() -> list[Finding]:
    """Check everything that a run on the emulated board needs."""
    return [_python(), *(_tool(tool) for tool in _TOOLS), _cycle_model(), _packages(), _gpu(), _disk()]


def _python() -> Finding:
    remedy = "Use Python 3.11: TensorFlow 2.15 has no later wheels (make run PYTHON=python3.11)."
    supported = sys.version_info[:2] == (3, 11)
    return Finding("Python", True, platform.python_version(), "" if supported else remedy)


def _tool(tool: _Tool) -> Finding:
    remedy = f"apt-get install {tool.package}"
    path = shutil.which(tool.command)
    if path is None:
        return Finding(tool.command, True, f"for {tool.purpose}", remedy)
    try:
        version = next(iter(_output(path, "--version")), "")
    except (OSError, subprocess.SubprocessError) as problem:
        return Finding(tool.command, True, f"does not run: {problem}", f"Reinstall it: {remedy}")
    return Finding(
        tool.command, True, version or "names no version", "" if version else f"Reinstall it: {remedy}"
    )


def _output(*command: str) -> list[str]:
    """Run a command and return the lines of its output."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=20, check=True)
    return done.stdout.splitlines()


def _cycle_model() -> Finding:
    try:
        qemu = find_qemu()
        choose_clock(qemu, Store(store_root()), TimingParameters())
    except EarshotError as failure:
        return Finding.of_failure("Cycle model", True, failure)
    except OSError as problem:
        detail = f"the cache {store_root()} cannot be written: {problem.strerror or problem}"
        return Finding("Cycle model", True, detail, "Point EARSHOT_HOME at a folder that can be written.")
    return Finding("Cycle model", True, f"{qemu.version} loads it")


def _packages() -> Finding:
    """Compare the pinned requirements of the installed package with the installed versions."""
    try:
        requirements = importlib.metadata.requires("earshot") or []
    except importlib.metadata.PackageNotFoundError:
        return Finding("earshot", True, "the package itself is not installed", "Run `make setup`.")
    pins = [
        match
        for text in requirements
        if "extra" not in text and (match := re.match(r"([\w.-]+)==([^;\s]+)\s*(?:;.*)?$", text))
    ]
    wrong = []
    for name, wanted in (pin.groups() for pin in pins):
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if installed.split("+")[0] != wanted:  # a local build (torch 2.13.0+cpu) is the pinned version
            wrong.append(f"{name} is {installed}, not {wanted}")
    if wrong:
        return Finding("Python packages", True, "; ".join(wrong), "Run `make setup`, or pip install -e .")
    return Finding("Python packages", True, f"{len(pins)} in their pinned versions")


def _gpu() -> Finding:
    """Look for a CUDA device and torch's CUDA build, without the seconds that importing torch takes."""
    remedy = "Use a machine with a CUDA device and `make run GPU=1`; without them the GPU rows stay empty."
    try:
        build = importlib.metadata.version("torch")
        names = _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    except (importlib.metadata.PackageNotFoundError, OSError, subprocess.SubprocessError):
        return Finding("GPU", False, "for the times of the GPU in the report", remedy)
    if not names or build.endswith("+cpu"):
        return Finding("GPU", False, f"torch is {build}, a build for the CPU", remedy)
    return Finding("GPU", False, f"{names[0]}, torch {build}")


def _disk() -> Finding:
    folder = store_root()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    remedy = f"Free 2 GB under {folder}, or point EARSHOT_HOME at another disk."
    detail = f"{free / 2**30:.0f} GiB free for {store_root()}"
    return Finding("Disk", True, detail, "" if free > 2 << 30 else remedy)
