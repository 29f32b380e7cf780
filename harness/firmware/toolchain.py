"""Compilers as commands; their failures become `BuildFailed`."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BuildFailed
from harness.layout import full_disk, is_disk_full
from models import progress

_ERROR = r"\berror: |undefined reference|overflowed by"
_NO_LIBRARY = (  # such as <cstdint> and <string.h>
    r"cannot read spec file|cannot find -l|fatal error: (c\w+|string\.h|stdint\.h|inttypes\.h): No such file"
)
_HEAP = r"undefined reference to `(_sbrk|String::|Print::printf)"  # cores/emulated/libc, left out
_SHOWN_ERRORS = 3  # the first errors of a compiler are the cause, the others mostly follow from them


@dataclass(frozen=True)
class Tool:
    """A compiler on this machine.

    Attributes:
        path: the command.
        version: such as "arm-none-eabi-g++ 12.2.1"; part of the key of every artifact of the compiler.
        packages: Debian packages of the compiler and its libraries.
    """

    path: str
    version: str
    packages: str = ""


def find_tool(command: str, packages: str) -> Tool:
    """Return a compiler on the search path.

    Args:
        command: a gcc or g++, such as "arm-none-eabi-g++".
        packages: its Debian packages, for the remedy.

    Raises:
        BuildFailed: the compiler is not installed or does not run.
    """
    remedy = f"Install it: apt-get install {packages}"
    path = shutil.which(command)
    if path is None:
        raise BuildFailed(f"{command} is not installed", remedy=remedy)
    answer = ask(path, "-dumpfullversion")
    if answer.returncode != 0:
        raise BuildFailed(f"{command} does not run", where=answer.stderr.strip(), remedy=remedy)
    return Tool(path, f"{command} {answer.stdout.strip()}", packages)


def ask(path: str, option: str) -> subprocess.CompletedProcess[str]:
    """Return a tool's answer to an option; a file that the system cannot run answers with status 126."""
    try:
        return subprocess.run([path, option], capture_output=True, text=True, errors="replace")
    except OSError as problem:  # such as a program for another processor
        return subprocess.CompletedProcess([path, option], 126, "", problem.strerror or str(problem))


def run_tool(tool: Tool, arguments: Sequence[str | Path], folder: Path) -> None:
    """Run a compiler in a folder; relative arguments keep the machine's paths out of the result.

    Raises:
        BuildFailed: the compiler failed; the message has its first errors.
    """
    command = [tool.path, *map(str, arguments)]
    progress.detail(shlex.join(command))
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    if answer.returncode != 0:
        raise _failure(tool, answer.returncode, answer.stderr)


@contextmanager
def disk_full_is_a_failed_build() -> Iterator[None]:
    """Turn an OSError of a full disk into a `BuildFailed`."""
    try:
        yield
    except OSError as problem:
        if not is_disk_full(problem):
            raise
        raise _disk_full(problem) from problem


def _disk_full(problem: OSError | None = None) -> BuildFailed:
    place, remedy = full_disk(problem)
    return BuildFailed("the disk is full", where=str(place), remedy=remedy)


def _failure(tool: Tool, returncode: int, stderr: str) -> BuildFailed:
    if "No space left on device" in stderr:
        return _disk_full()
    if re.search(_HEAP, stderr):
        return BuildFailed(
            "the sketch uses the heap: malloc or a caller of it is linked in",
            where=_first_line(stderr, "in function"),
            remedy="Use fixed buffers; printf and String allocate.",
        )
    if re.search(_NO_LIBRARY, stderr):
        return BuildFailed(
            f"{Path(tool.path).name} has no C or C++ library",
            where=_first_line(stderr, "error: ") or _first_line(stderr, "cannot find"),
            remedy=f"Install it: apt-get install {tool.packages}",
        )
    lines = [line.strip() for line in stderr.splitlines() if re.search(_ERROR, line)]
    shown = lines[:_SHOWN_ERRORS] or stderr.strip().splitlines()[-_SHOWN_ERRORS:]
    return BuildFailed(
        f"{Path(tool.path).name} failed with status {returncode}",
        where="; ".join(shown),
        remedy="Correct the source named first.",
    )


def _first_line(text: str, part: str) -> str:
    return next((line.strip() for line in text.splitlines() if part in line), "")
