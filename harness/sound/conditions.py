"""Acoustic conditions of a playback plan: level, noise, room and microphone gain, alone or in a sweep."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import isfinite
from pathlib import Path

from harness.errors import UsageError
from harness.records.field_record import Condition
from harness.sound.room import NEAREST_M, Room
from harness.sound.sound_files import repeated
from models.store import sha256_of

NOISES = ("white", "pink", "hum", "babble")
"""The generated kinds of noise; any other name is a WAV file's."""

_RANGES = {
    "level_dbfs": (-80.0, 0.0),
    "snr_db": (-30.0, 80.0),
    "background_dbfs": (-100.0, 0.0),
    "gain_db": (-60.0, 60.0),
}


def room_of(condition: Condition) -> Room | None:
    """Return the reverberating room of a condition, if there is one."""
    if condition.distance_m is None or condition.rt60_s is None:
        return None
    return Room(condition.room_m, condition.distance_m, condition.rt60_s)


def sweep(
    snrs_db: Sequence[float] = (),
    distances_m: Sequence[float] = (),
    *,
    rt60_s: float | None = None,
    noise: str = "",
    level_dbfs: float | None = None,
    gain_db: float = 0.0,
) -> tuple[Condition, ...]:
    """Return all combinations, named like "2 m, 10 dB"; one condition if there is nothing to combine.

    See `Condition`. Without ratios there is no noise but the background, without distances no room. The noise
    "" is white.

    Raises:
        UsageError: a reverberation without a distance, or a noise without a signal-to-noise ratio.
    """
    if rt60_s is not None and not distances_m:
        raise UsageError("--rt60 needs --distance", remedy="Add --distance, such as --distance 1,2,4.")
    if noise and not snrs_db:
        raise UsageError("--noise needs --snr", where=noise, remedy="Add --snr, such as --snr 20,10,0.")
    distances: Sequence[float | None] = distances_m or [None]
    snrs: Sequence[float | None] = snrs_db or [None]
    conditions = [
        Condition(
            name="",
            level_dbfs=level_dbfs,
            snr_db=snr_db,
            noise=noise or NOISES[0],
            distance_m=distance_m,
            rt60_s=rt60_s,
            gain_db=gain_db,
        )
        for distance_m, snr_db in product(distances, snrs)
    ]
    return tuple(dict.fromkeys(replace(condition, name=_name_of(condition)) for condition in conditions))


def _name_of(condition: Condition) -> str:
    distance_m, snr_db, level_dbfs = condition.distance_m, condition.snr_db, condition.level_dbfs
    parts = ["" if distance_m is None else f"{distance_m:g} m", "" if snr_db is None else f"{snr_db:g} dB"]
    if named := ", ".join(filter(None, parts)):
        return named
    level = "as recorded" if level_dbfs is None else f"{level_dbfs:g} dBFS"
    return f"{level}, gain {condition.gain_db:+g} dB" if condition.gain_db else level


def check_conditions(conditions: Sequence[Condition]) -> None:
    """Check that conditions can be played, without looking at their noise files.

    Raises:
        UsageError: no condition, two with one name, a value out of range, or an impossible room.
    """
    if not conditions:
        raise UsageError("the plan has no condition", remedy="Give at least one.")
    names = [condition.name for condition in conditions]
    for condition in conditions:
        if not condition.name or names.count(condition.name) > 1:
            raise UsageError(
                f'condition names must be unique and not empty; "{condition.name}" is not',
                remedy="Give each condition another name.",
            )
        _check_values(condition, f'condition "{condition.name}"')


def _check_values(condition: Condition, where: str) -> None:
    for field, (lowest, highest) in _RANGES.items():
        value = getattr(condition, field)
        if value is not None and not lowest <= value <= highest:
            raise UsageError(
                f"{field} cannot be {value:g}", where=where, remedy=f"Give {lowest:g} to {highest:g}."
            )
    distance_m, rt60_s = condition.distance_m, condition.rt60_s
    lengths = (distance_m, rt60_s, *condition.room_m)
    if not all(length is None or (isfinite(length) and length > 0) for length in lengths):
        raise UsageError(
            "distances, reverberation times and rooms must be larger than 0",
            where=where,
            remedy="Give meters and seconds.",
        )
    if distance_m is None and rt60_s is not None:
        raise UsageError(
            "a reverberation time needs a distance", where=where, remedy="Give the distance as well."
        )
    if distance_m is not None and distance_m < NEAREST_M:
        raise UsageError(
            f"a talker at {distance_m:g} m is too near", where=where, remedy=f"Give at least {NEAREST_M:g} m."
        )
    if room := room_of(condition):
        room.check(where)


def with_noise_files(conditions: Sequence[Condition], folder: Path) -> tuple[Condition, ...]:
    """Resolve noise files to paths relative to a plan's folder, and add their hashes.

    Args:
        conditions: a noise outside NOISES is a file's path, relative to the working directory.
        folder: the plan's.

    Raises:
        UsageError: a noise file is missing, is no sound, or is shorter than a second.
    """
    return tuple(
        condition if condition.noise in NOISES else _with_noise_file(condition, folder)
        for condition in conditions
    )


def _with_noise_file(condition: Condition, folder: Path) -> Condition:
    path = Path(condition.noise)
    if not path.is_file():
        raise UsageError(
            f'"{condition.noise}" is neither a kind of noise nor a file',
            where=f'condition "{condition.name}"',
            remedy=f"Give {', '.join(NOISES)}, or a WAV file's path.",
        )
    repeated(path, 0, 1)  # raises if the file cannot be played
    return replace(condition, noise=relative_to(path, folder), noise_sha256=sha256_of(path))


def relative_to(path: Path, folder: Path) -> str:
    """Return a path as seen from a folder, with `/` between its parts."""
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
