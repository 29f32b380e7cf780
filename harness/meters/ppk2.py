"""Nordic Semiconductor's Power Profiler Kit II."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import numpy as np
from ppk2lab.calibration import ADC_REFERENCE_FACTOR, Calibration
from ppk2lab.device import PPK2
from ppk2lab.errors import Ppk2labError, TransportError
from ppk2lab.protocol.samples import SampleBlock
from ppk2lab.types import Mode

from harness.bench_file import MeterTable
from harness.errors import MeterFailed
from harness.meters.meter import Meter
from harness.meters.trace import samples_of

_RATE_HZ = 100_000.0
_CONVERTED_AT_ONCE = 5_000  # samples: a twentieth of a second
_ADC_FULL_SCALE = 0x3FFF
_HIGHEST_RANGE = 4
_MOST_AMPERES = 1.0  # of the kit's user guide
_SETTLING = 3  # samples after a range switch; Nordic's application smooths as many
_OVERLOAD_REMEDY = "The kit measures up to 1 A: look for a short circuit, or measure with another meter."


class Ppk2(Meter):
    """A Power Profiler Kit II, by its serial protocol, at 100,000 samples a second with 8 digital inputs.

    Args:
        volts: the voltage that it supplies, or that the board is supplied with.
        supplies: True to power the board (source meter); False to measure between supply and board (ampere
            meter).
        serial_number: "" takes the only one.
        port: serial port, for a kit that cannot be found.
    """

    name = "ppk2"
    summary = "Nordic's Power Profiler Kit II, with digital inputs"
    has_logic = True

    def __init__(self, volts: float, supplies: bool, serial_number: str = "", port: str = "") -> None:
        self.volts, self._supplies = volts, supplies
        self._serial_number, self._port = serial_number or None, port or None

    @classmethod
    def from_table(cls, table: MeterTable) -> Self:
        return cls(table.volts, table.supplies, table.serial_number, table.port)

    def describe(self) -> str:
        with self._open() as kit:
            number = kit.info.serial_number or self._port
        return f"PPK2 {number}, {'supplying' if self._supplies else 'measuring at'} {self.volts:g} V"

    def power_up(self) -> None:
        with self._open() as kit:
            self._connect(kit)

    def samples(self, stopping: threading.Event) -> Iterator[np.ndarray]:
        with self._open() as kit:
            self._connect(kit)
            try:
                yield from self._stream(kit, stopping)
            except TransportError as error:
                raise _failure(f"it was unplugged while it measured, or hangs: {error}") from error

    @contextmanager
    def _open(self) -> Iterator[PPK2]:
        """Open the kit; what it powers stays powered."""
        try:
            kit = PPK2.open(serial_number=self._serial_number, port=self._port, simulate=False)
            try:
                yield kit
            finally:
                kit.close(restore_power=False)
        except Ppk2labError as error:
            raise _failure(str(error)) from error

    def _connect(self, kit: PPK2) -> None:
        kit.set_mode(Mode.SOURCE if self._supplies else Mode.AMPERE)
        kit.set_source_voltage_mv(round(self.volts * 1000))
        kit.set_dut_power(True)

    def _stream(self, kit: PPK2, stopping: threading.Event) -> Iterator[np.ndarray]:
        if kit.calibration is None or kit.calibration.missing_ranges():
            raise _failure("it reports no calibration")
        conversion = _Conversion(kit.calibration, self.volts)
        blocks: list[SampleBlock] = []
        with kit.stream() as events:
            for event in events:
                if not isinstance(event, SampleBlock):
                    at_s = event.index / _RATE_HZ
                    raise _failure(
                        f"samples were lost after {at_s:.3f} s, {event.missing or 'an unknown number'}"
                    )
                blocks.append(event)
                if sum(map(len, blocks)) >= _CONVERTED_AT_ONCE:
                    yield conversion.convert(blocks)
                    blocks.clear()
                if stopping.is_set():
                    return


class _Conversion:
    """The conversion of a kit's words to samples.

    The formula and the constants are those of Nordic's application (pc-nrfconnect-ppk, serialDevice.ts). The
    first samples after a switch of the range carry a spike of the switch, and take the value of the first one
    after them. Nordic's application takes a moving average there, which spreads a step over some 50 samples.
    Samples at the full scale of the ADC just before a switch are too low by an unknown amount, and are
    replaced in the same way. More of these in a row than a switch takes end the trace.
    """

    def __init__(self, calibration: Calibration, volts: float) -> None:
        rows = [(c.r, c.gs, c.gi, c.o, c.s, c.i, c.ug) for c in calibration.ranges if c is not None]
        self._constants = np.array(rows).T
        self._volts = volts
        self._words = np.empty(0, np.uint32)  # begins with samples that are returned already
        self._returned = 0

    def convert(self, blocks: list[SampleBlock]) -> np.ndarray:
        """Return the next samples; those that have not settled yet come with the next call."""
        self._words = np.concatenate([self._words, *(np.frombuffer(one.words, np.uint32) for one in blocks)])
        ranges, adc = self._words >> 14 & 7, self._words & _ADC_FULL_SCALE
        if (ranges > _HIGHEST_RANGE).any():
            raise _failure("a sample has a range that does not exist")
        switched = np.diff(ranges, prepend=ranges[0]) != 0
        for _ in range(_SETTLING - 1):
            switched[1:] |= switched[:-1].copy()
        saturated = adc == _ADC_FULL_SCALE
        if (at := _first_run(saturated, _SETTLING + 1)) is not None:
            raise _failure(
                f"its range {ranges[at] + 1} of {_HIGHEST_RANGE + 1} is saturated: the samples are too low",
                _OVERLOAD_REMEDY,
            )
        switched |= saturated
        settled = np.where(switched, len(ranges), np.arange(len(ranges)))
        source = np.minimum.accumulate(settled[::-1])[::-1]
        part = slice(self._returned, np.count_nonzero(source < len(ranges)))
        r, gs, gi, o, s, i, ug = self._constants[:, ranges[source[part]]]
        x = (adc[source[part]] * 4.0 - o) * (ADC_REFERENCE_FACTOR / r)
        amperes = ug * (x * (gs * x + gi) + s * self._volts + i)
        if amperes.max(initial=0.0) > _MOST_AMPERES:
            raise _failure(f"the current exceeds {_MOST_AMPERES:g} A", _OVERLOAD_REMEDY)
        logic = self._words[part] >> 24
        first = max(0, part.stop - _SETTLING)  # a switch before it is settled
        self._words, self._returned = self._words[first:], part.stop - first
        return samples_of(1 / _RATE_HZ, amperes * self._volts, amperes, logic)


def _first_run(values: np.ndarray, length: int) -> int | None:
    """Return where the first run of so many true values begins; None without one."""
    if len(values) < length or not values.any():
        return None
    runs = np.lib.stride_tricks.sliding_window_view(values, length).all(axis=1)
    return int(runs.argmax()) if runs.any() else None


def _failure(
    what: str, remedy: str = "Check its USB cable and what else uses it, then repeat the measurement."
) -> MeterFailed:
    return MeterFailed(what, where="PPK2", remedy=remedy)
