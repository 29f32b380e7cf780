"""A device at the other end of a pseudo terminal: the MLPerf Tiny device API and our additions to it.

Written from the description of the protocol, so that the client is tested against that and not against
itself.
"""

from __future__ import annotations

import os
import select
import threading
import tty
import zlib
from dataclasses import dataclass, field

from record_lines import boot_line, inference_line, record

COMMAND_BYTES = 80


@dataclass
class Behavior:
    """What a test wants of the device.

    Attributes:
        boot: the record that `boot%` is answered with; empty for a device that does not know the command.
        at_boot: whether it sends the lines of a reset when it starts.
        buffer_bytes: size of the command buffer; what is longer is cut, as the reference implementation does.
        results: what `infer` and `results` print between the brackets.
        half_a_command: what an earlier host had sent before it was killed.
        streaming: whether it is listening already, since an earlier host was killed.
        lines: sent in place of the reply to a command, by the command's first words.
        stream: sent while it listens; the numbers of records are its own.
    """

    boot: bytes = field(default_factory=boot_line)
    at_boot: bool = True
    buffer_bytes: int = COMMAND_BYTES
    results: str = "0.00000000,0.25000000,0.75000000,0.00000000"
    half_a_command: bytes = b""
    streaming: bool = False
    lines: dict[str, list[bytes]] = field(default_factory=dict)
    stream: list[bytes] = field(
        default_factory=lambda: [
            inference_line(0, 20),
            inference_line(1, 40),
            record("det", 2, 860, "yes", 214),
            record("ovr", 3, 900, 256),
            record("end", 4, 2, 1, 1, 16000),
        ]
    )


class SimulatedDevice:
    """Runs in a thread until it is closed; `path` is its port."""

    def __init__(self, behavior: Behavior) -> None:
        self.behavior = behavior
        self.commands: list[str] = []
        self.loaded = b""
        self._expected = 0
        self._clip = False
        self._clock_us = 0xFFFFFFFF - 500  # wraps soon
        self._board, self._host = os.openpty()
        tty.setraw(self._host)
        self.path = os.ttyname(self._host)
        self._closing = threading.Lock()
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Unplugs the device; a second call does nothing."""
        with self._closing:
            if self._board < 0:
                return
            os.write(self._wake_write, b"x")
            self._thread.join()
            for handle in (self._board, self._host, self._wake_read, self._wake_write):
                os.close(handle)
            self._board = -1

    def _run(self) -> None:
        if self.behavior.at_boot:
            self._say("m-timestamp-mode-performance", self._lap(), "m-init-done", "m-ready")
        listening = self.behavior.streaming
        if listening:
            self._say(*self.behavior.stream[:-1])
        buffer = self.behavior.half_a_command
        while True:
            ready, _, _ = select.select([self._board, self._wake_read], [], [])
            if self._wake_read in ready:
                return
            for byte in os.read(self._board, 4096):
                if byte != ord("%"):
                    buffer = (buffer + bytes([byte]))[: self.behavior.buffer_bytes]
                    continue
                command, buffer = buffer.decode(), b""
                self.commands.append(command)
                if listening:
                    if command == "stop":
                        listening = False
                        self._say(self.behavior.stream[-1], "m-ready")
                    continue  # nothing else is understood while it listens
                prefix = next((words for words in self.behavior.lines if command.startswith(words)), None)
                if prefix is not None:
                    self._say(*self.behavior.lines[prefix])
                    continue
                self._answer(command.split())
                self._say("m-ready")
                if command.split()[0] == "listen":
                    listening = True
                    self._say(*self.behavior.stream[:-1])

    def _answer(self, words: list[str]) -> None:
        match words:
            case ["name"]:
                self._say("m-name-dut-[simulated]")
            case ["profile"]:
                self._say("m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[kws01]")
            case ["timestamp"]:
                self._say(self._lap())
            case ["boot"] if self.behavior.boot:
                self._say(self.behavior.boot)
            case ["db" | "clip" as kind, "load", count]:
                self._expected, self.loaded, self._clip = int(count), b"", kind == "clip"
                self._say(f"m-[Expecting {count} bytes]")
            case ["db", digits] if len(digits) % 2:
                self._say("e-[Insufficent number of hex digits]")
            case ["db", digits] if set(digits) - set("0123456789abcdefABCDEF"):
                self._say("e-[Invalid hex digit]")
            case ["db", digits]:
                self.loaded += bytes.fromhex(digits)
                if len(self.loaded) >= self._expected:
                    if self._clip:
                        self._say(f"m-features-crc-{zlib.crc32(self.loaded):08X}")
                    self._say("m-load-done")
            case ["infer", count, warmups]:
                self._say(f"m-warmup-start-{warmups}", "m-warmup-done", f"m-infer-start-{count}", self._lap())
                self._clock_us += 1000 * int(count)
                self._say(self._lap(), "m-infer-done", f"m-results-[{self.behavior.results}]")
            case ["results"]:
                self._say(f"m-results-[{self.behavior.results}]")
            case ["input"]:
                self._say(f"m-input-crc-{zlib.crc32(self.loaded):08X}")
            case ["listen"] | ["listen", _]:
                pass
            case ["icache", "on" | "off" as state]:
                self._say(f"m-icache-[{state}]")
            case _:
                self._say(f"e-[Unknown command: {words[0]}]")

    def _lap(self) -> str:
        return f"m-lap-us-{self._clock_us & 0xFFFFFFFF}"

    def _say(self, *lines: str | bytes) -> None:
        text = b"".join((line if isinstance(line, bytes) else line.encode()) + b"\r\n" for line in lines)
        while text:
            text = text[os.write(self._board, text) :]
