"""The emulated board: QEMU's Cortex-M4F with a cycle model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.bench_file import Bench, BoardEntry
from harness.boards.board import Board, BoardDescription, Sound, Stack
from harness.boards.qemu.clock import (
    PROFILE_FILE,
    Clock,
    CycleClock,
    ProfilePoints,
    TimingParameters,
    choose_clock,
)
from harness.boards.qemu.machine import CLOCK_HZ, Machine
from harness.boards.qemu.profile import Counted, read_profile
from harness.boards.qemu.tools import find_qemu
from harness.errors import BoardNotFound, BuildFailed, EarshotError, UsageError
from harness.firmware.arduino_platform import OPTIMIZATION, optimization_flags
from harness.firmware.arm_gcc import compile_image, find_compiler
from harness.firmware.elf import FLASH_LIMIT_BYTES, RAM_LIMIT_BYTES, Functions, functions
from harness.firmware.firmware import Firmware
from harness.firmware.stage import StagedSketch
from harness.layout import store_root
from harness.link.deadline import Deadline
from harness.link.dut import SKETCH_CHUNK_BYTES, DeviceUnderTest
from harness.link.serial_link import SerialLink
from harness.link.transcript import TimedLine
from models.store import Store

_READ_CYCLES = "emulated_cycles"  # of the core, by which the sketch reads the count
_BLOCK_SAMPLES = 8000  # half a second, to bound the memory that a long sound takes


class EmulatedBoard(Board):
    """A board emulated by QEMU; needs Debian's arm-none-eabi-gcc and qemu-system-arm.

    Image and sound determine every byte that the board sends, at any load of the host.

    Args:
        store: cache of images and the cycle model; None for the usual one.
        timing: parameters of the cycle model; None for the defaults.
        optimization: compiler flags of the image, separated by spaces.
        instructions: count instructions, which needs no cycle model.
        pin_log: a file to which every change of a pin is appended, see `Machine`.
    """

    name = "emulated"
    marker = "emulated"
    summary = (
        "a Cortex-M4F at 64 MHz in QEMU with modeled cycles; needs arm-none-eabi-gcc and qemu-system-arm"
    )
    default_engine = "codegen"
    acoustic = False

    def __init__(
        self,
        store: Store | None = None,
        timing: TimingParameters | None = None,
        optimization: str = OPTIMIZATION,
        instructions: bool = False,
        pin_log: Path | None = None,
    ) -> None:
        self._store = store or Store(store_root())
        self._timing = timing or TimingParameters()
        self._optimization = optimization
        self._instructions = instructions
        self._pin_log = pin_log
        self._machine: Machine | None = None
        self._firmware: Firmware | None = None
        self._link: SerialLink | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what runs, and what is compiled for this machine."""
        state = {**self.__dict__, "_machine": None, "_firmware": None, "_link": None}
        state.pop("_clock", None)
        return state

    @classmethod
    def from_bench(cls, entry: BoardEntry, bench: Bench) -> EmulatedBoard:
        """Return a board with the entry's clock and optimization.

        Raises:
            UsageError: the entry has a port, but the emulated board opens its own.
        """
        if entry.port:
            raise UsageError(
                "the emulated board's port cannot be chosen",
                where=entry.port,
                remedy="Name the board that --port is for with --board, or leave --port out.",
            )
        flags = optimization_flags(entry.optimization)
        return cls(optimization=flags, instructions=entry.clock == "instructions")

    def check(self) -> None:
        """Check that QEMU is installed and, unless instructions are counted, loads the cycle model."""
        self._clock  # noqa: B018, raises if there is none

    def describe(self) -> BoardDescription:
        """Describe the board for a run record; `details` say so if QEMU or the compiler cannot be used."""
        details, unit, identity = {}, "modeled cycles", "unavailable"
        try:
            details = {"emulator": f"{find_qemu().version}, mps2-an386", **self._clock.details}
            unit, identity = self._clock.unit, self._clock.identity
        except EarshotError as failure:
            details = {"emulator": str(failure)}
        try:
            compiler = find_compiler().version
        except BuildFailed:
            compiler = "none"
        return BoardDescription(
            name=self.name,
            uid=f"{self.name}-{identity}-{compiler.replace(' ', '-')}",
            title=f"Emulated Cortex-M4F, 64 MHz ({unit})",
            clock_hz=CLOCK_HZ,
            clock=unit,
            flash_bytes=FLASH_LIMIT_BYTES,
            ram_bytes=RAM_LIMIT_BYTES,
            details={**details, "compiler": compiler},
        )

    def compile(self, sketch: StagedSketch) -> Firmware:
        return compile_image(sketch, self._store, self._optimization)

    def upload(self, firmware: Firmware) -> None:
        """Start the emulator with an image; it ends with the calling thread at the latest."""
        self._start(firmware, self._clock)

    def profile(
        self, firmware: Firmware, model_input: bytes, caller: str, transcript: Path
    ) -> dict[str, list[Stack]] | None:
        clock = self._clock
        if not isinstance(clock, CycleClock):
            return None
        code = functions(firmware.image)
        points = ProfilePoints(code.range_of(_READ_CYCLES)[0], code.range_of(caller))
        self._start(firmware, replace(clock, profile=points))
        device = self.open(transcript)
        if model_input:
            device.load(model_input)
        cycles = device.stage_cycles()
        stages = read_profile(self._running().read_file(PROFILE_FILE), cycles)
        self.close()
        return {stage: [_stack(one, code) for one in counted] for stage, counted in stages.items()}

    @property
    def port(self) -> str:
        """The pty, which keeps what the board sends while no link is open."""
        return self._running().port

    def open(self, transcript: Path) -> DeviceUnderTest:
        machine = self._running()
        if self._link:
            self._link.close()
        self._link = _EmulatorLink(machine, transcript)
        device = DeviceUnderTest(self._link, SKETCH_CHUNK_BYTES)
        device.handshake(self._firmware)
        return device

    def listen(self, sound: Sound) -> None:
        """Play a sound; the board takes its time from the samples, at any speed of the host."""
        self._running().play(block.astype("<i2").tobytes() for block in _blocks(sound))

    def close(self) -> None:
        if self._link:
            self._link.close()
        if self._machine:
            self._machine.close()
        self._link = self._machine = self._firmware = None

    def _start(self, firmware: Firmware, clock: Clock) -> None:
        self.close()
        self._machine = Machine(find_qemu(), firmware.image, clock, pin_log=self._pin_log)
        self._firmware = firmware

    @cached_property
    def _clock(self) -> Clock:
        if self._instructions:
            return Clock()
        return choose_clock(find_qemu(), self._store, self._timing)

    def _running(self) -> Machine:
        if not self._machine:
            raise BoardNotFound("the emulated board is not running", remedy="Upload an image first.")
        return self._machine


