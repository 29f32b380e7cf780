"""Dropout with cheap random numbers."""

from __future__ import annotations

import torch
from torch import nn


class ByteDropout(nn.Module):
    """Dropout that decides by one random byte per element.

    `nn.Dropout` takes one draw of torch's serial generator per element, which was half of TinyConv's training
    time; here one draw serves eight elements. The share is rounded to 1/256.

    Args:
        share: share of the activations to drop, 0 to below 1.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.kept_of_256 = max(1, round((1 - share) * 256))

    def forward(self, activations: torch.Tensor) -> torch.Tensor:
        """In training, zero a share of the activations (any shape) and scale the others to keep the mean."""
        if not self.training or self.kept_of_256 == 256:
            return activations
        draws = torch.randint(-(2**63), 2**63 - 1, ((activations.numel() + 7) // 8,))
        kept = draws.view(torch.uint8)[: activations.numel()].reshape(activations.shape) < self.kept_of_256
        return activations * (kept * (256 / self.kept_of_256))
