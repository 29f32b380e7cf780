"""Cost of one inference of a network, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
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
        bias_additions: one per element that a bias is added to.
        outputs: number of output elements.
    """

    name: str
    kind: str
    parameters: int
    macs: int
    biases: int
    bias_additions: int
    outputs: int


def layer_costs(network: nn.Module, input_shape: Sequence[int] = (1, SLICES * CHANNELS)) -> list[LayerCost]:
    """Return the cost of every layer that has parameters or averages, in the order in which they run.

    Multiply-accumulates are those of Conv2d (grouped too) and Linear. Bias additions are counted apart;
    averages, activations and normalization (folded into the convolution before it) count nothing.

    Args:
        network: runs once on zeros, in evaluation mode.
        input_shape: of one inference, batch of 1 included.
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
        additions = output.numel() if biases and macs else 0
        kind, outputs = type(module).__name__, output.numel()
        costs.append(LayerCost(names[module], kind, parameters, macs, biases, additions, outputs))

    layers = [
        module
        for module in network.modules()
        if list(module.parameters(recurse=False)) or isinstance(module, nn.AvgPool2d)
    ]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(*input_shape))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return costs
