"""What a device under test tells of itself and of an inference, and what is expected of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Image(Protocol):
    """What must be told of a firmware image to recognize it when it runs."""

    @property
    def variant_id(self) -> str:
        """Name of the variant."""

    @property
    def build_id(self) -> str:
        """8 hex digits over everything that was compiled."""

    @property
    def model_sha256(self) -> str:
        """Of the .tflite; the first 8 hex digits count."""


@dataclass(frozen=True)
class Profile:
    """What a device tells of its benchmark: `firmware` and the `model` that it runs."""

    firmware: str
    model: str


@dataclass(frozen=True)
class InferResult:
    """What `infer` came to.

    Attributes:
        results: the model's output, one a label, as the device printed it. Trap: the benchmark's reference
            code prints 1.0 as 0.1000.
        laps_us: the device's clock before and after, 32 bits that wrap; empty in the benchmark's energy mode.
        invocations: how often the model ran between the two.
    """

    results: tuple[float, ...]
    laps_us: tuple[int, ...]
    invocations: int

    @property
    def lap_us(self) -> float | None:
        """Microseconds an invocation; None where the device gave no times."""
        if len(self.laps_us) < 2:
            return None
        return ((self.laps_us[1] - self.laps_us[0]) % (1 << 32)) / self.invocations
