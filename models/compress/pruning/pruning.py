"""Pruning as a function of a network."""

from __future__ import annotations

from torch import nn

from models.compress.pruning.channels import prune_channels
from models.compress.pruning.pruned import Pruned
from models.compress.pruning.weights import prune_weights
from models.compress.transforms import Pruning


def prune(network: nn.Module, pruning: Pruning, seed: int) -> Pruned:
    """Cuts from a copy of a network what a pruning says, and trains nothing.

    Args:
        network: of `models.networks`, with its batch normalizations; is left as it is.
        pruning: what is cut, by which criterion.
        seed: of the criterion "random".
    """
    if pruning.kind == "weights":
        return prune_weights(network, pruning.threshold, pruning.criterion, seed)
    return Pruned(prune_channels(network, pruning.threshold, pruning.criterion, seed))
