"""The client of a device under test: the MLPerf Tiny device API, and the commands that our sketch adds.

A command ends with `%`; the last line of a reply is `m-ready`. Source: mlcommons/tiny, benchmark/api.
`name`, `load` and `infer` work with any device that speaks the API; our sketch adds `handshake`,
`set_icache`, `load_clip`, `input_crc`, `listen` and `stage_cycles`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from harness.errors import EarshotError, ProtocolError
from harness.link.deadline import Deadline
from harness.link.events import Boot, Event, Inference, Overrun, Pcm, Reply
from harness.link.records import PROTOCOL_VERSION, READY, RecordParser, intact_body, split_ready, text_of
from harness.link.serial_link import SerialLink
from harness.link.transcript import TimedLine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STANDARD_CHUNK_BYTES = 31
"""Bytes of a `db` line, as the benchmark's own runner sends it: 65 of the command buffer's 80 characters."""
SKETCH_CHUNK_BYTES = 512
"""Bytes of a `db` line that our sketch takes (sketches/earshot/command_line.h)."""

_LAP = r"m-lap-us-(\d{1,20})"
_CYCLES = r"m-cycles-([a-z]+)-(\d{1,10})"
_OPERATOR = re.compile(r"op,(\d{1,10}),(\d{1,10})")
_OPERATORS = re.compile(r"ops,(\d{1,10}),\d{1,10},(\d{1,10})")
_RESULTS = r"m-results-\[(.*)\]"
_RESULT = re.compile(r"\s*([-+]?(\d{1,20}\.\d{0,40}(e[-+]?\d{1,3})?|nan|inf))\s*", re.IGNORECASE)
_MESSAGE_CHARACTERS = 500  # of what a device sent, in an error
_MOST_PRINTED = 4  # the first messages of an engine are the cause, the others mostly follow from them
_STOPPING_S = 60.0  # after the sound's end; an emulated board has up to 2 s of audio (a pipe) to work through
_SECONDS_AN_INVOCATION = 1.0  # time limit; MLPerf Tiny's slowest published keyword spotter takes 0.18 s


class Image(Protocol):
    """The facts of a firmware image by which it is recognized when it runs."""

    @property
    def variant_id(self) -> str: ...

    @property
    def build_id(self) -> str:
        """8 hex digits over everything that was compiled."""

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the .tflite; the first 8 hex digits count."""


@dataclass(frozen=True)
class InferResult:
    """The answer of `infer`.

    Attributes:
        results: the model's output, one for each label, as the device printed it. Trap: the benchmark's
            reference code prints 1.0 as 0.1000.
        laps_us: the device's clock before and after, 32 bits that wrap; empty in the benchmark's energy mode.
        invocations: number of times that the model ran between the two.
    """

    results: tuple[float, ...]
    laps_us: tuple[int, ...]
    invocations: int

    @property
    def lap_us(self) -> float | None:
        """Microseconds per invocation; None unless the device printed two times, the second one later."""
        if len(self.laps_us) != 2:
            return None
        taken_us = (self.laps_us[1] - self.laps_us[0]) % (1 << 32)
        return taken_us / self.invocations if 0 < taken_us < 1 << 31 else None


