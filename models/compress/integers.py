"""Rounding to integers of a fixed step, by torch.ao's fake-quantize modules. Gradients pass unchanged."""

from __future__ import annotations

import torch
from torch.ao.quantization import (
    FakeQuantize,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
)
from torch.ao.quantization.observer import UniformQuantizationObserverBase


def integer_weights(bits: int, symmetric: bool, per_channel: bool) -> FakeQuantize:
    """Create a module that rounds weights; its range is always that of the current weights.

    Args:
        bits: 2 to 8.
        symmetric: True for integers from -(2^(bits-1) - 1) to 2^(bits-1) - 1 with 0 for 0, as in TensorFlow
            Lite. False for all 2^bits integers, from the smallest weight to the largest, 0 included.
        per_channel: True for a range per index of the first dimension, False for one range.
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
        averaging_constant=1,  # an average would mix in the weights of earlier steps
        **settings,
    )


class IntegerActivations(FakeQuantize):
    """Rounding of activations to 2^bits integers between the smallest and the largest value, 0 included.

    The range is observed in training mode and frozen in evaluation mode.

    Args:
        bits: 2 to 8.
        observer: takes the range from all values seen, or from their moving average.
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

    def forward(self, activations: torch.Tensor, observed: bool = True) -> torch.Tensor:
        """Round activations.

        Args:
            activations: float32, any shape.
            observed: False to leave the range as it is.
        """
        self.enable_observer(self.training and observed)
        return super().forward(activations)

    @property
    def range(self) -> tuple[float, float]:
        """The real values of the lowest and the highest integer."""
        scale, zero_point = float(self.scale), int(self.zero_point)
        return (self.quant_min - zero_point) * scale, (self.quant_max - zero_point) * scale
