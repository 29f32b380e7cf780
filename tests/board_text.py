"""The text that a board sent, to compare two transcripts byte by byte."""

from __future__ import annotations

from pathlib import Path

from harness.link.transcript import read_transcript


def board_text(path: Path) -> bytes:
    """Return the board's lines of a transcript, without times and without the host's lines."""
    lines = (timed for timed in read_transcript(path) if not timed.from_host)
    return b"".join(timed.line + (b"\n" if timed.complete else b"") for timed in lines)
