"""Audio front ends by file name: each makes the features that networks take of a second of audio.

A front end is one module in this folder and one library in sketches/libraries/. The module defines:

- `SHAPE`: slices and channels of a second of audio. The networks take 49 x 40.
- `LIBRARY`: the name of the library in the sketch that computes the same features.
- `features(audio)`: the features of a clip, int16 (16000,) at 16 kHz, as uint16 of `SHAPE`. The board has
  to compute the same integers.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from models.errors import ConfigError


def front_end_names() -> list[str]:
    return sorted(found.name for found in pkgutil.iter_modules(__path__))


def front_end(name: str) -> ModuleType:
    """Import a front end.

    Raises:
        ConfigError: there is no front end of that name.
    """
    if name not in front_end_names():
        remedy = f"Allowed: {' or '.join(front_end_names())}."
        raise ConfigError(f"{name!r} is not a front end", "front_end", remedy)
    return importlib.import_module(f"{__name__}.{name}")
