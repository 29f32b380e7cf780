"""Programs of a few lines for the emulated board."""

from __future__ import annotations

import hashlib
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from host_library import STORE

from harness.boards.qemu.clock import Clock, TimingParameters, choose_clock
from harness.boards.qemu.machine import Machine
from harness.boards.qemu.tools import Qemu, find_qemu
from harness.firmware.arduino_platform import CORE
from harness.firmware.arm_gcc import build_image, find_compiler

PRINT = r"""
static void print(uint32_t number, char last) {
  char text[11];
  int next = sizeof text;
  text[--next] = last;
  do {
    text[--next] = '0' + number % 10;
    number /= 10;
  } while (number);
  Serial.write(text + next, sizeof text - next);
}
"""
"""A function for sketches that prints a number and a character."""


@cache
def image_of(source: str) -> Path:
    """Build the image of a sketch that is one .ino file, once per machine."""
    compiler = find_compiler()

    def make(folder: Path) -> None:
        sketch = folder / "sketch"
        sketch.mkdir()
        (sketch / "sketch.ino").write_text(source)
        flags = ["-O2", "-Wall", "-Wextra", "-Werror"]
        build_image(compiler, sketch, flags, folder / "image.elf", store=STORE)

    inputs = {
        "source": hashlib.sha256(source.encode()).hexdigest(),
        "core": CORE,
        "compiler": compiler.version,
    }
    return STORE.build("program", inputs, make) / "image.elf"


def clock_of(timing: TimingParameters | None = None, qemu: Qemu | None = None) -> Clock:
    """Return the clock of a board with these parameters, on the installed QEMU by default."""
    return choose_clock(qemu or find_qemu(), STORE, timing or TimingParameters())


class Terminal:
    """A serial port as plain bytes."""

    def __init__(self, port: str) -> None:
        self._file = os.open(port, os.O_RDWR | os.O_NOCTTY)

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file, data) :]

    def read_until(self, end: bytes, timeout_s: float = 120.0) -> bytes:
        """Read up to and including `end`."""
        received = b""
        while not received.endswith(end):
            if not select.select([self._file], [], [], timeout_s)[0]:
                raise TimeoutError(f"no {end!r} after {received!r}")
            received += os.read(self._file, 1)
        return received

    def close(self) -> None:
        os.close(self._file)


@contextmanager
def running(source: str, clock: Clock | None = None) -> Iterator[tuple[Machine, Terminal]]:
    """Start a machine, and open its serial port."""
    machine = Machine(find_qemu(), image_of(source), clock or clock_of())
    terminal = Terminal(machine.port)
    try:
        yield machine, terminal
    finally:
        terminal.close()
        machine.close()
