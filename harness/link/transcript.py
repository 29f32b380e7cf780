"""The raw log of a link: every line in both directions with its time.

A line of the file is `<seconds>TAB<line>` from the board or `<seconds>>TAB<line>` from the host; the seconds
are on the host's monotonic clock with 6 decimals. The bytes of a line are unchanged, without the line end.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError

MAX_LINE_BYTES = 1 << 16
"""Longest line of a transcript file, far above the longest line of a link (`serial_link.MAX_LINE_BYTES`)."""


@dataclass(frozen=True, slots=True)
class TimedLine:
    """A line without its end, and the time at which it arrived or was sent.

    Attributes:
        at_s: seconds on the host's monotonic clock.
        line: its bytes.
        from_host: whether the host sent it.
        complete: False for the rest without a line end when the log was cut off.
    """

    at_s: float
    line: bytes
    from_host: bool = False
    complete: bool = True


class TranscriptWriter:
    """An appender of lines, in one unbuffered write for those that came together: they survive a kill.

    Safe to use from several threads.

    Args:
        path: the file; its folder is created if missing.

    Raises:
        OSError: the file cannot be opened, or a line cannot be written (a full disk).
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a+b", buffering=0)
        if size := self._file.tell():
            self._file.seek(size - 1)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")  # end the line at which an earlier log was cut off
        self._lock = threading.Lock()

    def write(self, *lines: TimedLine) -> None:
        """Append lines; does nothing once the log is closed."""
        rows = b"".join(map(_row, lines))
        with self._lock:
            if self._file.closed:
                return
            while rows:  # a signal can cut an unbuffered write short
                rows = rows[self._file.write(rows) or 0 :]

    def close(self) -> None:
        with self._lock:
            self._file.close()


def _row(timed: TimedLine) -> bytes:
    if b"\n" in timed.line:
        raise ValueError("a line has no line end within")
    mark = b">" if timed.from_host else b""
    end = b"\n" if timed.complete else b""
    return b"%.6f%b\t%b%b" % (timed.at_s, mark, timed.line, end)


def read_transcript(path: Path) -> Iterator[TimedLine]:
    """Yield the lines of a transcript, with bounded memory.

    A last line that was cut off has `complete` False; if it was cut within its time, it has the time of the
    line before.

    Raises:
        UsageError: the file cannot be read, or is no transcript.
    """
    at_s = 0.0
    try:
        with path.open("rb") as stream:
            number = 0
            while row := stream.readline(MAX_LINE_BYTES):
                number += 1
                complete = row.endswith(b"\n")
                stamp, tab, line = row.rstrip(b"\n").partition(b"\t")
                if not tab and not complete:
                    yield TimedLine(at_s, b"", complete=False)
                    return
                if not tab or (not complete and stream.read(1)):
                    raise _no_transcript(path, number)
                try:
                    at_s = float(stamp.rstrip(b">"))
                except ValueError:
                    raise _no_transcript(path, number) from None
                yield TimedLine(at_s, line, stamp.endswith(b">"), complete)
    except OSError as problem:
        raise UsageError("the transcript cannot be read", where=str(problem)) from problem


def _no_transcript(path: Path, number: int) -> UsageError:
    remedy = "The lines of a transcript are <seconds>TAB<line>."
    return UsageError("the file is not a transcript", where=f"{path}, line {number}", remedy=remedy)
