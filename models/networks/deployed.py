"""A trained network as it goes on a board: batch normalization folded away, softmax added."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class Deployed(nn.Module):
    """A network as it is put on a board: with the softmax that training leaves to the loss.

    Args:
        network: gives logits (N, labels).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Probabilities (N, labels), each row summing to 1."""
        return torch.softmax(self.network(features), dim=-1)


def folded(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose batch normalizations are part of the convolutions before them.

    What it computes is the same but for rounding. TensorFlow Lite folds in the same way; done here, the
    parameters that are counted and the numbers that are quantized are those that the board has.

    Args:
        network: with its batch normalizations right behind a convolution in an `nn.Sequential`. One without
            any comes back as a copy.
    """
    network = copy.deepcopy(network).eval()
    for stack in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for (_, before), (name, layer) in pairwise(list(stack.named_children())):
            if isinstance(layer, nn.BatchNorm2d):
                assert isinstance(before, nn.Conv2d)
                fused = fuse_conv_bn_eval(before, layer)
                before.weight, before.bias = fused.weight, fused.bias
                setattr(stack, name, nn.Identity())
    return network
