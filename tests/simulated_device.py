"""A simulated device behind a pseudo terminal: the MLPerf Tiny device API and our additions.

It is written from the protocol's description, independently of the client.
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
    """The behavior of a device.

    Attributes:
        boot: reply to `boot%`; empty for a device without the command.
        at_boot: True to send the lines of a reset at the start.
        buffer_bytes: size of the command buffer; longer commands are cut, like in the reference
            implementation.
        results: text in brackets that `infer` and `results` print.
        half_a_command: bytes that an earlier host sent before it was killed.
        streaming: True if the device listens already.
        lines: lines in place of the reply to a command, by the command's first words.
        stream: records sent while the device listens.
        echo: True to send back each command.
        before: bytes in front of each line.
        end: end of each line but `m-ready`.
        ready: the line that ends a reply.
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
    echo: bool = False
    before: bytes = b""
    end: bytes = b"\r\n"
    ready: bytes = b"m-ready\r\n"


class SimulatedDevice:
    """A device that runs in a thread until it is closed; `path` is its port."""

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
        """Unplug the device; a second call does nothing."""
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
            self._send("m-timestamp-mode-performance", self._lap(), "m-init-done", "m-ready")
        listening = self.behavior.streaming
        if listening:
            self._send(*self.behavior.stream[:-1])
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
                if self.behavior.echo:
                    self._write(command.encode() + b"%")
                if listening:
                    if command == "stop":
                        listening = False
                        self._send(self.behavior.stream[-1], "m-ready")
                    continue  # nothing else is understood while it listens
                prefix = next((words for words in self.behavior.lines if command.startswith(words)), None)
                if prefix is not None:
                    self._send(*self.behavior.lines[prefix])
                    continue
                self._answer(command.split())
                self._send("m-ready")
                if command.split()[0] == "listen":
                    listening = True
                    self._send(*self.behavior.stream[:-1])

    def _answer(self, words: list[str]) -> None:
        match words:
            case ["name"]:
                self._send("m-name-dut-[simulated]")
            case ["boot"] if self.behavior.boot:
                self._send(self.behavior.boot)
            case ["db" | "clip" as kind, "load", count]:
                self._expected, self.loaded, self._clip = int(count), b"", kind == "clip"
                self._send(f"m-[Expecting {count} bytes]")
            case ["db", digits] if len(digits) % 2:
                self._send("e-[Insufficent number of hex digits]")
            case ["db", digits] if set(digits) - set("0123456789abcdefABCDEF"):
                self._send("e-[Invalid hex digit]")
            case ["db", digits]:
                self.loaded += bytes.fromhex(digits)
                if len(self.loaded) >= self._expected:
                    if self._clip:
                        self._send(f"m-features-crc-{zlib.crc32(self.loaded):08X}")
                    self._send("m-load-done")
            case ["infer", count, warmups]:
                self._send(
                    f"m-warmup-start-{warmups}", "m-warmup-done", f"m-infer-start-{count}", self._lap()
                )
                self._clock_us += 1000 * int(count)
                self._send(self._lap(), "m-infer-done", f"m-results-[{self.behavior.results}]")
            case ["input"]:
                self._send(f"m-input-crc-{zlib.crc32(self.loaded):08X}")
            case ["listen"] | ["listen", _]:
                pass
            case ["icache", "on" | "off" as state]:
                self._send(f"m-icache-[{state}]")
            case _:
                self._send(f"e-[Unknown command: {words[0]}]")

    def _lap(self) -> str:
        return f"m-lap-us-{self._clock_us & 0xFFFFFFFF}"

    def _send(self, *lines: str | bytes) -> None:
        for line in lines:
            text = line if isinstance(line, bytes) else line.encode()
            end = self.behavior.ready if text == b"m-ready" else text + self.behavior.end
            self._write(self.behavior.before + end)

    def _write(self, text: bytes) -> None:
        while text:
            text = text[os.write(self._board, text) :]
