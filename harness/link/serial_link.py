"""Serial ports as lines: one thread reads, stamps and logs them, the caller waits with a deadline."""

from __future__ import annotations

import contextlib
import io
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import serial

from harness.errors import BoardNotFound, EarshotError, ProtocolError
from harness.link.deadline import Deadline
from harness.link.transcript import TimedLine, TranscriptWriter

MAX_LINE_BYTES = 4096
"""Longer lines are cut: a `m-results` line of 200 labels has 2,400 bytes, all others are far shorter."""

MAX_QUEUED_LINES = 65536
"""21 minutes of a board that reports 50 inferences a second. The port is not read while the queue is full."""

_BAUD = 115200  # without meaning for a pty or a USB serial device
_CHUNK_BYTES = 4096  # what a terminal hands over at most
_POLL_S = 0.2  # only for ports without a file descriptor to wait for (rfc2217://)
_SERVED = "Check that the board is plugged into its host, and that the host serves the port (ser2net)."
_WRITE_TIMEOUT_S = 10.0  # a board that listens to its port takes a command within milliseconds


class SerialLink:
    """A link over pyserial: a device path, a pty path, `socket://host:port` or `rfc2217://host:port`.

    No line of the board is dropped: neither bytes that wait in the port when it is opened, nor lines that
    arrive between two calls of `next_line`.

    Args:
        port: a path or URL for `serial.serial_for_url`.
        transcript: file to which every line is logged; None for no log.

    Raises:
        BoardNotFound: the port is not there, or another program has it open.
    """

    def __init__(self, port: str, transcript: Path | None = None) -> None:
        self.name = port
        self._arrived = threading.Condition()
        self._lines: deque[TimedLine] = deque()
        self._failure: EarshotError | None = None
        self._closing = False
        self._port = _open(port)
        self._descriptor = _descriptor_of(self._port)
        try:
            self._transcript = TranscriptWriter(transcript) if transcript else None
        except OSError as problem:
            self._port.close()
            raise _not_logged(problem, transcript) from problem
        self._wake, self._wake_up = os.pipe()
        self._reader = threading.Thread(target=self._read, name=f"read {port}", daemon=True)
        self._reader.start()

    def write(self, data: bytes) -> None:
        """Send bytes to the board, logged as one line.

        Raises:
            BoardNotFound: the port is gone.
            ProtocolError: the board does not read them, or the link is closed.
        """
        if self._closing:
            raise ProtocolError("the link is closed", where=self.name)
        self._log(TimedLine(time.monotonic(), data.rstrip(b"\r\n"), from_host=True))
        if self._failure:
            raise self._failure
        try:
            self._port.write(data)
        except serial.SerialTimeoutException as problem:
            raise ProtocolError(
                f"the board did not take a command within {_WRITE_TIMEOUT_S:.0f} s",
                where=self.name,
                remedy="Press its reset button; a stock sketch takes no commands.",
            ) from problem
        except (OSError, serial.SerialException) as problem:
            raise _gone(self.name, problem) from problem

    def next_line(self, deadline: Deadline) -> TimedLine:
        """Return the next line that the board sent, in order.

        Lines that arrived before a failure are still returned; then every call raises the failure.

        Raises:
            ProtocolError: no line before the deadline, or the link is closed.
            BoardNotFound: the port is gone.
        """
        with self._arrived:
            while not self._lines:
                if self._failure:
                    raise self._failure
                if self._closing:
                    raise ProtocolError("the link is closed", where=self.name)
                if deadline.expired:
                    raise ProtocolError(
                        f"the board did not answer within {deadline.seconds:g} s",
                        where=self.name,
                        remedy="Press its reset button and look into the transcript.",
                    )
                self._arrived.wait(deadline.remaining)
            timed = self._lines.popleft()
            if len(self._lines) == MAX_QUEUED_LINES - 1:
                self._arrived.notify_all()  # the reader waits for room
            return timed

    def close(self) -> None:
        """End the reading thread, close port and transcript, and wake up a waiting `next_line`."""
        with self._arrived:
            if self._closing:
                return
            self._closing = True
            self._arrived.notify_all()
        os.write(self._wake_up, b"x")
        self._reader.join()
        os.close(self._wake)
        os.close(self._wake_up)
        self._port.close()
        if self._transcript:
            self._transcript.close()

    def __enter__(self) -> SerialLink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        """Read until the link is closed or fails; runs in the reading thread."""
        pending = b""
        try:
            while not (self._closing or self._failure):
                chunk = self._receive()
                at_s = time.monotonic()
                *lines, pending = (pending + chunk).split(b"\n")
                timed = [TimedLine(at_s, part) for line in lines for part in _cut(line.removesuffix(b"\r"))]
                while len(pending) > MAX_LINE_BYTES:
                    timed.append(TimedLine(at_s, pending[:MAX_LINE_BYTES]))
                    pending = pending[MAX_LINE_BYTES:]
                if timed:
                    self._take(timed)
        except (OSError, serial.SerialException) as problem:
            self._fail(_gone(self.name, problem))
        if pending:
            self._log(TimedLine(time.monotonic(), pending, complete=False))

    def _receive(self) -> bytes:
        """Wait for bytes and return them; return none when the link is closed."""
        if self._descriptor is None:
            return self._port.read(max(1, self._port.in_waiting))
        ready = select.poll()
        ready.register(self._descriptor, select.POLLIN)
        ready.register(self._wake, select.POLLIN)
        if all(handle == self._wake for handle, _ in ready.poll()):
            return b""
        chunk = os.read(self._descriptor, _CHUNK_BYTES)
        if not chunk:
            raise OSError("its other end is closed")
        return chunk

    def _take(self, lines: list[TimedLine]) -> None:
        """Log and queue lines that arrived together; wait while the queue is full."""
        self._log(*lines)
        with self._arrived:
            for timed in lines:
                while len(self._lines) >= MAX_QUEUED_LINES and not self._closing:
                    self._arrived.wait()
                self._lines.append(timed)
                self._arrived.notify_all()

    def _log(self, *lines: TimedLine) -> None:
        if self._transcript is None:
            return
        try:
            self._transcript.write(*lines)
        except OSError as problem:
            self._fail(_not_logged(problem, self._transcript.path))

    def _fail(self, failure: EarshotError) -> None:
        """Set the failure that every further call raises; the first one stays."""
        with self._arrived:
            self._failure = self._failure or failure
            self._arrived.notify_all()


