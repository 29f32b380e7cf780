"""What may be done to a trained network before it is converted, as data: pruning and quantization."""

from __future__ import annotations

from dataclasses import dataclass

PRUNED_KINDS = ("weights", "channels")
CRITERIA = ("l1", "l2", "linf", "random")
METHODS = ("post-training", "aware")
NUMBERS = ("integer", "minifloat")
INTEGER_BITS = tuple(range(2, 9))
MINIFLOATS = {3: (1, 1), 4: (2, 1), 6: (3, 2), 8: (4, 3)}
"""Bits of the exponent and the mantissa by the bits of the number, of which one is the sign."""


@dataclass(frozen=True)
class Pruning:
    """What is removed from a trained network.

    Attributes:
        kind: one of `PRUNED_KINDS`: single weights become zero (the shapes stay), or whole channels go.
        threshold: the share that is removed, above 0, below 1.
        criterion: what goes first, one of `CRITERIA`; `models.pruning` says over what the norm is taken.
        fine_tune_epochs: passes over the training clips afterwards; 0 leaves the network as it was pruned.
    """

    kind: str
    threshold: float
    criterion: str = "l1"
    fine_tune_epochs: int = 5


@dataclass(frozen=True)
class Quantization:
    """With which numbers a network computes instead of float32.

    Attributes:
        method: one of `METHODS`: ranges are read off training clips, or the network also learns with them.
        number: one of `NUMBERS`.
        bits: one of `INTEGER_BITS` of an integer, a key of `MINIFLOATS` of a minifloat.
        symmetric: whether zero lies in the middle of the range of the weights.
        per_channel: whether every output channel of the weights has a range of its own.
        fine_tune_epochs: passes over the training clips, of the method "aware" only.
    """

    method: str
    number: str = "integer"
    bits: int = 8
    symmetric: bool = True
    per_channel: bool = True
    fine_tune_epochs: int = 5
