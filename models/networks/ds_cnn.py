"""DS-CNN, the keyword network of the MLPerf Tiny benchmark, on micro features."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from models.data.front_ends.micro import CHANNELS, SLICES
from models.networks.dropout import ByteDropout

BLOCKS = 4


class DsCnn(nn.Module):
    """A convolution, four blocks of a depthwise and a pointwise convolution, each normalized, and an average.

    The micro front end's 40 channels are averaged by fours to an input of 49 x 10. The rest is the
    benchmark's network: 2,656,768 multiply-accumulates for twelve labels, and 22,604 parameters with the
    normalization folded in. Padding is TensorFlow's ("same"): one row more at the bottom than at the top.
    Source: MLPerf Tiny, benchmark/training/keyword_spotting/keras_model.py, `ds_cnn`; after Y. Zhang et al.,
    "Hello Edge: Keyword Spotting on Microcontrollers", 2017.

    Args:
        labels: number of outputs.
        dropout: share of the activations before the average that training drops, 0 to below 1; half as many
            behind the first convolution. The benchmark has 0.4.
        channels: of every convolution; the benchmark has 64.
    """

    def __init__(self, labels: int = 4, dropout: float = 0.4, channels: int = 64) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d((1, 4))
        self.first = nn.Sequential(
            OrderedDict(
                padding=nn.ZeroPad2d((1, 1, 4, 5)),
                convolution=nn.Conv2d(1, channels, kernel_size=(10, 4), stride=2),
                norm=nn.BatchNorm2d(channels),
                relu=nn.ReLU(),
                dropout=ByteDropout(dropout / 2),
            )
        )
        self.blocks = nn.Sequential(*(_block(channels) for _ in range(BLOCKS)))
        self.dropout = ByteDropout(dropout)
        self.average = nn.AvgPool2d((25, 5))
        self.output = nn.Linear(channels, labels)
        for convolution in (layer for layer in self.modules() if isinstance(layer, nn.Conv2d)):
            # Trains 1.5 times as fast on a CPU.
            convolution.weight.data = convolution.weight.data.contiguous(memory_format=torch.channels_last)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Compute logits (N, labels) from float features (N, 1960), 0 to 26."""
        image = self.pool(features.reshape(-1, 1, SLICES, CHANNELS))  # (N, 1, 49, 10)
        activations = self.blocks(self.first(image))  # (N, channels, 25, 5)
        return self.output(self.average(self.dropout(activations)).flatten(1))


def _block(channels: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            depthwise=nn.Conv2d(channels, channels, kernel_size=3, padding=1, groups=channels),
            depthwise_norm=nn.BatchNorm2d(channels),
            depthwise_relu=nn.ReLU(),
            pointwise=nn.Conv2d(channels, channels, kernel_size=1),
            pointwise_norm=nn.BatchNorm2d(channels),
            pointwise_relu=nn.ReLU(),
        )
    )
