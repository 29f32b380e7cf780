"""The networks that variants name, and what one inference of a network costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

SLICES = 49
CHANNELS = 40


class TinyConv(nn.Module):
    """One convolution and one fully connected layer: the network of TensorFlow's micro_speech example.

    16,652 parameters for four labels; 320,000 + 16,000 multiply-accumulates. The activations are
    flattened channels last, as TensorFlow Lite lays them out, so that the board transposes nothing.
    Source: TensorFlow, examples/speech_commands/models.py, `tiny_conv`.

    Args:
        labels: number of outputs.
        dropout: share of the 4,000 activations that are dropped in training, 0 to below 1.
    """

    def __init__(self, labels: int = 4, dropout: float = 0.5) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 8, kernel_size=(10, 8), stride=2, padding=(5, 3))
        self.dropout = ByteDropout(dropout)
        self.output = nn.Linear(25 * 20 * 8, labels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (N, labels) of float features (N, 1960), 0 to 26."""
        image = features.reshape(-1, 1, SLICES, CHANNELS)  # (N, 1, 49, 40)
        activations = torch.relu(self.convolution(image))  # (N, 8, 25, 20)
        flat = activations.permute(0, 2, 3, 1).flatten(1)  # (N, 4000), channels last
        return self.output(self.dropout(flat))


class ByteDropout(nn.Module):
    """Dropout that decides by one random byte per element.

    `nn.Dropout` takes a draw of torch's serial generator per element, which was half of TinyConv's
    training time; here a draw serves eight elements. The share is rounded to 1/256.

    Args:
        share: how much is dropped, 0 to below 1.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.kept_of_256 = max(1, round((1 - share) * 256))

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        """The activations (any shape), in training with zeros among them and scaled to keep their mean."""
        if not self.training or self.kept_of_256 == 256:
            return activations
        draws = torch.randint(-(2**63), 2**63 - 1, ((activations.numel() + 7) // 8,))
        kept = draws.view(torch.uint8)[: activations.numel()].reshape(activations.shape) < self.kept_of_256
        return activations * kept * (256 / self.kept_of_256)


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


@dataclass(frozen=True)
class LayerCost:
    """What one layer holds and does: parameters, and multiply-accumulates of one inference."""

    name: str
    kind: str
    parameters: int
    macs: int


def layer_costs(network: nn.Module, input_shape: Sequence[int] = (1, SLICES * CHANNELS)) -> list[LayerCost]:
    """The cost of every layer that has parameters, in the order in which they run.

    Multiply-accumulates are counted for Conv2d (grouped too) and Linear; bias additions, activations
    and normalization (folded into the convolution before it) are none.

    Args:
        network: run once on zeros, in evaluation mode.
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
        costs.append(LayerCost(names[module], type(module).__name__, parameters, macs))

    layers = [module for module in network.modules() if list(module.parameters(recurse=False))]
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
