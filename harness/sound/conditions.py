"""Which conditions can be: levels within reason, rooms that exist, noise that is there and no silence."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path

from harness.errors import UsageError
from harness.sound.playback_plan import NOISES, Condition
from harness.sound.room import check_room
from harness.sound.sources import repeated
from models.store import sha256_of

_RANGES = {
    "level_dbfs": (-80.0, 0.0),
    "snr_db": (-30.0, 80.0),
    "background_dbfs": (-100.0, 0.0),
    "gain_db": (-60.0, 60.0),
}


def check_conditions(conditions: Sequence[Condition]) -> None:
    """Whether conditions can be played, as far as one can know without their files.

    Raises:
        UsageError: none at all, two of one name, a value out of range, or a room that cannot be.
    """
    if not conditions:
        raise UsageError("a plan without a condition", remedy="Give at least one.")
    names = [condition.name for condition in conditions]
    for name in names:
        if not name or names.count(name) > 1:
            raise UsageError(
                f'conditions need names of their own, and "{name}" is not', remedy="Give each another name."
            )
    for condition in conditions:
        for field, (lowest, highest) in _RANGES.items():
            value = getattr(condition, field)
            if value is not None and not lowest <= value <= highest:
                raise UsageError(
                    f"{field} cannot be {value:g}",
                    where=f'condition "{condition.name}"',
                    remedy=f"Give {lowest:g} to {highest:g}.",
                )
        lengths = (condition.distance_m, condition.rt60_s, *condition.room_m)
        if not all(length is None or (isfinite(length) and length > 0) for length in lengths):
            raise UsageError(
                "distances, reverberation times and rooms are larger than 0",
                where=f'condition "{condition.name}"',
                remedy="Give meters and seconds.",
            )
        check_room(condition)


def with_noise_files(conditions: Sequence[Condition], folder: Path) -> tuple[Condition, ...]:
    """The conditions with the files of their noises named from a plan's folder, and their hashes.

    Args:
        conditions: a noise that is none of NOISES is a file's path, relative to the working directory.
        folder: the plan's.

    Raises:
        UsageError: such a file is not there, is no sound, or is shorter than a second.
    """
    return tuple(
        condition if condition.noise in NOISES else _with_noise_file(condition, folder)
        for condition in conditions
    )


def _with_noise_file(condition: Condition, folder: Path) -> Condition:
    path = Path(condition.noise)
    if not path.is_file():
        raise UsageError(
            f'"{condition.noise}" is no kind of noise, and no file',
            where=f'condition "{condition.name}"',
            remedy=f"Give {', '.join(NOISES)}, or a WAV file's path.",
        )
    repeated(path, 0, 1)  # whether it can be
    return replace(condition, noise=from_folder(path, folder), noise_sha256=sha256_of(path))


def from_folder(path: Path, folder: Path) -> str:
    """A file's path as seen from a folder, with `/` between its parts."""
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
