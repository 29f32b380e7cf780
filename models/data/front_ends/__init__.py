"""Audio front ends by file name: each makes the features that networks take of a second of audio.

A front end is one module in this folder and one library in sketches/libraries/. The module defines:

- `SHAPE`: slices and channels of a second of audio. The networks take 49 x 40.
- `LIBRARY`: the name of the library in the sketch that computes the same features.
- `features(audio)`: the features of a clip, int16 (16000,) at 16 kHz, as uint16 of `SHAPE`. The board has
  to compute the same integers.

It may define more; `FrontEnd` has the defaults, which are those of the micro front end.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from math import prod
from types import ModuleType
from typing import TYPE_CHECKING

from models.errors import ConfigError

if TYPE_CHECKING:  # variants need the names alone, and `earshot --help` does not wait for NumPy
    import numpy as np
    from numpy.typing import NDArray


def front_end_names() -> list[str]:
    return sorted(found.name for found in pkgutil.iter_modules(__path__))


def front_end(name: str) -> ModuleType:
    """Import a front end.

    Raises:
        ConfigError: there is no front end of that name, or its module is not complete.
    """
    if name not in front_end_names():
        remedy = f"Allowed: {' or '.join(front_end_names())}."
        raise ConfigError(f"{name!r} is not a front end", "front_end", remedy)
    try:
        module = importlib.import_module(f"{__name__}.{name}")
    except Exception as problem:  # whatever somebody's module raises: one variant's fault, not all variants'
        what = f"the front end cannot be imported: {type(problem).__name__}: {problem}"
        raise ConfigError(what, name, "Correct its module in models/data/front_ends/.") from problem
    if missing := [needed for needed in ("SHAPE", "LIBRARY", "features") if not hasattr(module, needed)]:
        raise ConfigError(f"the front end defines no {missing[0]}", name, "Add it to its module.")
    return module


@dataclass(frozen=True)
class FrontEnd:
    """A front end for models that hear: a sound's slices, and the features of a window of them.

    Attributes:
        name: of the module.
        module: defines at least what every front end has.
    """

    name: str
    module: ModuleType

    @property
    def shape(self) -> tuple[int, int]:
        """Slices and channels of a second of audio."""
        return self.module.SHAPE

    @property
    def size(self) -> int:
        """Features of a second of audio."""
        return prod(self.shape)

    @property
    def zero(self) -> int:
        """The uint16 feature that stands for 0."""
        return getattr(self.module, "ZERO", 0)

    @property
    def scale(self) -> float:
        """The value of a step of a feature."""
        return getattr(self.module, "SCALE", 10 / 256)

    def silence(self) -> NDArray[np.uint16]:
        """Return the slice that a board's window begins with."""
        import numpy as np

        made = getattr(self.module, "silence", None)
        return made() if made else np.zeros(self.shape[1], np.uint16)

    def slices(self, audio: NDArray[np.int16]) -> NDArray[np.uint16]:
        """Compute the slices of a sound without a reset; a board sends their CRC-32.

        Returns:
            uint16 (N, values): the channels, and values that `window` needs.
        """
        return getattr(self.module, "slices", self.module.features)(audio)

    def window(self, slices: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Return the features that a model takes of a window of slices, uint16 (N, channels)."""
        made = getattr(self.module, "window", None)
        return made(slices) if made else slices

    def features(self, audio: NDArray[np.int16]) -> NDArray[np.uint16]:
        """Compute the features of a clip.

        Raises:
            ConfigError: the module makes something else, which would be cast or repeated without a word.
        """
        made = self.window(self.slices(audio))
        if made.dtype != "uint16" or made.shape != (len(made), self.shape[1]):
            raise ConfigError(
                f"the front end makes {made.dtype} {made.shape}, not uint16 {self.shape}",
                self.name,
                "Correct its module in models/data/front_ends/.",
            )
        return made

    def values(self, features: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Convert features to what a float model takes; exact."""
        return (features.astype("float32") - self.zero) * self.scale

    def divisor(self, scale: float) -> int:
        """Return the divisor that turns a feature times 256 into an int8 input; see `quantize`.

        Args:
            scale: of the model's input tensor, above 0.

        Raises:
            ValueError: the scale is too small for any divisor.
        """
        divisor = round(scale * 256 / self.scale)
        if divisor < 1:
            raise ValueError(f"an input scale of {scale} is too small for {self.name} features")
        return divisor

    def quantize(self, features: NDArray[np.uint16], scale: float, zero_point: int) -> NDArray[np.int8]:
        """Convert features to int8: clamp(((u16 - zero) * 256 + D // 2) // D + zero point, -128, 127).

        D is `divisor(scale)`, an integer, so that host and board divide alike; `//` rounds down.
        """
        divisor = self.divisor(scale)
        quotient = ((features.astype("int64") - self.zero) * 256 + divisor // 2) // divisor
        return (quotient + zero_point).clip(-128, 127).astype("int8")


def load_front_end(name: str) -> FrontEnd:
    """Import a front end for models that hear.

    Raises:
        ConfigError: there is no front end of that name.
    """
    return FrontEnd(name, front_end(name))
