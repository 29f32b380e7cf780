"""TinyConv, the network of TensorFlow's micro_speech example."""

from __future__ import annotations

import torch
from torch import nn

from models.networks.dropout import ByteDropout
from models.networks.strided import strided_conv2d


class TinyConv(nn.Module):
    """A convolution and a fully connected layer.

    16,652 parameters for four labels; 320,000 + 16,000 multiply-accumulates. Activations are flattened
    channels last, TensorFlow Lite's layout, so that the board transposes nothing.
    Source: TensorFlow, examples/speech_commands/models.py, `tiny_conv`.

    Args:
        labels: number of outputs.
        dropout: share of the 4,000 activations that training drops, 0 to below 1.
        shape: slices and channels of the features.
    """

    def __init__(self, labels: int = 4, dropout: float = 0.5, shape: tuple[int, int] = (49, 40)) -> None:
        super().__init__()
        self.shape = shape
        self.convolution = nn.Conv2d(1, 8, kernel_size=(10, 8), stride=2, padding=(5, 3))
        self.dropout = ByteDropout(dropout)
        self.output = nn.Linear((shape[0] + 1) // 2 * (shape[1] // 2) * 8, labels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Compute logits (N, labels) from float features (N, 1960), of another shape (N, size)."""
        image = features.reshape(-1, 1, *self.shape)  # (N, 1, 49, 40)
        # `strided_conv2d` is faster in training; subclasses, such as qat.Conv2d, keep their own forward.
        fast = self.training and type(self.convolution) is nn.Conv2d
        convolved = strided_conv2d(self.convolution, image) if fast else self.convolution(image)
        activations = torch.relu(convolved)  # (N, 8, 25, 20)
        flat = activations.permute(0, 2, 3, 1).flatten(1)  # (N, 4000), channels last
        return self.output(self.dropout(flat))
