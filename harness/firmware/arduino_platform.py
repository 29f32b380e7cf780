"""The emulated board's Arduino platform: its properties, and its link in a sketchbook."""

from __future__ import annotations

import contextlib
import re
import shlex
from functools import cache
from pathlib import Path

from harness.errors import UsageError
from harness.layout import SKETCHES

PLATFORM = SKETCHES / "arduino_platform"
CORE = PLATFORM / "cores" / "emulated"
BOARD = "nano33ble"
FQBN = f"earshot:mbed_nano:{BOARD}"
"""The architecture is the real board's, by which the Arduino tools choose libraries."""

CTAGS = Path("/usr/bin/arduino-ctags")  # tools.ctags of platform.txt

_GIVEN = {"runtime.ide.version": "10607"}  # arduino-cli's
_PLACE = re.compile(r"\{([^{}]*)\}")


def _read(path: Path) -> dict[str, str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


@cache
def properties() -> dict[str, str]:
    """Return the platform's properties and the board's, which override them, without expansion."""
    board = f"{BOARD}."
    own = {name.removeprefix(board): value for name, value in _read(PLATFORM / "boards.txt").items()}
    return _read(PLATFORM / "platform.txt") | own | _GIVEN


def flags(name: str) -> tuple[str, ...]:
    """Return a property as words of a command line."""
    return tuple(shlex.split(expand(properties()[name], properties())))


def expand(text: str, values: dict[str, str]) -> str:
    """Put properties into the places `{name}` of a text, and into those of the properties."""
    while _PLACE.search(text):
        text = _PLACE.sub(lambda match: values[match[1]], text)
    return text


OPTIMIZATION = shlex.join(flags("compiler.optimization_flags"))
"""Flags of every board's sketches by default, those of the Arduino tools, separated by spaces."""


def optimization_flags(level: str) -> str:
    """Return the flags of a level of a bench file, such as "O2"; "" is the default."""
    return f"-{level}" if level else OPTIMIZATION


def install(sketchbook: Path) -> tuple[Path, bool]:
    """Link the platform into a sketchbook; return the link, and whether it is new.

    Raises:
        UsageError: there is no sketchbook, or something else is in the link's place.
    """
    link = _link_in(sketchbook)
    if _is_ours(link):
        return link, False
    if link.is_symlink() or link.exists():
        raise UsageError(
            "another platform is installed in the place of the emulated board's",
            where=f"{link} -> {link.readlink()}" if link.is_symlink() else str(link),
            remedy="Run `earshot platform uninstall` first." if link.is_symlink() else "Move it away.",
        )
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(PLATFORM, target_is_directory=True)
    return link, True


def uninstall(sketchbook: Path) -> Path:
    """Remove the platform's link from a sketchbook, also one to another Earshot; return the link.

    Raises:
        UsageError: there is no sketchbook or no link.
    """
    link = _link_in(sketchbook)
    if not link.is_symlink():
        raise UsageError("the emulated board's platform is not installed", where=str(link))
    link.unlink()
    with contextlib.suppress(OSError):  # other platforms are in it
        link.parent.rmdir()
    return link


def _link_in(sketchbook: Path) -> Path:
    if not sketchbook.is_dir():
        raise UsageError(
            "there is no such sketchbook folder",
            where=str(sketchbook),
            remedy="Create it, or name another one with --sketchbook.",
        )
    return sketchbook.absolute() / "hardware" / "earshot" / "mbed_nano"


def _is_ours(link: Path) -> bool:
    return link.is_symlink() and link.resolve() == PLATFORM.resolve()