def _open(port: str) -> serial.SerialBase:
    """Open a port without discarding the bytes that already wait in it: the log needs the first lines."""
    is_rfc2217 = port.startswith("rfc2217:")
    # pyserial refuses a time limit for writes over rfc2217://, which the network has anyway.
    write_timeout_s = None if is_rfc2217 else _WRITE_TIMEOUT_S
    # ser2net acknowledges no SET_CONTROL for a device without modem lines.
    url = f"{port}?ign_set_control" if is_rfc2217 and "?" not in port else port
    try:
        handle = serial.serial_for_url(
            url, _BAUD, timeout=None, write_timeout=write_timeout_s, exclusive=True, do_not_open=True
        )
        if is_rfc2217:
            handle.timeout = _POLL_S
            handle._telnet_read_loop = _without_traceback(handle._telnet_read_loop)
        for flush in ("_reset_input_buffer", "reset_input_buffer"):  # pyserial calls one of them in open()
            setattr(handle, flush, lambda: None)
        handle.open()
    except (OSError, ValueError, serial.SerialException) as problem:
        raise BoardNotFound(
            f"the port cannot be opened: {problem}",
            where=port,
            remedy=_SERVED
            if "://" in port
            else "Check the cable, that no other program uses the port (ModemManager, a serial monitor), "
            "and that you are in the group dialout.",
        ) from problem
    return handle


def _without_traceback(read_loop: Callable[[], None]) -> Callable[[], None]:
    """Wrap a thread of pyserial's that answers a server even if it is gone, which `read` tells of."""

    def read() -> None:
        with contextlib.suppress(OSError):
            read_loop()

    return read


def _descriptor_of(handle: serial.SerialBase) -> int | None:
    """Return the descriptor to read from directly: pyserial reads a socket's bytes one by one."""
    try:
        return handle.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return None


def _cut(line: bytes) -> list[bytes]:
    """Cut a line into pieces of at most `MAX_LINE_BYTES`."""
    return [line[start : start + MAX_LINE_BYTES] for start in range(0, max(1, len(line)), MAX_LINE_BYTES)]


def _gone(port: str, problem: Exception) -> BoardNotFound:
    remedy = _SERVED if "://" in port else "Check the cable; press the board's reset button."
    return BoardNotFound(f"the port is gone: {problem}", where=port, remedy=remedy)


def _not_logged(problem: OSError, path: Path | None) -> EarshotError:
    return EarshotError(
        "the transcript cannot be written",
        where=f"{path}: {problem.strerror}",
        remedy="Free space on its disk, or choose another.",
    )
