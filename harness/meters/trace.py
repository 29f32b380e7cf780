"""Traces: the samples of a power meter, kept in a file and read in blocks, however long they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SAMPLE = np.dtype([("seconds", "<f4"), ("watts", "<f4"), ("amperes", "<f4"), ("logic", "u1")])
"""A sample: its length, its mean power and current, and the digital inputs, input N as bit N.

The current is NaN from a meter that counts energy."""

_BLOCK = 100_000  # samples


@dataclass(frozen=True)
class Trace:
    """Samples of a power meter without a gap.

    Attributes:
        file: the samples, each a `SAMPLE`.
        has_logic: False if the meter has no digital inputs.
    """

    file: Path
    has_logic: bool

    def blocks(self, begin_s: float = 0.0, end_s: float = math.inf) -> Iterator[np.ndarray]:
        """Yield the samples between two times in order.

        At most 100,000 at a time, so that a long trace needs no memory.
        """
        samples, ended_s = np.memmap(self.file, SAMPLE, "r"), 0.0
        for start in range(0, len(samples), _BLOCK):
            block = samples[start : start + _BLOCK]
            ends_s = ended_s + np.cumsum(block["seconds"], dtype=np.float64)
            ended_s = float(ends_s[-1])
            if ended_s > begin_s:
                yield block[
                    np.searchsorted(ends_s, begin_s, "right") : np.searchsorted(ends_s, end_s, "right")
                ]
            if ended_s > end_s:
                return


def samples_of(
    seconds: float | np.ndarray, watts: np.ndarray, amperes: float | np.ndarray, logic: int | np.ndarray = 0
) -> np.ndarray:
    """Return an array of `SAMPLE` from its columns."""
    samples = np.empty(len(watts), SAMPLE)
    samples["seconds"], samples["watts"] = seconds, watts
    samples["amperes"], samples["logic"] = amperes, logic
    return samples
