"""Cost of one inference of a network, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from models.data.front_ends.micro import CHANNELS, SLICES


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


def layer_costs(network: nn.Module) -> list[LayerCost]:
    """Return the cost of every layer that has parameters or averages, in the order in which they run.

    Multiply-accumulates are those of Conv2d (grouped too) and Linear. Bias additions,
    averages, activations and normalization (folded into the convolution before it) count nothing.

    Args:
        network: runs once on zeros of one input of micro features, in evaluation mode.
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
            network.eval()(torch.zeros(1, SLICES * CHANNELS))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return costs
