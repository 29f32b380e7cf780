"""Jetperch's Joulescope JS220."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

import numpy as np

from harness.bench_file import MeterTable
from harness.errors import MeterFailed
from harness.meters.meter import Meter
from harness.meters.trace import samples_of

_INPUTS = range(4)
_SIGNALS = {"s/i": "the current", "s/v": "the voltage", **{f"s/gpi/{n}": f"input {n}" for n in _INPUTS}}
_RANGE_MODES = {"s/i/range/mode": "auto", "s/v/range/mode": "auto"}
"""Ranges that follow the signal; the current's mode "off" would cut the board's supply."""
_REMOVED = "@/!remove"
_TICKS = 20
"""Ticks of the meter's clock of 2 MHz in a sample of the trace: 10 µs, that is 10 values of current and of
voltage, and 20 of an input."""
_MOST_AMPERES, _MOST_VOLTS = 10.0, 15.0  # names of the largest ranges in Joulescope's application (js220.py)
_SATURATED = 0.99  # of the full scale: the values are calibrated
_LONGEST_SILENCE_S = 2.0
_MOST_MESSAGES = 600
"""Capacity of the queue of messages, about 3 s. Further ones are dropped; the next one shows the gap."""


class Joulescope(Meter):
    """A JS220 with 4 digital inputs, read with its maker's driver and kept as means over 10 µs.

    The driver sends 1,000,000 values of current and of voltage a second, and 2,000,000 of each input. Samples
    average the products of current and voltage, so that no energy is lost.

    Args:
        serial_number: "" takes the only one.
    """

    name = "joulescope"
    summary = "Jetperch's Joulescope JS220, with digital inputs"
    has_logic = True

    def __init__(self, serial_number: str = "") -> None:
        self._serial_number = serial_number

    @classmethod
    def from_table(cls, table: MeterTable) -> Self:
        return cls(table.serial_number)

    def describe(self) -> str:
        with _driver() as driver:
            return f"Joulescope JS220 {self._find(driver).rpartition('/')[2]}"

    def power_up(self) -> None:
        with self._open():
            pass

    def samples(self, stopping: threading.Event) -> Iterator[np.ndarray]:
        messages: queue.Queue[tuple[str, Any]] = queue.Queue(_MOST_MESSAGES)

        def receive(topic: str, value: Any) -> None:  # in the driver's thread, whose exceptions are lost
            with suppress(queue.Full):
                messages.put_nowait((topic, value))

        with self._open() as (driver, path):
            driver.subscribe(_REMOVED, "pub", receive)
            for signal in _SIGNALS:
                driver.subscribe(f"{path}/{signal}/!data", "pub", receive)
                driver.publish(f"{path}/{signal}/ctrl", 1)
            try:
                yield from self._convert(path, messages, stopping)
            finally:
                for signal in _SIGNALS:
                    with suppress(RuntimeError, TimeoutError):  # it may be unplugged
                        driver.publish(f"{path}/{signal}/ctrl", 0)

    def _convert(
        self, path: str, messages: queue.Queue[tuple[str, Any]], stopping: threading.Event
    ) -> Iterator[np.ndarray]:
        signals = {f"{path}/{signal}/!data": _Signal(name) for signal, name in _SIGNALS.items()}
        amperes, volts, *inputs = signals.values()
        deadline = time.monotonic() + _LONGEST_SILENCE_S
        while not stopping.is_set():
            try:
                topic, message = messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                silent = min(signals.values(), key=lambda one: one.end)
                raise _failure(f"it sends no samples of {silent.name}: it was unplugged, or hangs") from None
            if topic == _REMOVED:
                if message == path:
                    raise _failure("it was unplugged while it measured")
                continue
            signals[topic].add(message)
            if count := _align(list(signals.values())):
                i, v = amperes.take(count), volts.take(count)
                check_range(i, v)
                logic = sum(one.take(count)[:, _TICKS // 2] << n for n, one in enumerate(inputs))
                watts = np.multiply(i, v, dtype=np.float64).mean(axis=1)
                yield samples_of(_TICKS / amperes.rate_hz, watts, i.mean(axis=1), logic)
                deadline = time.monotonic() + _LONGEST_SILENCE_S

    @contextmanager
    def _open(self) -> Iterator[tuple[Any, str]]:
        """Open the meter, which passes the supply to the board."""
        with _driver() as driver:
            path = self._find(driver)
            try:
                driver.open(path, mode="restore")
                try:
                    for topic, value in _RANGE_MODES.items():
                        driver.publish(f"{path}/{topic}", value)
                    yield driver, path
                finally:
                    with suppress(RuntimeError, TimeoutError):  # what happened before is the cause
                        driver.close(path)
            except (RuntimeError, TimeoutError) as error:
                raise _failure(f"its driver gave up: {error}") from error

    def _find(self, driver: Any) -> str:
        paths = driver.device_paths()
        fitting = []
        for path in paths:
            _, model, number = path.split("/")  # such as u/js220/002122
            if model == "js220" and self._serial_number in ("", number):
                fitting.append(path)
        if len(fitting) == 1:
            return fitting[0]
        there = ", ".join(path.partition("/")[2] for path in paths) or "none"
        raise _failure(
            f"{len(fitting)} JS220 {'have that serial number' if self._serial_number else 'are connected'}",
            f"Connected: {there}. Connect one, or name one as `serial_number` in the bench file. "
            "A JS110 cannot be used: its driver does not report lost samples.",
        )


class _Signal:
    """Values of a signal that wait for those of other signals; `begin` and `end` are ticks of the meter."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.begin = self.end = self.rate_hz = 0
        self._step = 1
        self._parts: list[np.ndarray] = []

    def add(self, message: dict[str, Any]) -> None:
        """Append a message of the driver.

        Raises:
            MeterFailed: the message does not continue the one before.
        """
        values, begin = message["data"], message["sample_id"]
        if values.dtype == np.uint8:
            values = np.unpackbits(values, bitorder="little")
        self._step, self.rate_hz = message["decimate_factor"], message["sample_rate"]
        if not self.end:
            self.begin = begin
        elif begin != self.end:
            raise _failure(
                f"samples were lost: {(begin - self.end) / self.rate_hz * 1e3:g} ms of {self.name}"
            )
        self.end = begin + len(values) * self._step
        self._parts.append(values)

    def skip_to(self, tick: int) -> None:
        """Leave out the values before a tick."""
        self._parts = [np.concatenate(self._parts)[(tick - self.begin) // self._step :]]
        self.begin = tick

    def take(self, count: int) -> np.ndarray:
        """Return the values of the next samples of the trace, one row for each."""
        length = count * _TICKS // self._step
        values = np.concatenate(self._parts)
        self._parts = [values[length:]]
        self.begin += count * _TICKS
        return values[:length].reshape(count, -1)


def _align(signals: list[_Signal]) -> int:
    """Align signals to the same tick; return the number of the trace's samples that all of them have."""
    if not all(one.end for one in signals):
        return 0
    begin = max(one.begin for one in signals)
    begin = math.ceil(begin / _TICKS) * _TICKS
    end = min(one.end for one in signals)
    if end - begin < _TICKS:
        return 0
    for one in signals:
        if one.begin != begin:
            one.skip_to(begin)
    return (end - begin) // _TICKS


def check_range(amperes: np.ndarray, volts: np.ndarray | None) -> None:
    """Raise MeterFailed for values that are missing, or at the end of the largest range.

    Args:
        volts: None if the voltage was not measured.
    """
    for values, most, unit in ((amperes, _MOST_AMPERES, "A"), (volts, _MOST_VOLTS, "V")):
        if values is None:
            continue
        if np.isnan(values).any():
            raise _failure("it measured nothing for a while: values are missing")
        if max(values.max(), -values.min()) >= _SATURATED * most:
            raise _failure(
                f"its largest range, {most:g} {unit}, is saturated: the samples are too low",
                "Look for a short circuit, or measure with another meter.",
            )


@contextmanager
def _driver() -> Iterator[Any]:
    try:
        from pyjoulescope_driver import Driver
    except ImportError as error:
        raise _failure(
            "its driver is not installed",
            "Install it: make setup, or pip install pyjoulescope_driver. "
            "For Linux on ARM there is none beside NumPy 1.",
        ) from error
    try:
        driver = Driver()
    except (RuntimeError, TimeoutError) as error:
        raise _failure(f"its driver does not start: {error}") from error
    driver.log_level = "off"  # it would print to stderr
    with driver:
        yield driver


def _failure(
    what: str,
    remedy: str = "Check its USB cable, what else uses it, and Joulescope's udev rules; then measure again.",
) -> MeterFailed:
    return MeterFailed(what, where="Joulescope", remedy=remedy)