class DeviceUnderTest:
    """A board behind a link. Start with `handshake` (our sketch) or `name` (any device).

    After a timeout or an unexpected stream the two sides may be out of step, so that every further answer
    would belong to another question: from then on each call raises that first failure. Open a new link then.

    Args:
        link: to the board; the caller closes it.
        chunk_bytes: bytes of a `db` line; more than the standard's only for our own sketch.
        timeout_s: time limit of a reply.
    """

    def __init__(
        self, link: SerialLink, chunk_bytes: int = STANDARD_CHUNK_BYTES, timeout_s: float = 10.0
    ) -> None:
        self._link = link
        self._chunk_bytes = chunk_bytes
        self._timeout_s = timeout_s
        self._sent = b""
        self._broken: EarshotError | None = None
        self._printed: dict[str, None] = {}

    @property
    def printed(self) -> str:
        """The device's first lines that are neither reply nor record, such as an engine's messages."""
        return "; ".join(self._printed)

    def name(self) -> str:
        """Return the device's name, such as "earshot-emulated"; skip earlier lines, as after a reset."""
        return self._find(r"m-name-dut-\[(.*)\]", self._command("name", after="m-name-dut-"))

    def handshake(self, expected: Image | None = None) -> Boot:
        """Ask which image runs; skip earlier lines, and end a stream that the board still sends.

        Args:
            expected: the image that should run; None to accept any.

        Raises:
            ProtocolError: another image runs, or one of another protocol version.
        """
        boot = self._ask_for_boot()
        if boot.protocol != PROTOCOL_VERSION:
            raise ProtocolError(
                f"the board sends records of version {boot.protocol}, expected {PROTOCOL_VERSION}",
                where=self._link.name,
                remedy="Build and upload the sketch again.",
            )
        if expected:
            wanted = (expected.variant_id, expected.model_sha256[:8], expected.build_id)
            running = (boot.variant_id, boot.model_sha256[:8], boot.build_id)
            if wanted != running:
                raise ProtocolError(
                    "the board runs another image: variant {} model {} build {}".format(*running)
                    + ", expected variant {} model {} build {}".format(*wanted),
                    where=self._link.name,
                    remedy="Upload again; make sure that this is the right board.",
                )
        return boot

    def load(self, tensor: bytes) -> None:
        """Fill the model's input tensor with these bytes."""
        self._send_bytes("db load", tensor, self._chunk_bytes)

    def infer(self, invocations: int = 1, warmups: int = 0) -> InferResult:
        """Run the model `warmups` times untimed and then `invocations` times timed, on the loaded input."""
        patience_s = self._timeout_s + (invocations + warmups) * _SECONDS_AN_INVOCATION
        lines = self._command(f"infer {invocations} {warmups}", timeout_s=patience_s)
        laps = tuple(int(match[1]) for line in lines if (match := re.fullmatch(_LAP, line)))
        return InferResult(self._results(lines), laps, invocations)

    def load_clip(self, pcm: NDArray[np.int16]) -> int:
        """Run 16 kHz audio through the board's front end, reset before, and fill the model's input with it.

        Args:
            pcm: int16 samples, (N,), usually a clip of 16000.

        Returns:
            CRC-32 of the board's features, little-endian u16.
        """
        lines = self._send_bytes("clip load", pcm.astype("<i2").tobytes(), self._chunk_bytes // 2 * 2)
        return int(self._find(r"m-features-crc-([0-9A-Fa-f]{8})", lines), 16)

    def input_crc(self) -> int:
        """Return the CRC-32 of the model's input tensor in the board's memory."""
        return int(self._find(r"m-input-crc-([0-9A-Fa-f]{8})", self._command("input")), 16)

    def stage_cycles(self) -> dict[str, int]:
        """Return the processor's cycles for each stage; the model's input must be loaded again afterward.

        A model that listens has the stages "preprocess", "inference" and "postprocess", and the board runs
        them once on noise. Another model has only "inference", on the loaded input.
        """
        answers = (re.fullmatch(_CYCLES, line) for line in self._command("cycles"))
        return {match[1]: int(match[2]) for match in answers if match}

    def operator_cycles(self) -> tuple[list[int], int]:
        """Return the cycles of each operator of one inference, and those of the inference.

        The stages run as for `stage_cycles`.

        Raises:
            ProtocolError: the image was not built with `--profile`, or a record is damaged or missing.
        """
        bodies = [body for line in self._command("operators") if (body := intact_body(line))]
        found = [list(map(int, match.groups())) for body in bodies if (match := _OPERATOR.fullmatch(body))]
        ends = [list(map(int, match.groups())) for body in bodies if (match := _OPERATORS.fullmatch(body))]
        if len(ends) != 1 or [number for number, _ in found] != list(range(ends[0][0])):
            raise self._wrong(f"of the records of operators, {len(found)} arrived intact and in order")
        return [cycles for _, cycles in found], ends[0][1]

    def set_icache(self, state: str) -> None:
        """Switch the processor's instruction cache; the next `handshake` returns its state.

        Args:
            state: "on" or "off".

        Raises:
            ProtocolError: this board has no such cache, or cannot switch it.
        """
        self._find(rf"m-icache-\[({state})\]", self._command(f"icache {state}"))

    def listen(
        self,
        feed: Callable[[], None],
        silence_s: float = 10.0,
        echo_samples: int = 0,
        labels: int | None = None,
    ) -> Iterator[Event]:
        """Let the board listen while `feed` plays, and yield its events in order.

        Args:
            feed: plays the sound and returns when it is over; runs in a thread of its own. Afterwards the
                board gets `stop`, and stops when it has processed all samples.
            silence_s: longest time without a line from the board.
            echo_samples: number of samples that the board first sends back unprocessed; it listens from the
                sample after those.
            labels: number of the model's labels; None to accept any number of scores.

        Yields:
            `Pcm` for echoed samples, `Inference`, `Detection`, `Overrun`, `Loss`, and `End` unless it was
            lost.

        Raises:
            ProtocolError: silence, a restart or an error message of the board.
            Exception: any exception of `feed`, once the board has stopped.
        """
        self._command(f"listen {echo_samples}" if echo_samples else "listen", silent=True)
        parser = RecordParser(labels)
        parser.start(0.0)
        feeder = _Feeder(feed, then=lambda: self._send("stop"))
        try:
            yield from self._stream(parser, feeder, silence_s)
        except EarshotError as problem:
            if feeder.failure:  # the cause of the board's silence
                raise feeder.failure from problem
            raise
        except BaseException:
            self._broken = self._wrong("a listening session was abandoned")
            raise
        feeder.join()
        if feeder.failure:
            raise feeder.failure

    def _stream(self, parser: RecordParser, feeder: _Feeder, silence_s: float) -> Iterator[Event]:
        stopping: Deadline | None = None
        while True:
            if feeder.is_over:
                stopping = stopping or Deadline(_STOPPING_S)
                if stopping.expired:
                    raise self._break(f"the board still sends data {_STOPPING_S:.0f} s after `stop%`")
            timed = self._next_line(Deadline(silence_s))
            for event in parser.feed(timed.line, timed.at_s):
                if isinstance(event, Boot):
                    raise self._break("the board restarted while it listened")
                if not isinstance(event, Reply):
                    yield event
                elif event.text.startswith("e-["):
                    raise self._break(f"the board reports {event.text} while it listens")
                elif event.text == READY:
                    if not feeder.is_over:
                        raise self._break("the board stopped listening by itself")
                    yield from parser.finish(timed.at_s)
                    return

    def _ask_for_boot(self, last_time: bool = False) -> Boot:
        """Send `boot%` and read to the end of its reply."""
        self._send("boot")
        deadline = Deadline(self._timeout_s)
        parser = RecordParser()
        boot: Boot | None = None
        refusal = ""
        while True:
            timed = self._next_line(deadline)
            for event in parser.feed(timed.line, timed.at_s):
                if isinstance(event, Boot):
                    boot = event
                elif isinstance(event, Inference | Overrun | Pcm):
                    # An earlier host was killed while the board listened.
                    self._send("stop")
                    self.name()  # skips the rest of the stream
                    return self._ask_for_boot()
                elif isinstance(event, Reply) and event.text.startswith("e-["):
                    refusal = event.text
                elif isinstance(event, Reply) and event.text == READY:
                    if boot:
                        return boot
                    if refusal and last_time:
                        raise self._wrong(f"the device does not run our sketch: it answered {refusal}")
                    if refusal:  # maybe half a command of an earlier host stood before ours
                        return self._ask_for_boot(last_time=True)

    def _send_bytes(self, command: str, data: bytes, chunk_bytes: int) -> list[str]:
        """Announce and send bytes as hex lines; return the reply to the last one."""
        announced = self._command(f"{command} {len(data)}")
        if f"m-[Expecting {len(data)} bytes]" not in announced:
            raise self._wrong(f"the board answered `{command} {len(data)}%` with {announced}")
        reply: list[str] = []
        for start in range(0, len(data), chunk_bytes):
            silent = start + chunk_bytes < len(data)
            reply = self._command(f"db {data[start : start + chunk_bytes].hex()}", silent=silent)
        if "m-load-done" not in reply:
            raise self._wrong(f"the board answered {len(data)} bytes with {reply}, not with m-load-done")
        return reply

    def _command(
        self, command: str, after: str = "", timeout_s: float | None = None, silent: bool = False
    ) -> list[str]:
        """Send a command and return the lines of its reply, without the `m-ready` at its end.

        Args:
            command: without the `%`.
            after: start of a line that must come before an `m-ready` counts; empty for any line.
            timeout_s: time limit of the whole reply.
            silent: True if `m-ready` alone is a whole reply; else a lone one is skipped, as some devices
                send a second one for the previous command.

        Raises:
            ProtocolError: the board answered with an error, or not in time.
        """
        self._send(command)
        deadline = Deadline(timeout_s or self._timeout_s)
        lines: list[str] = []
        while True:
            line, ready = split_ready(text_of(self._next_line(deadline).line))
            if line:
                lines.append(line)
            if ready and (silent or any(line.startswith((after, "e-[")) for line in lines)):
                break
        if error := next((line for line in lines if line.startswith("e-[")), None):
            raise self._wrong(f"the board answered `{command[:40]}%` with {error}")
        return lines

    def _send(self, command: str) -> None:
        if self._broken:
            raise self._broken
        self._sent = command.encode() + b"%"
        self._link.write(self._sent)

    def _next_line(self, deadline: Deadline) -> TimedLine:
        """Return the next line that is not empty, without NUL bytes and the echo of the last command."""
        if self._broken:
            raise self._broken
        try:
            while True:
                timed = self._link.next_line(deadline)
                line = timed.line.replace(b"\0", b"").strip().removeprefix(self._sent).lstrip()
                if line:
                    self._keep_printed(line)
                    return replace(timed, line=line)
        except EarshotError as problem:
            if isinstance(problem, ProtocolError) and self.printed:  # maybe answers of another device
                problem.what = f'{problem.what}; it printed "{_shortened(self.printed)}"'
            self._broken = problem
            raise

    def _keep_printed(self, line: bytes) -> None:
        if b"$" not in line and not line.startswith((b"m-", b"e-[")) and len(self._printed) < _MOST_PRINTED:
            self._printed[text_of(line)[:_MESSAGE_CHARACTERS]] = None

    def _break(self, what: str) -> ProtocolError:
        self._broken = self._wrong(what)
        return self._broken

    def _wrong(self, what: str) -> ProtocolError:
        printed = f'; the board printed "{self.printed}"' if self.printed else ""
        what, printed = map(_shortened, (what, printed))
        return ProtocolError(
            f"{what}{printed}", where=self._link.name, remedy="Read the transcript of this link."
        )

    def _find(self, pattern: str, lines: list[str]) -> str:
        """Return the group of the first line that the pattern matches as a whole."""
        for line in lines:
            if match := re.fullmatch(pattern, line):
                return match[1]
        raise self._wrong(f"the board's answer has no line of the form {pattern}; it ends with {lines[-5:]}")

    def _results(self, lines: list[str]) -> tuple[float, ...]:
        text = self._find(_RESULTS, lines)
        found = [_RESULT.fullmatch(value) for value in text.split(",")]
        if not all(found):
            raise self._wrong(f"the results are not all numbers with a decimal point: {text}")
        return tuple(float(match[1]) for match in found if match)


def _shortened(text: str) -> str:
    return text if len(text) <= _MESSAGE_CHARACTERS else f"{text[:_MESSAGE_CHARACTERS]}…"


class _Feeder:
    """A thread that runs `feed`, then `then`, whether `feed` succeeded or not.

    Attributes:
        failure: the exception of `feed`, or else of `then`; None if there was none.
    """

    def __init__(self, feed: Callable[[], None], then: Callable[[], None]) -> None:
        self.failure: Exception | None = None
        self._feed, self._then = feed, then
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """True once `feed` has returned, before `then` is called."""
        return self._over.is_set()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        try:
            self._feed()
        except Exception as problem:
            self.failure = problem
        self._over.set()
        try:
            self._then()
        except Exception as problem:
            self.failure = self.failure or problem
