"""Faults of a cable and a board, applied line by line to the bytes that a board sends. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

RECORD = "$inf,"
"""Start of the records that a listening board sends most of; faults count them unless told otherwise."""

USB_PACKET_BYTES = 64
"""What a full-speed endpoint carries at once: the piece that gets lost (ArduinoCore-mbed, issue 129)."""

ON_THE_BOARD = ("pause", "vanish", "hang", "reboot")
"""Faults that the board process carries out: half a line late, port gone, board silent, restarted."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong when the board sends a certain line.

    Attributes:
        kind: one of ON_THE_BOARD, or one that changes bytes: "lose" (64 of them), "garble" (one), "duplicate"
            (a line), "cut" (a line end in the middle of a line).
        at: strikes at so many lines that start with `line`, counted from when the image was uploaded; 1 is
            the first.
        line: what the line starts with; empty for any line.
        seconds: how long a port is gone, or half a line late.
        times: how often it strikes; a fault of the board's own strikes after each upload anew.
    """

    kind: str
    at: int = 1
    line: str = RECORD
    seconds: float = 0.5
    times: int = 1


@dataclass
class Wire:
    """A line from board to host: bytes that arrive, and between them the faults that others carry out."""

    faults: Sequence[Fault] = ()
    struck: list[Fault] = field(default_factory=list)
    _pending: bytes = b""
    _seen: dict[str, int] = field(default_factory=dict)
    _to_lose: int = 0

    def restart(self) -> None:
        """Count the lines of a new image from 0; faults that struck often enough do not strike again."""
        self._pending, self._seen, self._to_lose = b"", {}, 0

    def feed(self, data: bytes) -> Iterator[bytes | Fault]:
        """Yield the bytes that arrive at the host and faults of ON_THE_BOARD, in order.

        A fault comes before the line that it belongs to; of `pause`, between the two halves.
        """
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            yield from self._line(line + b"\n")

    def _line(self, line: bytes) -> Iterator[bytes | Fault]:
        half = len(line) // 2
        for fault in self._due(line):
            if fault.kind == "lose":
                self._to_lose += USB_PACKET_BYTES
                yield line[:half]
                line = line[half:]
            elif fault.kind == "garble":
                line = line[:half] + bytes([line[half] ^ 0x15]) + line[half + 1 :]
            elif fault.kind == "duplicate":
                yield line
            elif fault.kind == "cut":
                line = line[:half] + b"\r\n" + line[half:]
            elif fault.kind == "pause":
                yield line[:half]
                yield fault
                line = line[half:]
            else:
                yield fault
        lost = min(self._to_lose, len(line))
        self._to_lose -= lost
        if line[lost:]:
            yield line[lost:]

    def _due(self, line: bytes) -> list[Fault]:
        due = []
        for prefix in {fault.line for fault in self.faults}:
            if line.startswith(prefix.encode()):
                self._seen[prefix] = self._seen.get(prefix, 0) + 1
        for fault in self.faults:
            if (
                line.startswith(fault.line.encode())
                and self._seen[fault.line] == fault.at
                and self.struck.count(fault) < fault.times
            ):
                self.struck.append(fault)
                due.append(fault)
        return due
