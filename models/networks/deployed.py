"""Networks in the form for a board: batch normalization folded away, softmax added."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class Deployed(nn.Module):
    """A network with the softmax that training leaves to the loss.

    Args:
        network: gives logits (N, labels).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Compute probabilities (N, labels); each row sums to 1."""
        return torch.softmax(self.network(features), dim=-1)


def folded(network: nn.Module) -> nn.Module:
    """Copy a network in evaluation mode, with batch normalizations folded into the convolutions before them.

    Outputs stay the same but for rounding. TensorFlow Lite's converter would fold them anyway. Folding before
    parameters are counted and weights are quantized makes both refer to the network that the board runs.

    Args:
        network: its batch normalizations, if any, stand right behind a convolution in an `nn.Sequential`.
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
