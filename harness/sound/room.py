"""Impulse responses of simulated rooms, from the talker's mouth to the microphone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, floor, prod, sqrt

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from models.data.wav import SAMPLE_RATE_HZ

SPEED_OF_SOUND_M_S = 343.0

NEAREST_M = 0.1
"""A nearer mouth is no point source."""

_WALL_M = 0.37  # from the microphone to the nearest wall
_MARGIN_M = 0.3  # from a talker's mouth to the farthest one
_HEIGHT_M = 1.1  # of the microphone: on a table
_MOUTH_ABOVE_M = 0.31  # a talker sits or stands before the table
_ASIDE = 0.43  # of the width; odd numbers, so that no two reflections arrive together
_SMALLEST_M, _LARGEST_M = 2.0, 50.0  # of each side
_HIGHEST_ORDER = 125  # of reflections: 2.6 million images, 0.8 s and 0.7 GB; it grows with the cube


@dataclass(frozen=True)
class Room:
    """A rectangular room with a microphone, and a talker in front of it.

    Attributes:
        size_m: length, width and height.
        distance_m: from talker to microphone.
        rt60_s: reverberation time.
    """

    size_m: tuple[float, float, float]
    distance_m: float
    rt60_s: float

    def check(self, where: str) -> None:
        """Check that the room can exist and be simulated.

        Raises:
            UsageError: the talker does not fit in, or a room of this size cannot have the reverberation time;
                `where` names the condition, the remedy the possible range.
        """
        size = " × ".join(f"{length:g}" for length in self.size_m) + " m"
        if not all(_SMALLEST_M <= length <= _LARGEST_M for length in self.size_m):
            raise UsageError(
                f"a room of {size} cannot be simulated",
                where=where,
                remedy=f"Give length, width and height between {_SMALLEST_M:g} and {_LARGEST_M:g} m.",
            )
        farthest_m = _farthest_m(self.size_m)
        if self.distance_m > farthest_m:
            raise UsageError(
                f"a talker at {self.distance_m:g} m does not fit into a room of {size}",
                where=where,
                remedy=f"Give at most {floor(farthest_m * 100) / 100:g} m, or a larger room.",
            )
        shortest_s, longest_s = _possible_rt60_s(self.size_m)
        if not shortest_s <= self.rt60_s <= longest_s:
            raise UsageError(
                f"a room of {size} cannot have a reverberation time of {self.rt60_s:g} s",
                where=where,
                remedy=f"Give {ceil(shortest_s * 100) / 100:g} to {floor(longest_s * 100) / 100:g} s, or a "
                f"{'smaller' if self.rt60_s < shortest_s else 'larger'} room.",
            )

    def reverberate(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the sound at the microphone of a talker who would be as loud as recorded at 1 m.

        Args:
            samples: (N,)

        Returns:
            (N + reverberation,): the direct sound keeps its place. From 1 m to 2 m it loses 6 dB, the
            reverberation nothing.
        """
        from scipy.signal import fftconvolve  # takes half a second, and most commands add no room

        near = _impulse_response(replace(self, distance_m=1.0))
        response = _impulse_response(self)
        response = response / np.sqrt(np.square(near).sum())
        return fftconvolve(samples, response).astype(np.float32)


@lru_cache(maxsize=64)
def _impulse_response(room: Room) -> NDArray[np.float32]:
    """Compute the response from the direct sound, its first sample, until it has fallen by 60 dB.

    Image source method with the absorption of Sabine's formula (pyroomacoustics). Measured on the responses
    at 2 m in 5 × 4 × 2.7 m, the reverberation time is 0.18, 0.29, 0.53 and 0.89 s for requested 0.2, 0.3, 0.5
    and 0.8 s. The distance is rounded to whole samples (2.1 cm), so that the direct sound is one sample
    instead of an interpolation of which half would be cut off.
    """
    import pyroomacoustics  # takes half a second

    delay = round(room.distance_m / SPEED_OF_SOUND_M_S * SAMPLE_RATE_HZ)
    microphone, mouth = _places(room.size_m, delay / SAMPLE_RATE_HZ * SPEED_OF_SOUND_M_S)
    absorption, order = pyroomacoustics.inverse_sabine(room.rt60_s, room.size_m, c=SPEED_OF_SOUND_M_S)
    settings = pyroomacoustics.constants
    settings.set("c", SPEED_OF_SOUND_M_S)
    settings.set("num_threads", 1)  # of several the sums come in another order
    simulated = pyroomacoustics.ShoeBox(
        room.size_m, fs=SAMPLE_RATE_HZ, materials=pyroomacoustics.Material(absorption), max_order=order
    )
    simulated.add_source(mouth)
    simulated.add_microphone(microphone)
    simulated.compute_rir()
    start = delay + settings.get("frac_delay_length") // 2
    response = simulated.rir[0][0][start : start + round(room.rt60_s * SAMPLE_RATE_HZ)]
    return np.asarray(response, np.float32)


def _places(dimensions: tuple[float, float, float], distance_m: float) -> tuple[list[float], list[float]]:
    """Place microphone and mouth: near a short wall, the talker along the room and a little higher."""
    length_m, width_m = sorted(dimensions[:2], reverse=True)
    height_m = min(_HEIGHT_M, 0.4 * dimensions[2])
    above_m = _above_m(dimensions, distance_m)
    along_m = sqrt(distance_m**2 - above_m**2)
    microphone = [_WALL_M, _ASIDE * width_m, height_m]
    mouth = [_WALL_M + along_m, _ASIDE * width_m, height_m + above_m]
    if dimensions[0] != length_m:  # the room's first side is the short one
        microphone[:2], mouth[:2] = microphone[1::-1], mouth[1::-1]
    return microphone, mouth


def _above_m(dimensions: tuple[float, float, float], distance_m: float) -> float:
    return min(_MOUTH_ABOVE_M, 0.2 * dimensions[2], distance_m / 2)


def _farthest_m(dimensions: tuple[float, float, float]) -> float:
    """The largest distance that `_places` keeps from the wall."""
    along_m = max(dimensions[:2]) - _WALL_M - _MARGIN_M
    return sqrt(along_m**2 + _above_m(dimensions, 2 * along_m) ** 2)


def _possible_rt60_s(dimensions: tuple[float, float, float]) -> tuple[float, float]:
    """Return the shortest time of Sabine's formula (walls absorb everything) and the longest we compute."""
    length_m, width_m, height_m = dimensions
    surface = 2 * (length_m * width_m + length_m * height_m + width_m * height_m)
    shortest_s = 24 * np.log(10) * prod(dimensions) / (SPEED_OF_SOUND_M_S * surface)
    pairs = ((length_m, width_m), (length_m, height_m), (width_m, height_m))
    # Each order of reflections reaches further by at least this.
    narrowest_m = min(a * b / sqrt(a**2 + b**2) for a, b in pairs)
    return float(shortest_s), (_HIGHEST_ORDER + 1) * narrowest_m / SPEED_OF_SOUND_M_S
