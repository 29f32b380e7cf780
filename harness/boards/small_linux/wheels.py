"""Wheels of ONNX Runtime and NumPy for computers without a network; the store keeps them."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

from harness.errors import Unsupported
from harness.layout import store_root
from models.store import Store

_TAGS = ("manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28")


def version() -> str:
    """Return the version of ONNX Runtime on this host. All computers get it: others give other times."""
    return importlib.metadata.version("onnxruntime")


def requirements() -> list[str]:
    """Return the runner's packages: ONNX Runtime as on this host, and a NumPy that fits the Python there."""
    return [f"onnxruntime=={version()}", "numpy>=1.21.6"]


def kept(python: str, machine: str) -> list[Path]:
    """Return the kept wheels for a version of Python and an architecture; [] before `fill`."""
    return sorted(Store(store_root()).path_of("wheels", _inputs(python, machine)).glob("*.whl"))


def fill(python: str, machine: str) -> None:
    """Download the wheels, unless the store has them.

    Raises:
        Unsupported: they are not published for this Python on this architecture, or cannot be downloaded.
    """

    def make(target: Path) -> None:
        platforms = [f"--platform={tag}_{machine}" for tag in _TAGS]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        done = subprocess.run(
            [*command, *platforms, f"--python-version={python}", "--dest", target, *requirements()],
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise Unsupported(
                f"pip cannot download {' and '.join(requirements())}: {lines[-1].removeprefix('ERROR: ')}",
                where=f"Python {python} on {machine}",
                remedy="Check this host's network, or install a Python there that has these packages.",
            )

    title = f"download wheels for {machine}"
    Store(store_root()).build("wheels", _inputs(python, machine), make, title=title)


def _inputs(python: str, machine: str) -> dict[str, object]:
    return {"python": python, "machine": machine, "requirements": requirements()}
