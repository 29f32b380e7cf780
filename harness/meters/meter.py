"""The interface of a power meter."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from harness.bench_file import MeterTable
from harness.errors import MeterFailed
from harness.meters.trace import Trace

_LONGEST_WAIT_S = 30.0  # for a meter's last samples


class Meter(ABC):
    """A power meter: `start`, any number of `mark`, then `stop`.

    A subclass names its kind after its module, see `harness.meters.registry`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    has_logic = False  # True for a meter with digital inputs

    @classmethod
    @abstractmethod
    def from_table(cls, table: MeterTable) -> Self:
        """Return the meter of a bench file's table [meter], not opened yet."""

    @abstractmethod
    def samples(self, stopping: threading.Event) -> Iterator[np.ndarray]:
        """Open the meter and yield arrays of `trace.SAMPLE` without a gap until `stopping` is set.

        Raises:
            MeterFailed: the meter is missing, vanished, lost samples, or measured beyond its range.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return the meter and its settings in a few words, for reports and `earshot doctor`.

        Raises:
            MeterFailed: there is no such meter.
        """

    def power_up(self) -> None:  # noqa: B027 - most meters have nothing to do
        """Power the board, if the meter does that; the power stays on.

        Raises:
            MeterFailed: the meter is missing.
        """

    def start(self, file: Path) -> None:
        """Record into a file, and return when the first samples are there.

        Raises:
            MeterFailed: see `samples`.
        """
        self._file = file
        self._failure: MeterFailed | None = None
        self._recorded_s = 0.0
        self._stopping, self._first = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._record, name=self.name, daemon=True)
        self._thread.start()
        self._first.wait(_LONGEST_WAIT_S)
        if self._failure or not self._first.is_set():
            self.stop()

    def so_far(self) -> Trace:
        """Return the trace up to now; the recording goes on.

        Raises:
            MeterFailed: the trace broke off; see `samples`.
        """
        if self._failure:
            raise self._failure
        return Trace(self._file, self.has_logic)

    def mark(self) -> float:
        """Return the length of the trace in seconds; it lags behind by some hundredths of a second.

        Raises:
            MeterFailed: the trace broke off; see `samples`.
        """
        if self._failure:
            raise self._failure
        return self._recorded_s

    def stop(self) -> Trace:
        """Stop recording.

        Raises:
            MeterFailed: the trace is not whole; see `samples`. Its file stays.
        """
        self._stopping.set()
        self._thread.join(_LONGEST_WAIT_S)
        if self._failure:
            raise self._failure
        if self._thread.is_alive() or not self._first.is_set():
            raise MeterFailed(
                f"no sample for {_LONGEST_WAIT_S:.0f} s",
                where=self.name,
                remedy="Unplug the meter, plug it in again, and repeat the measurement.",
            )
        return Trace(self._file, self.has_logic)

    def _record(self) -> None:
        try:
            with self._file.open("wb") as file:
                for samples in self.samples(self._stopping):
                    self._first.set()
                    samples.tofile(file)
                    self._recorded_s += float(samples["seconds"].sum(dtype=np.float64))
        except MeterFailed as failure:
            self._failure = failure
        except OSError as error:
            self._failure = MeterFailed(
                f"the samples could not be kept: {error.strerror}",
                where=str(self._file),
                remedy="A trace takes 80 MB a minute at 100,000 samples a second.",
            )
        finally:
            self._first.set()
