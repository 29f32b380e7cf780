"""Unstructured pruning: single weights become zero, anywhere in the network; all shapes stay."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils import prune as torch_prune

from models.compress.pruning.norms import ORDERS, filter_norms
from models.compress.pruning.pruned import Pruned


def prune_weights(network: nn.Module, threshold: float, criterion: str, seed: int) -> Pruned:
    """Sets a share of all weights of convolutions and fully connected layers to zero; biases stay.

    The criterion ranks the weights of the whole network together. A single number has the same norm whatever
    the norm, so what is compared is a weight relative to its filter (the weights that make one output
    channel): |w| over the power mean of the filter's absolute weights, of order 1 (L1), 2 (L2) or infinity
    (L-infinity). L1 and L2 spare what stands out of a filter of many small weights; with L-infinity every
    filter keeps its largest weight the longest. "random" is the control.

    Args:
        network: is left as it is.
        threshold: share of the weights that go, above 0, below 1.
        criterion: see `models.compress.transforms.Pruning`.
        seed: of "random".
    """
    network = copy.deepcopy(network).eval()
    layers = [
        (name, layer) for name, layer in network.named_modules() if isinstance(layer, (nn.Conv2d, nn.Linear))
    ]
    targets = [(layer, "weight") for _, layer in layers]
    if criterion == "random":
        scores = _random_scores([layer.weight for _, layer in layers], seed)
    else:
        scores = [_relative(layer.weight, ORDERS[criterion]) for _, layer in layers]
    torch_prune.global_unstructured(
        targets,
        pruning_method=torch_prune.L1Unstructured,  # the smallest scores go
        importance_scores=dict(zip(targets, scores, strict=True)),
        amount=threshold,
    )
    masks = {f"{name}.weight": layer.get_buffer("weight_mask").clone() for name, layer in layers}
    for _, layer in layers:
        torch_prune.remove(layer, "weight")
    return Pruned(network, masks)


def _relative(weights: torch.Tensor, order: float) -> torch.Tensor:
    norms = filter_norms(weights, order).reshape(-1, *[1] * (weights.dim() - 1))
    return weights.detach().abs() / norms.clamp_min(torch.finfo(weights.dtype).tiny)


def _random_scores(weights: list[torch.Tensor], seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(item.shape, generator=generator) for item in weights]
