"""Rounding to floating-point numbers of few bits, by Brevitas, with ranges by torch.ao's observers."""

from __future__ import annotations

import torch
from torch import nn
from torch.ao.quantization import (
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
)
from torch.ao.quantization.observer import UniformQuantizationObserverBase


class Minifloats(nn.Module):
    """Rounding to minifloats times a scale that puts the largest minifloat at the end of the range.

    A minifloat has a sign, an exponent and a mantissa. The smallest exponent belongs to subnormal numbers; no
    code stands for infinity or not-a-number, as in the 4-bit (2, 1) and 6-bit (3, 2) types of OCP
    Microscaling Formats 1.0, 2023. Gradients pass straight through.

    Args:
        exponent: bits of the exponent, 1 or more; the bias is 2^(exponent - 1) - 1.
        mantissa: bits of the mantissa, 1 or more.
        observer: takes the range.
        always_observed: True to observe the range in evaluation mode too, as weights need it.
    """

    def __init__(
        self, exponent: int, mantissa: int, observer: UniformQuantizationObserverBase, always_observed: bool
    ) -> None:
        from brevitas.core.bit_width import BitWidthConst  # here: importing Brevitas takes seconds
        from brevitas.core.bit_width.float import ComputeMaxMantissa
        from brevitas.core.function_wrapper import FloatClamp, Identity, TensorClamp
        from brevitas.core.quant.float import FloatQuant
        from brevitas.core.scaling import FloatScaling
        from brevitas.core.utils import StatelessBuffer

        super().__init__()
        self.always_observed, self.rounds = always_observed, True
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

    def forward(self, values: torch.Tensor, observed: bool = True) -> torch.Tensor:
        """Round values to the nearest minifloat within the observed range.

        Args:
            values: float32, any shape.
            observed: widen the observed range to these values first, while training.
        """
        range_ = self.numbers.scaling_impl
        if observed and (self.training or self.always_observed):
            range_.observer(values.detach())
        if not self.rounds:
            return values
        end = range_.end_for(values)
        within = values.clamp(-end, end)
        # Part of Brevitas' own gradient passes through the power of two that scales a value.
        return self.numbers(values)[0].detach() + (within - within.detach())

    def enable_fake_quant(self, enabled: bool = True) -> None:
        """Switch rounding on or off; the range is observed either way. The name is torch.ao's."""
        self.rounds = enabled


class _Range(nn.Module):
    """The observed range in the form of the scale that Brevitas expects."""

    def __init__(self, observer: UniformQuantizationObserverBase) -> None:
        super().__init__()
        self.observer = observer

    def end_for(self, values: torch.Tensor) -> torch.Tensor:
        """Return the largest absolute value observed, in a shape that broadcasts with these values."""
        end = torch.maximum(self.observer.get_buffer("max_val"), -self.observer.get_buffer("min_val"))
        return end.reshape(-1, *[1] * (values.dim() - 1)) if end.dim() else end

    def forward(self, values: torch.Tensor, largest: torch.Tensor) -> torch.Tensor:
        return (self.end_for(values) / largest).clamp_min(torch.finfo(torch.float32).eps)


def minifloat_weights(exponent: int, mantissa: int, per_channel: bool) -> Minifloats:
    """Create a module that rounds weights, with a range per index of the first dimension or one range."""
    kind = MovingAveragePerChannelMinMaxObserver if per_channel else MovingAverageMinMaxObserver
    return Minifloats(exponent, mantissa, kind(averaging_constant=1), always_observed=True)


def minifloat_activations(
    exponent: int, mantissa: int, observer: type[UniformQuantizationObserverBase]
) -> Minifloats:
    """Create a module that rounds activations; see `models.compress.integers.IntegerActivations`."""
    return Minifloats(exponent, mantissa, observer(), always_observed=False)
