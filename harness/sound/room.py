"""Impulse responses of simulated rooms, from the talker's mouth to the microphone."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor, prod, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from harness.errors import UsageError
from harness.sound.playback_plan import Condition
from models.data.wav import SAMPLE_RATE_HZ

SPEED_OF_SOUND_M_S = 343.0

NEAREST_M = 0.1
"""Nearer than this a mouth is no point any more."""

_WALL_M = 0.37  # from the microphone to the nearest wall
_MARGIN_M = 0.3  # from a talker's mouth to the farthest one
_HEIGHT_M = 1.1  # of the microphone: on a table
_MOUTH_ABOVE_M = 0.31  # a talker sits or stands before the table
_ASIDE = 0.43  # of the width; odd numbers, so that no two reflections arrive together
_SMALLEST_M, _LARGEST_M = 2.0, 50.0
_HIGHEST_ORDER = 125  # of reflections: 2.6 million images, 0.8 s and 0.7 GB; it grows with the cube


def check_room(condition: Condition) -> None:
    """Whether a condition's room can be.

    Raises:
        UsageError: a distance that does not fit in, a reverberation time that such a room does not have, or
            one without the other; with what would do.
    """
    where = f'condition "{condition.name}"'
    distance_m, rt60_s = condition.distance_m, condition.rt60_s
    if distance_m is None:
        if rt60_s is not None:
            raise UsageError(
                "a reverberation time without a distance", where=where, remedy="Give the distance as well."
            )
        return
    if rt60_s is None:
        if distance_m < NEAREST_M:
            raise _too_near(distance_m, where)
        return
    dimensions = condition.room_m
    if not all(_SMALLEST_M <= length <= _LARGEST_M for length in dimensions):
        raise UsageError(
            f"a room of {_size(dimensions)} is none",
            where=where,
            remedy=f"Give length, width and height between {_SMALLEST_M:g} and {_LARGEST_M:g} m.",
        )
    farthest_m = _farthest_m(dimensions)
    if distance_m < NEAREST_M:
        raise _too_near(distance_m, where)
    if distance_m > farthest_m:
        raise UsageError(
            f"a talker at {distance_m:g} m does not fit into a room of {_size(dimensions)}",
            where=where,
            remedy=f"Give at most {floor(farthest_m * 100) / 100:g} m, or a larger room.",
        )
    shortest_s, longest_s = _possible_rt60_s(dimensions)
    if not shortest_s <= rt60_s <= longest_s:
        raise UsageError(
            f"a room of {_size(dimensions)} cannot have a reverberation time of {rt60_s:g} s here",
            where=where,
            remedy=f"Give {ceil(shortest_s * 100) / 100:g} to {floor(longest_s * 100) / 100:g} s, or a "
            f"{'smaller' if rt60_s < shortest_s else 'larger'} room.",
        )


def in_room(samples: NDArray[np.float32], condition: Condition) -> NDArray[np.float32]:
    """What reaches the microphone of a talker who would be as loud as recorded at 1 m in the same room.

    Args:
        samples: (N,)
        condition: with a room that `check_room` accepts; without a distance the sound stays as it is.

    Returns:
        (N + reverberation,): the direct sound stands where it stood in `samples`. From 1 m to 2 m it loses
        6 dB, the reverberation nothing.
    """
    if condition.distance_m is None:
        return samples
    if condition.rt60_s is None:
        return samples / np.float32(condition.distance_m)
    near = _impulse_response(condition.room_m, 1.0, condition.rt60_s)
    response = _impulse_response(condition.room_m, condition.distance_m, condition.rt60_s)
    response = response / np.sqrt(np.square(near).sum())
    return fftconvolve(samples, response).astype(np.float32)


@lru_cache(maxsize=64)
def _impulse_response(
    dimensions: tuple[float, float, float], distance_m: float, rt60_s: float
) -> NDArray[np.float32]:
    """From the direct sound, its first sample, on until the reverberation has fallen by 60 dB.

    By the image source method with the absorption that Sabine's formula gives (pyroomacoustics). Measured on
    the responses at 2 m in 5 × 4 × 2.7 m, the reverberation time is 0.18, 0.29, 0.53 and 0.89 s where 0.2,
    0.3, 0.5 and 0.8 s were asked for. The distance is rounded to whole samples (2.1 cm), so that the direct
    sound is one sample instead of an interpolation of which half would be cut off.
    """
    import pyroomacoustics  # takes half a second

    delay = round(distance_m / SPEED_OF_SOUND_M_S * SAMPLE_RATE_HZ)
    microphone, mouth = _places(dimensions, delay / SAMPLE_RATE_HZ * SPEED_OF_SOUND_M_S)
    absorption, order = pyroomacoustics.inverse_sabine(rt60_s, dimensions, c=SPEED_OF_SOUND_M_S)
    settings = pyroomacoustics.constants
    settings.set("c", SPEED_OF_SOUND_M_S)
    settings.set("num_threads", 1)  # of several the sums come in another order
    room = pyroomacoustics.ShoeBox(
        dimensions,
        fs=SAMPLE_RATE_HZ,
        materials=pyroomacoustics.Material(absorption),
        max_order=order,
    )
    room.add_source(mouth)
    room.add_microphone(microphone)
    room.compute_rir()
    start = delay + settings.get("frac_delay_length") // 2
    response = room.rir[0][0][start : start + round(rt60_s * SAMPLE_RATE_HZ)]
    return np.asarray(response, np.float32)


def _places(dimensions: tuple[float, float, float], distance_m: float) -> tuple[list[float], list[float]]:
    """Microphone and mouth: near one of the short walls, the talker along the room and a little higher."""
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
    """The shortest that Sabine gives, with walls that absorb all, and the longest that is computed."""
    length_m, width_m, height_m = dimensions
    surface = 2 * (length_m * width_m + length_m * height_m + width_m * height_m)
    shortest_s = 24 * np.log(10) * prod(dimensions) / (SPEED_OF_SOUND_M_S * surface)
    pairs = ((length_m, width_m), (length_m, height_m), (width_m, height_m))
    narrowest_m = min(
        a * b / sqrt(a**2 + b**2) for a, b in pairs
    )  # that each order reaches further, at least
    return float(shortest_s), (_HIGHEST_ORDER + 1) * narrowest_m / SPEED_OF_SOUND_M_S


def _too_near(distance_m: float, where: str) -> UsageError:
    return UsageError(
        f"a talker at {distance_m:g} m is too near", where=where, remedy=f"Give at least {NEAREST_M:g} m."
    )


def _size(dimensions: tuple[float, float, float]) -> str:
    return " × ".join(f"{length:g}" for length in dimensions) + " m"