class _EmulatorLink(SerialLink):
    """A link whose failures name the emulator's death as the cause."""

    def __init__(self, machine: Machine, transcript: Path) -> None:
        self._machine = machine
        super().__init__(machine.port, transcript)

    def write(self, data: bytes) -> None:
        with self._explained():
            super().write(data)

    def next_line(self, deadline: Deadline) -> TimedLine:
        with self._explained():
            return super().next_line(deadline)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except EarshotError as problem:
            raise (self._machine.failure() if self._machine.has_died() else problem) from problem.__cause__


def _stack(counted: Counted, code: Functions) -> Stack:
    # A call that never returns can be a function's last instruction.
    names = (*(code.at(back - 1) for back, _ in counted.calls), code.at(counted.address))
    depth = next((depth for depth, (_, number) in enumerate(counted.calls, start=1) if number), 0)
    return Stack(counted.cycles, names, counted.calls[depth - 1] if depth else None, depth)


def _blocks(sound: Sound) -> Iterator[np.ndarray]:
    """Yield the sound in blocks of bounded size; raises TypeError unless it is int16 samples."""
    for part in [sound] if isinstance(sound, np.ndarray) else sound:
        if part.dtype != np.int16 or part.ndim != 1:
            raise TypeError(f"a sound is int16 samples in one dimension, not {part.dtype} in {part.ndim}")
        for start in range(0, len(part), _BLOCK_SAMPLES):
            yield part[start : start + _BLOCK_SAMPLES]
