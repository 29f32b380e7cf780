"""A Power Profiler Kit II on a pseudo-terminal: it speaks the serial protocol and plays a current trace.

Source of the protocol: Nordic's pc-nrfconnect-ppk, src/device/serialDevice.ts and src/constants.ts.
"""

from __future__ import annotations

import os
import pty
import threading
import time
import tty
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from harness.boards.qemu.machine import CLOCK_HZ, PIN_CHANGE

RATE_HZ = 100_000
VOLTS = 3.3

R = np.array([1031.64, 101.65, 10.15, 0.94, 0.043])  # shunts in ohms
O = np.array([112.0, 98.0, 105.0, 88.0, 61.0])  # noqa: E741 - the kit's name of its offsets
GI = np.array([1.01, 0.99, 1.002, 0.998, 1.0])
S = np.array([1e-8, 2e-8, 1e-7, 1e-6, 1e-5])
I = np.array([2e-8, -3e-7, 1e-6, 1e-5, -2e-4])  # noqa: E741
UG = np.array([1.0, 1.001, 0.999, 1.0, 1.0])
HIGHEST = np.array([50e-6, 500e-6, 5e-3, 50e-3, np.inf])  # amperes of each range

_ADC = 1.8 / 163840
_ADC_MOST = 0x3FFF
_GET_METADATA, _START, _STOP = 0x19, 0x06, 0x07
_LENGTHS = {0x0C: 2, 0x0D: 3, 0x11: 2, 0x25: 6}  # of commands with arguments

Play = Callable[[int, int], tuple[np.ndarray, np.ndarray]]
"""Returns amperes and logic bits of the samples from one number to another."""

AMPERES = {0: 0.8e-3, 1: 3.4e-3, 3: 6.1e-3, 2: 4.0e-3}
"""Current of a board by the value of its stage pins: idle, preprocess, inference, postprocess."""
STAGE_PINS = (2, 3)
_BUSY_SHARE = 0.02  # of real time


