"""Provenance of a record: code, machine and packages."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from harness.layout import ROOT
from harness.records.record import PROCEDURE_VERSION, Code

_PACKAGES = ("torch", "tensorflow-cpu", "onnxruntime", "onnx", "onnx-tf", "numpy")


def code() -> Code:
    """Return commit (40 hex digits, "unknown" outside git), dirty, and the versions of harness and procedure.

    Changes under reports/ do not count as dirty: an accepted baseline does not change the measured code.
    """
    return {
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "dirty": _git("status", "--porcelain", "--", ".", ":(exclude)reports") != "",
        "harness_version": importlib.metadata.version("earshot"),
        "procedure_version": PROCEDURE_VERSION,
    }


def environment() -> dict[str, str]:
    """Return operating system, processor, Python and the packages that make or run the models."""
    found = {
        "host": platform.node(),
        "system": platform.platform(),
        "cpu": f"{cpu_name()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    for package in _PACKAGES:
        found[package] = importlib.metadata.version(package)
    return found


def cpu_name() -> str:
    """Return the processor's name from Linux, or its architecture."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # on Linux: fewer in a container or under taskset
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _git(*arguments: str) -> str | None:
    """Return what git prints; None if it fails or takes too long."""
    try:
        answer = subprocess.run(
            ["git", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
