"""Quantization as a function of a network."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.ao.nn import qat

from models.compress.quantization.integers import IntegerActivations
from models.compress.quantization.numbers import BOARD_BITS, Numbers
from models.compress.quantization.points import with_rounding
from models.compress.quantization.ranges import LearnedRanges
from models.compress.transforms import Quantization

_CALIBRATION_BATCH = 50


class QuantizedNetwork(nn.Module):
    """A network whose weights and activations are rounded to numbers of few bits; see `quantize`.

    Args:
        network: a chain of layers, batch normalization folded.
        quantization: the numbers.
    """

    def __init__(self, network: nn.Module, quantization: Quantization) -> None:
        super().__init__()
        self.plain = [copy.deepcopy(network)]  # in a list: its weights are not those of this module
        self.network = with_rounding(copy.deepcopy(network), Numbers(quantization))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (N, labels), as the network's."""
        return self.network(features)

    def calibrate(self, clips: torch.Tensor) -> None:
        """Lets every activation's range see clips (N, 1960), of which nothing is rounded on the way."""
        self.eval()
        self._round(False)
        for part in self.rounding:
            part.train()
        with torch.no_grad():
            for batch in clips.split(_CALIBRATION_BATCH):
                self(batch)
        self._round(True)
        self.eval()

    @property
    def rounding(self) -> list[nn.Module]:
        """What rounds the activations: of the input, and then of each layer."""
        return list(self.network.get_submodule("rounding").children())

    def _round(self, enabled: bool) -> None:
        for part in self.modules():
            switch = getattr(part, "enable_fake_quant", None)  # torch.ao's, and that of minifloats
            if switch is not None:
                switch(enabled)


def quantize(network: nn.Module, quantization: Quantization, clips: torch.Tensor) -> QuantizedNetwork:
    """A copy of a network that computes with numbers of few bits; as far as float32 can show what they do.

    Weights are rounded to the range that they have; activations (the input and what every layer gives) to a
    range that training clips have shown. Biases stay wide, as TensorFlow Lite's int32. The gradient passes
    the rounding straight through, so that an "aware" network can be trained: its ranges then are moving
    averages over the batches, frozen in evaluation mode. "post-training" ranges are the clips' extremes.

    Args:
        network: a chain of layers of `models.networks`, batch normalization folded; is left as it is.
        quantization: the numbers.
        clips: float features of training clips, float32 (N, 1960), 0 to 26.

    Returns:
        The network in evaluation mode, giving logits (N, labels); its parameters are float32.
    """
    quantized = QuantizedNetwork(network, quantization)
    quantized.calibrate(clips)
    return quantized


def float_network(quantized: QuantizedNetwork) -> nn.Module:
    """The network as it was, with the weights rounded; what a conversion takes.

    Of 8-bit integers it carries the ranges of its activations, see `models.compress.quantization.ranges`;
    the conversion gives a .tflite that computes what the quantized network does. Symmetric weights, of a
    range per channel, are then the same integers.

    Args:
        quantized: of `quantize`; is left as it is.
    """
    plain = copy.deepcopy(quantized.plain[0])
    with torch.no_grad():
        for name, layer in plain.named_modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                learned = quantized.network.get_submodule(name)
                assert isinstance(learned, (qat.Conv2d, qat.Linear))
                layer.weight.copy_(learned.weight_fake_quant(learned.weight))
                if layer.bias is not None and learned.bias is not None:
                    layer.bias.copy_(learned.bias)
    rounding = [part for part in quantized.rounding if isinstance(part, IntegerActivations)]
    if [part.bits for part in rounding] == [BOARD_BITS] * len(quantized.rounding):
        plain.add_module("learned_ranges", LearnedRanges(tuple(part.range for part in rounding)))
    return plain.eval()
