"""Cost of one inference of a network, layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class LayerCost:
    """Size and work of one layer in one inference.

    Attributes:
        name: within the network.
        kind: its class.
        parameters: weights and biases.
        macs: multiply-accumulates.
        biases: number of biases among the parameters.
        outputs: number of output elements.
    """

    name: str
    kind: str
    parameters: int
    macs: int
    biases: int
    outputs: int


def shape_of(network: nn.Module) -> tuple[int, ...]:
    """Return the shape of the features of a network or of one that contains it.

    Slices and channels of a sound, or colors, rows and columns of an image.
    """
    found: Any = next(module for module in network.modules() if hasattr(module, "shape"))
    return found.shape


def example_input(network: nn.Module) -> torch.Tensor:
    """Return zeros as one input (1, size) of a network or of one that contains it."""
    return torch.zeros(1, math.prod(shape_of(network)))


def layer_costs(network: nn.Module) -> list[LayerCost]:
    """Return the cost of every layer that has parameters or averages, in the order in which they run.

    Multiply-accumulates are those of Conv2d (grouped too) and Linear. Bias additions,
    averages, activations and normalization (folded into the convolution before it) count nothing.

    Args:
        network: runs once on zeros, in evaluation mode.
    """
    costs: list[LayerCost] = []
    names = {module: name for name, module in network.named_modules()}

    def count(module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            height, width = module.kernel_size
            macs = output.numel() * (module.in_channels // module.groups) * height * width
        elif isinstance(module, nn.Linear):
            macs = output.numel() * module.in_features
        else:
            macs = 0
        parameters = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        bias = getattr(module, "bias", None)
        biases = bias.numel() if isinstance(bias, nn.Parameter) else 0
        kind, outputs = type(module).__name__, output.numel()
        costs.append(LayerCost(names[module], kind, parameters, macs, biases, outputs))

    layers = [
        module
        for module in network.modules()
        if list(module.parameters(recurse=False)) or isinstance(module, nn.AvgPool2d)
    ]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(example_input(network))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return costs