class PinPlay:
    """The current of an emulated board, by the log of its pins, on the board's own time.

    An emulator is not as fast as the board, and stands still while it waits for its host. So samples are
    sent as the log goes on: between two changes of a pin as many as the board's time has. Until the next
    change is known, idle samples are sent in real time, and few of a stage.

    Args:
        log: of `Machine`.
        inputs: bits of the meter by the value of the pins: swapped wires, or none.
        idle: value of the pins at which the board waits.
    """

    def __init__(self, log: Path, inputs: Sequence[int] = (0, 1, 2, 3), idle: int = 0) -> None:
        self._log, self._inputs, self._idle = log, np.array(inputs, np.uint8), idle
        self._ends_s, self._values = [0.0], [0]  # of each span of the trace; the last one goes on
        self._levels = [0, 0, 0, 0]
        self._read = 0
        self._last_cycles: int | None = None
        self._played_s = self._elapsed_s = 0.0

    def due(self, elapsed_s: float) -> int:
        """Return how many samples are known after so many seconds."""
        changes = np.fromfile(self._log, PIN_CHANGE, offset=self._read)
        self._read += len(changes) * PIN_CHANGE.itemsize
        for cycles, pin, is_high in changes.tolist():
            between_s = 0.0
            if self._last_cycles is not None and cycles >= self._last_cycles:
                between_s = (cycles - self._last_cycles) / CLOCK_HZ
            self._ends_s[-1] += max(0.0, between_s - self._played_s)
            self._played_s, self._last_cycles = 0.0, cycles
            self._levels[pin] = is_high
            self._values.append(sum(self._levels[pin] << n for n, pin in enumerate(STAGE_PINS)))
            self._ends_s.append(self._ends_s[-1])
        if not len(changes):
            passed_s = (elapsed_s - self._elapsed_s) * (
                1.0 if self._values[-1] in (0, self._idle) else _BUSY_SHARE
            )
            self._ends_s[-1] += passed_s
            self._played_s += passed_s
        self._elapsed_s = elapsed_s
        return int(self._ends_s[-1] * RATE_HZ)

    def __call__(self, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        span = np.searchsorted(self._ends_s, np.arange(start, end) / RATE_HZ, side="right")
        values = np.array(self._values)[np.minimum(span, len(self._values) - 1)]
        amperes = np.array([AMPERES[value] for value in range(4)])[values]
        return amperes, self._inputs[values]


def metadata(calibrated: bool = True) -> bytes:
    """Return what the kit answers to the question for its constants."""
    constants = {"R": R, "GS": np.ones(5), "GI": GI, "O": O, "S": S, "I": I, "UG": UG} if calibrated else {}
    lines = [f"{name}{n}: {value}" for name, values in constants.items() for n, value in enumerate(values)]
    return "\n".join(
        ["Calibrated: 0", *lines, "VDD: 3300", "HW: 46187", "mode: 2", "IA: 56", "END", ""]
    ).encode()


def words(amperes: np.ndarray, logic: np.ndarray, start: int, lag: int = 0) -> np.ndarray:
    """Return samples as the kit sends them, each in the lowest range that holds it.

    Args:
        lag: samples for which the range stays the old one after a rise.
    """
    ranges = np.searchsorted(HIGHEST, amperes)
    before = np.concatenate([np.repeat(ranges[:1], lag), ranges])
    ranges = np.lib.stride_tricks.sliding_window_view(before, lag + 1).min(axis=1)
    # amperes = UG * (x * (x + GI) + S * V + I), solved for x
    target = amperes / UG[ranges] - S[ranges] * VOLTS - I[ranges]
    x = (-GI[ranges] + np.sqrt(GI[ranges] ** 2 + 4 * target)) / 2
    adc = np.clip(np.rint((x * R[ranges] / _ADC + O[ranges]) / 4), 0, _ADC_MOST).astype(np.uint32)
    counter = (np.arange(start, start + len(amperes)) & 0x3F).astype(np.uint32)
    return adc | ranges.astype(np.uint32) << 14 | counter << 18 | logic.astype(np.uint32) << 24


class FakePpk2:
    """The kit; `port` is its serial port.

    Args:
        play: the current and the logic inputs.
        drop: samples that it loses, as numbers.
        unplug_at: number of the sample after which it is unplugged; None never.
        calibrated: False to report no constants.
        lag: see `words`.
    """

    def __init__(
        self,
        play: Play,
        drop: range = range(0),
        unplug_at: int | None = None,
        calibrated: bool = True,
        lag: int = 0,
    ) -> None:
        self._lag = lag
        self._play, self._drop, self._unplug_at, self._calibrated = play, drop, unplug_at, calibrated
        self._kit, self._host = pty.openpty()
        tty.setraw(self._host)
        self.port = Path(os.ttyname(self._host))
        self._measuring = threading.Event()
        self.commands: list[bytes] = []
        self._ended = False
        for target in (self._serve, self._send):
            threading.Thread(target=target, daemon=True).start()

    def __enter__(self) -> FakePpk2:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._measuring.set()
        for handle in {self._kit, self._host} - {-1}:
            os.close(handle)

    def _serve(self) -> None:
        while not self._ended:
            try:
                data = os.read(self._kit, 4096)
            except OSError:
                return
            while data:
                length = _LENGTHS.get(data[0], 1)
                command, data = data[:length], data[length:]
                self.commands.append(command)
                if command[0] == _GET_METADATA:
                    os.write(self._kit, metadata(self._calibrated))
                elif command[0] == _START:
                    self._measuring.set()
                elif command[0] == _STOP:
                    self._measuring.clear()

    def _send(self) -> None:
        sent, began = 0, 0.0
        while self._measuring.wait() and not self._ended:
            began = began or time.monotonic()
            elapsed_s = time.monotonic() - began
            due = self._play.due(elapsed_s) if isinstance(self._play, PinPlay) else int(elapsed_s * RATE_HZ)
            if self._unplug_at is not None:
                due = min(due, self._unplug_at)
            if due > sent:
                numbers = np.arange(sent, due)
                data = words(*self._play(sent, due), sent, self._lag)[~np.isin(numbers, self._drop)].tobytes()
                while data and self._measuring.is_set():
                    data = data[os.write(self._kit, data) :]
                sent = due
            if sent == self._unplug_at:
                os.close(self._kit)
                os.close(self._host)
                self._kit = self._host = -1
                return
            time.sleep(0.002)
