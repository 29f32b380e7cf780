"""What may be done to a trained network before it is converted, as data: pruning and quantization."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from models.toml_table import Allowed

INTEGER_BITS = tuple(range(2, 9))
MINIFLOATS = {3: (1, 1), 4: (2, 1), 6: (3, 2), 8: (4, 3)}
"""Bits of the exponent and the mantissa by the bits of the number, of which one is the sign."""

_EPOCHS = Allowed(lambda count: count >= 0, "0 or more")


@dataclass(frozen=True)
class Pruning:
    """What is removed from a trained network.

    Attributes:
        kind: single weights become zero (the shapes stay), or whole channels go.
        threshold: the share that is removed; of channels see `channels_removed`.
        criterion: what goes first; `models.compress.pruning` says over what the norm is taken.
        fine_tune_epochs: passes over the training clips afterwards; 0 leaves the network as it was pruned.
    """

    kind: Literal["weights", "channels"]
    threshold: Annotated[
        float, Allowed(lambda share: 0 < share < 1, "above 0, below 1 (which would leave nothing)")
    ]
    criterion: Literal["l1", "l2", "linf", "random"] = "l1"
    fine_tune_epochs: Annotated[int, _EPOCHS] = 5


@dataclass(frozen=True)
class Quantization:
    """With which numbers a network computes instead of float32.

    Attributes:
        method: the ranges are read off training clips, or the network also learns with them.
        number: integers of a fixed step, or minifloats.
        bits: one of `INTEGER_BITS` of an integer, a key of `MINIFLOATS` of a minifloat.
        symmetric: whether zero lies in the middle of the range of the weights.
        per_channel: whether every output channel of the weights has a range of its own. Of 8-bit integers a
            fully connected layer has one range, as TensorFlow Lite gives it.
        fine_tune_epochs: passes over the training clips, of the method "aware" only.
    """

    method: Literal["post-training", "aware"]
    number: Literal["integer", "minifloat"] = "integer"
    bits: int = 8
    symmetric: bool = True
    per_channel: bool = True
    fine_tune_epochs: Annotated[int, _EPOCHS] = 5

    @property
    def allowed_bits(self) -> tuple[int, ...]:
        """The values that `bits` may have for this kind of number."""
        return INTEGER_BITS if self.number == "integer" else tuple(MINIFLOATS)


def channels_removed(channels: int, threshold: float) -> int:
    """How many channels of a layer go: the share, rounded down. At least one stays, for any share below 1.

    Args:
        channels: of the layer, 1 or more.
        threshold: the share, above 0, below 1.
    """
    return math.floor(channels * threshold + 1e-9)  # 0.29 of 100 is 28.999999999999996
