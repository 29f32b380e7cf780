"""What the pages of recordings are given: numbers that were computed elsewhere, and facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Waveform(Protocol):
    """Lowest and highest sample of each stretch, as `models.views.Waveform`."""

    @property
    def start_s(self) -> NDArray[np.float64]:
        """(B,) seconds."""

    @property
    def low(self) -> NDArray[np.float64]:
        """(B,) re full scale."""

    @property
    def high(self) -> NDArray[np.float64]:
        """(B,) re full scale."""

    @property
    def method(self) -> str:
        """How it was made."""


class Spectrum(Protocol):
    """Level by frequency, as `models.views.Spectrum`."""

    @property
    def hz(self) -> NDArray[np.float64]:
        """(F,)."""

    @property
    def dbfs(self) -> NDArray[np.float64]:
        """(F,)."""

    @property
    def method(self) -> str:
        """How it was made."""


class Image(Protocol):
    """A view over time, as `models.views.Image`."""

    @property
    def values(self) -> NDArray[Any]:
        """(T, R)."""

    @property
    def rows(self) -> NDArray[np.float64]:
        """(R,) Hz, or indices."""

    @property
    def first_s(self) -> float:
        """Start of the first column."""

    @property
    def column_s(self) -> float:
        """From column to column."""

    @property
    def method(self) -> str:
        """How it was made."""


class Views(Protocol):
    """The six of a recording, as `models.views.Views`."""

    @property
    def waveform(self) -> Waveform:
        """The samples."""

    @property
    def spectrum(self) -> Spectrum:
        """Of the whole recording."""

    @property
    def spectrogram(self) -> Image:
        """Levels, dBFS."""

    @property
    def mel(self) -> Image:
        """Levels of the bands, dBFS."""

    @property
    def mfcc(self) -> Image:
        """Coefficients from 0 on."""

    @property
    def micro(self) -> Image:
        """Features, uint16."""


@dataclass(frozen=True)
class Times:
    """What is marked along the time axis, in seconds.

    Attributes:
        duration_s: of the recording.
        active_s: start and end of what is said.
        model_s: start and end of the slices that a model looks at.
    """

    duration_s: float
    active_s: tuple[float, float]
    model_s: tuple[float, float]

    @property
    def end_s(self) -> float:
        """Of the axis: all plots have the same."""
        return max(self.duration_s, self.model_s[1])


@dataclass(frozen=True)
class Facts:
    """What is known of a recording.

    Attributes:
        name: for people: its path in its folder.
        word, label, source: as its manifest has it; empty where it is in none.
        sha256: of the file, 64 hex digits.
        reading: what was converted to read it as 16 kHz mono; empty if nothing was.
        samples: how many there are then.
        peak: the largest magnitude re full scale, 0 to 1.
        rms_dbfs: of all of it.
        clipped: how many samples stand at full scale.
        active_s: start and end of what is said, all of it where nothing stands out.
        feature_crc: CRC-32 of the features of the first second, as a board tells it; None of none.
        remarks: what is wrong with it, each with what to try.
    """

    name: str
    word: str
    label: str
    source: str
    sha256: str
    reading: str
    samples: int
    duration_s: float
    peak: float
    rms_dbfs: float
    clipped: int
    active_s: tuple[float, float]
    feature_crc: int | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Glance:
    """A recording of a night in a line: the facts, and three small views; None of one too short for any."""

    facts: Facts
    waveform: Waveform
    mel: Image | None
    micro: Image | None
