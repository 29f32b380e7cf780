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
from harness.doctor.finding import Finding
from harness.errors import EarshotError
from harness.layout import store_root
from models.store import Store


@dataclass(frozen=True)
class _Tool:
    command: str
    package: str
    purpose: str
    required: bool = True


_TOOLS = (
    _Tool(
        "arm-none-eabi-g++",
        "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib",
        "firmware",
    ),
    _Tool("qemu-system-arm", "qemu-system-arm", "the emulated board"),
    _Tool("gcc", "gcc", "the emulated board's cycle model"),
    _Tool("espeak-ng", "espeak-ng", "the synthetic corpus (not needed with --dataset)"),
    _Tool("clang-format", "clang-format", "`make lint`", required=False),
)


def examine_host() -> list[Finding]:
    """Check everything that a run on the emulated board needs."""
    return [_python(), *(_tool(tool) for tool in _TOOLS), _cycle_model(), _packages(), _gpu(), _disk()]


def _python() -> Finding:
    supported = sys.version_info[:2] == (3, 11)
    remedy = "Use Python 3.11: TensorFlow 2.15 has no later wheels (make run PYTHON=python3.11)."
    version = platform.python_version()
    return Finding(
        "Python", present=supported, required=True, detail=version, remedy="" if supported else remedy
    )


def _tool(tool: _Tool) -> Finding:
    remedy = f"apt-get install {tool.package}"
    path = shutil.which(tool.command)
    if path is None:
        return Finding(
            tool.command, present=False, required=tool.required, detail=f"for {tool.purpose}", remedy=remedy
        )
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as problem:
        detail, remedy = f"does not run: {problem}", f"Reinstall it: {remedy}"
        return Finding(tool.command, present=False, required=tool.required, detail=detail, remedy=remedy)
    return Finding(tool.command, present=True, required=tool.required, detail=answer.stdout.splitlines()[0])


def _cycle_model() -> Finding:
    try:
        qemu = find_qemu()
        choose_clock(qemu, Store(store_root()), TimingParameters())
    except EarshotError as failure:
        return Finding(
            "Cycle model", present=False, required=True, detail=failure.what, remedy=failure.remedy
        )
    return Finding("Cycle model", present=True, required=True, detail=f"{qemu.version} loads it")


def _packages() -> Finding:
    """Compare the pinned requirements of the installed package with the installed versions."""
    try:
        requirements = importlib.metadata.requires("earshot") or []
    except importlib.metadata.PackageNotFoundError:
        return Finding(
            "earshot",
            present=False,
            required=True,
            detail="the package itself is not installed",
            remedy="Run `make setup`.",
        )
    wrong = []
    count = 0
    for requirement in requirements:
        match = re.match(r"([\w.-]+)==([^;\s]+)\s*(?:;.*)?$", requirement)
        if match is None or "extra" in requirement:
            continue
        count += 1
        name, wanted = match[1], match[2]
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if installed.split("+")[0] != wanted:  # a local build (torch 2.13.0+cpu) is the pinned version
            wrong.append(f"{name} is {installed}, not {wanted}")
    if wrong:
        remedy = "Run `make setup`, or pip install -e ."
        return Finding(
            "Python packages", present=False, required=True, detail="; ".join(wrong), remedy=remedy
        )
    return Finding("Python packages", present=True, required=True, detail=f"{count} in their pinned versions")


def _gpu() -> Finding:
    """Look for a CUDA device and torch's CUDA build, without the seconds that importing torch takes."""
    remedy = "Use a machine with a CUDA device and `make run GPU=1`; without them the GPU rows stay empty."
    try:
        build = importlib.metadata.version("torch")
        names = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout.splitlines()
    except (importlib.metadata.PackageNotFoundError, OSError, subprocess.SubprocessError):
        return Finding(
            "GPU",
            present=False,
            required=False,
            detail="for the times of the GPU in the report",
            remedy=remedy,
        )
    if not names or build.endswith("+cpu"):
        detail = f"torch is {build}, a build for the CPU"
        return Finding("GPU", present=False, required=False, detail=detail, remedy=remedy)
    return Finding("GPU", present=True, required=False, detail=f"{names[0]}, torch {build}")


def _disk() -> Finding:
    folder = store_root()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    enough = free > 2 << 30
    remedy = "" if enough else f"Free 2 GB under {folder}, or point EARSHOT_HOME at another disk."
    return Finding(
        "Disk",
        present=enough,
        required=True,
        detail=f"{free / 2**30:.0f} GiB free for {store_root()}",
        remedy=remedy,
    )
