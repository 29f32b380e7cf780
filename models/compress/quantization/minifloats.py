"""Floating-point numbers of few bits, by Brevitas; with ranges by torch.ao's observers, as integers have."""

from __future__ import annotations

import torch
from brevitas.core.bit_width import BitWidthConst
from brevitas.core.bit_width.float import ComputeMaxMantissa
from brevitas.core.function_wrapper import FloatClamp, Identity, TensorClamp
from brevitas.core.quant.float import FloatQuant
from brevitas.core.scaling import FloatScaling
from brevitas.core.utils import StatelessBuffer
from torch import nn
from torch.ao.quantization import (
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
)
from torch.ao.quantization.observer import UniformQuantizationObserverBase


class Minifloats(nn.Module):
    """Rounds a tensor to minifloats times a scale, at which the largest of them is the end of the range.

    A sign, an exponent and a mantissa; the least exponent is that of subnormal numbers; no code is spent on
    infinity or on not-a-number (OCP Microscaling Formats 1.0, 2023, has 4 (2, 1) and 6 bits (3, 2) so).
    The gradient passes as if nothing were rounded.

    Args:
        exponent: its bits, 1 or more; the bias is 2^(exponent - 1) - 1.
        mantissa: its bits, 1 or more.
        observer: what the range is made of.
        always_watched: the range is watched in evaluation mode too: of weights, which it belongs to.
    """

    def __init__(
        self, exponent: int, mantissa: int, observer: UniformQuantizationObserverBase, always_watched: bool
    ) -> None:
        super().__init__()
        self.always_watched, self.rounds = always_watched, True
        self.numbers = FloatQuant(
            signed=True,
            exponent_bit_width_impl=BitWidthConst(exponent),
            mantissa_bit_width_impl=BitWidthConst(mantissa),
            exponent_bias_impl=StatelessBuffer(torch.tensor(2.0 ** (exponent - 1) - 1)),
            float_clamp_impl=FloatClamp(TensorClamp(), signed=True),
            input_view_impl=Identity(),
            compute_max_mantissa=ComputeMaxMantissa(),
            scaling_impl=_Range(observer),
            float_scaling_impl=FloatScaling(dtype=torch.float32),
        )

    def forward(self, values: torch.Tensor, watched: bool = True) -> torch.Tensor:
        """The values (any shape), rounded.

        Args:
            values: float32.
            watched: whether they may count for the range.
        """
        range_ = self.numbers.scaling_impl
        if watched and (self.training or self.always_watched):
            range_.observer(values.detach())
        if not self.rounds:
            return values
        end = range_.end_for(values)
        within = values.clamp(-end, end)
        # Of Brevitas' gradient a part goes through the power of two that a value is scaled by.
        return self.numbers(values)[0].detach() + (within - within.detach())

    def enable_fake_quant(self, enabled: bool = True) -> None:
        """Whether values are rounded, or only watched; named as torch.ao's."""
        self.rounds = enabled


class _Range(nn.Module):
    """What the observer has seen, as the scale that Brevitas takes.

    Args:
        observer: keeps the least and the greatest value.
    """

    def __init__(self, observer: UniformQuantizationObserverBase) -> None:
        super().__init__()
        self.observer = observer

    def end_for(self, values: torch.Tensor) -> torch.Tensor:
        """The greatest absolute value that was seen, in a shape that goes with these values."""
        end = torch.maximum(self.observer.get_buffer("max_val"), -self.observer.get_buffer("min_val"))
        return end.reshape(-1, *[1] * (values.dim() - 1)) if end.dim() else end

    def forward(self, values: torch.Tensor, largest: torch.Tensor) -> torch.Tensor:
        """The scale at which the largest number is the end of the range."""
        return (self.end_for(values) / largest).clamp_min(torch.finfo(torch.float32).eps)


def minifloat_weights(exponent: int, mantissa: int, per_channel: bool) -> Minifloats:
    """Rounds weights; a range for each of the first dimension, or one for all."""
    kind = MovingAveragePerChannelMinMaxObserver if per_channel else MovingAverageMinMaxObserver
    return Minifloats(exponent, mantissa, kind(averaging_constant=1), always_watched=True)


def minifloat_activations(
    exponent: int, mantissa: int, observer: type[UniformQuantizationObserverBase]
) -> Minifloats:
    """Rounds activations; see `models.compress.quantization.integers.IntegerActivations`."""
    return Minifloats(exponent, mantissa, observer(), always_watched=False)
