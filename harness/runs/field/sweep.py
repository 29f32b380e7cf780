"""Conditions of a sweep: every distance with every signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from harness.errors import UsageError
from harness.sound.conditions import NOISES, Condition


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
    kind = noise or NOISES[0]
    distances: Sequence[float | None] = distances_m or [None]
    snrs: Sequence[float | None] = snrs_db or [None]
    conditions = [
        Condition(
            name=_name(distance_m, snr_db, level_dbfs, gain_db),
            level_dbfs=level_dbfs,
            snr_db=snr_db,
            noise=kind,
            distance_m=distance_m,
            rt60_s=rt60_s,
            gain_db=gain_db,
        )
        for distance_m, snr_db in product(distances, snrs)
    ]
    return tuple(dict.fromkeys(conditions))


def _name(distance_m: float | None, snr_db: float | None, level_dbfs: float | None, gain_db: float) -> str:
    parts = ["" if distance_m is None else f"{distance_m:g} m", "" if snr_db is None else f"{snr_db:g} dB"]
    named = ", ".join(filter(None, parts))
    if named:
        return named
    level = "as recorded" if level_dbfs is None else f"{level_dbfs:g} dBFS"
    return f"{level}, gain {gain_db:+g} dB" if gain_db else level
