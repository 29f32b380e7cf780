"""Integers of a fixed step, by torch.ao's fake-quantize modules: a tensor is rounded, its gradient is not."""

from __future__ import annotations

import torch
from torch.ao.quantization import (
    FakeQuantize,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
)
from torch.ao.quantization.observer import UniformQuantizationObserverBase


def integer_weights(bits: int, symmetric: bool, per_channel: bool) -> FakeQuantize:
    """Rounds weights; their range is always that of the weights as they are.

    Args:
        bits: 2 to 8.
        symmetric: the integers reach from -(2^(bits-1) - 1) to 2^(bits-1) - 1, as TensorFlow Lite's do, and
            0 stands for 0. Otherwise all 2^bits are used, from the least weight to the greatest or 0.
        per_channel: a range for each of the first dimension, or one for all.
    """
    highest = 2 ** (bits - 1) - 1
    schemes = {
        (True, True): torch.per_channel_symmetric,
        (True, False): torch.per_tensor_symmetric,
        (False, True): torch.per_channel_affine,
        (False, False): torch.per_tensor_affine,
    }
    settings = {"ch_axis": 0} if per_channel else {}
    return FakeQuantize(
        MovingAveragePerChannelMinMaxObserver if per_channel else MovingAverageMinMaxObserver,
        quant_min=-highest if symmetric else -highest - 1,
        quant_max=highest,
        dtype=torch.qint8,
        qscheme=schemes[symmetric, per_channel],
        averaging_constant=1,  # an average would be of the weights of earlier steps
        **settings,
    )


class IntegerActivations(FakeQuantize):
    """Rounds activations to 2^bits integers between the least and the greatest (0 among them).

    The range is watched in training mode and frozen in evaluation mode.

    Args:
        bits: 2 to 8.
        observer: what the range is made of: all that was seen, or its moving average.
    """

    def __init__(self, bits: int, observer: type[UniformQuantizationObserverBase]) -> None:
        half = 2 ** (bits - 1)
        super().__init__(
            observer,
            quant_min=-half,
            quant_max=half - 1,
            dtype=torch.qint8,
            qscheme=torch.per_tensor_affine,
        )
        self.bits = bits

    def forward(self, activations: torch.Tensor, watched: bool = True) -> torch.Tensor:
        """The activations (any shape), rounded.

        Args:
            activations: float32.
            watched: whether they may count for the range.
        """
        self.enable_observer(self.training and watched)
        return super().forward(activations)

    @property
    def range(self) -> tuple[float, float]:
        """What the lowest and the highest integer stand for."""
        scale, zero_point = float(self.scale), int(self.zero_point)
        return (self.quant_min - zero_point) * scale, (self.quant_max - zero_point) * scale
