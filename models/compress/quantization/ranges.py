"""The ranges of activations that a network learned with, on their way to its conversion."""

from __future__ import annotations

from torch import nn


class LearnedRanges(nn.Module):
    """Lies within a network, so that it is copied and stored with it; computes nothing.

    Args:
        ranges: what the lowest and the highest of 256 integers stand for: of the input, then of what comes
            out of each convolution or fully connected layer (behind its ReLU) in the order in which they run.
    """

    def __init__(self, ranges: tuple[tuple[float, float], ...]) -> None:
        super().__init__()
        self.ranges = ranges


def learned_ranges(network: nn.Module) -> tuple[tuple[float, float], ...] | None:
    """The ranges that a network carries, see `LearnedRanges`; None if it learned with none."""
    return next((part.ranges for part in network.modules() if isinstance(part, LearnedRanges)), None)
