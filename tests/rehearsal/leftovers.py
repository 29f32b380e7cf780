"""Processes that a program has left behind, found by a word in the environment that all of them inherit."""

from __future__ import annotations

import time
from pathlib import Path

_ENDING_S = 5.0  # what was killed is gone after milliseconds


def processes_with(word: str) -> dict[int, str]:
    """Command lines, by process id, of running processes with this word in their environment."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder / "environ").read_bytes():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if command:  # a zombie has none
                    found[int(folder.name)] = command.strip()
        except OSError:  # it has ended meanwhile, or is another user's
            continue
    return found


def left_over(word: str) -> dict[int, str]:
    """Like `processes_with`, after the time that a killed process needs to end."""
    end = time.monotonic() + _ENDING_S
    while (found := processes_with(word)) and time.monotonic() < end:
        time.sleep(0.02)
    return found
