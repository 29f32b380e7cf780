"""Pruning of a trained network: single weights become zero, or whole channels go."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn.utils import prune as torch_prune

from models.networks import TinyConv, example_input, folded
from models.variants import Pruning

_ORDERS = {"l1": 1.0, "l2": 2.0, "linf": float("inf")}
"""Order of the p-norm by criterion."""


@dataclass(frozen=True)
class Pruned:
    """A pruned network.

    Attributes:
        network: in evaluation mode, not fine-tuned.
        masks: by parameter name, zeros where weights were cut and must stay zero; empty where whole channels
            are gone.
    """

    network: nn.Module
    masks: Mapping[str, torch.Tensor] = field(default_factory=dict)


def prune(network: nn.Module, pruning: Pruning, seed: int) -> Pruned:
    """Prune a copy of a network, without training.

    Args:
        network: of `models.networks`, with its batch normalizations.
        pruning: share and criterion.
        seed: for the criterion "random".
    """
    if pruning.kind == "weights":
        return _prune_weights(network, pruning.threshold, pruning.criterion, seed)
    return Pruned(_prune_channels(network, pruning, seed))


def _filter_norms(weights: torch.Tensor, order: float) -> torch.Tensor:
    """Compute the power mean of the absolute weights of each filter: its p-norm, independent of its size.

    L1 is the mean, L2 the root of the mean square, L-infinity the largest. A mean rather than a sum makes
    filters of 80 and of 4,000 weights comparable.

    Args:
        weights: (filters, ...); one filter makes one output channel.
        order: 1 or more, or infinity.

    Returns:
        (filters,), 0 or more.
    """
    size = weights[0].numel()
    norms = torch.linalg.vector_norm(weights.detach().flatten(1), ord=order, dim=1)
    return norms if order == float("inf") else norms / size ** (1 / order)


def _prune_weights(network: nn.Module, threshold: float, criterion: str, seed: int) -> Pruned:
    """Set a share of all weights of convolutions and fully connected layers to zero; biases stay.

    The criterion ranks the weights of the whole network together. A single number has the same norm under
    every criterion, so each weight is compared relative to its filter (the weights of one output channel):
    |w| over the power mean of the filter's absolute weights, of order 1 (L1), 2 (L2) or infinity
    (L-infinity). L1 and L2 spare weights that stand out of a filter of many small ones; L-infinity keeps
    every filter's largest weight the longest. "random" is the control.
    """
    network = copy.deepcopy(network).eval()
    layers = [
        (name, layer) for name, layer in network.named_modules() if isinstance(layer, (nn.Conv2d, nn.Linear))
    ]
    targets = [(layer, "weight") for _, layer in layers]
    if criterion == "random":
        generator = torch.Generator().manual_seed(seed)
        scores = [torch.rand(layer.weight.shape, generator=generator) for _, layer in layers]
    else:
        scores = [_relative(layer.weight, _ORDERS[criterion]) for _, layer in layers]
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
    norms = _filter_norms(weights, order).reshape(-1, *[1] * (weights.dim() - 1))
    return weights.detach().abs() / norms.clamp_min(torch.finfo(weights.dtype).tiny)


def _prune_channels(network: nn.Module, pruning: Pruning, seed: int) -> nn.Module:
    """Remove a share of the channels of every convolution; the layers that read them shrink with it.

    Layers whose channels are coupled (in DS-CNN a pointwise convolution, its normalization and the depthwise
    convolution behind it) lose the same ones; G. Fang et al., "DepGraph: Towards Any Structural Pruning",
    2023. The channels with the smallest norm go: the power mean (order 1, 2 or infinity) of the absolute
    weights of the channel's filter, normalization folded in; for coupled convolutions the mean of their
    norms, each relative to its layer's average. "random" is the control. The share is rounded in each layer,
    and one channel stays. The network's outputs stay.
    """
    import torch_pruning  # here: pruning single weights does not need it

    cut = copy.deepcopy(network).eval()
    norms = _channel_norms(cut, pruning.criterion)
    traced = _ChannelsFirst(cut) if isinstance(cut, TinyConv) else cut
    names = {layer: name for name, layer in cut.named_modules()}
    generator = torch.Generator().manual_seed(seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Unwrapped parameters detected")
        graph = torch_pruning.DependencyGraph().build_dependency(traced, example_inputs=example_input(cut))
    last = [layer for layer in traced.modules() if isinstance(layer, nn.Linear)]
    for group in list(graph.get_all_groups(ignored_layers=last, root_module_types=[nn.Conv2d])):
        makers = [
            dependency.target.module
            for dependency, _ in group
            if isinstance(dependency.target.module, nn.Conv2d)
            and graph.is_out_channel_pruning_fn(dependency.handler)
        ]
        channels = makers[0].out_channels
        if pruning.criterion == "random":
            scores = torch.rand(channels, generator=generator)
        else:
            scores = torch.stack([norms[names[maker]] for maker in makers]).mean(0)
        share = channels * pruning.threshold  # 0.29 of 100 is 28.999999999999996
        count = math.floor(share + 1e-9) if pruning.rounding == "down" else math.ceil(share - 1e-9)
        removed = scores.argsort(stable=True)[: min(count, channels - 1)]
        if len(removed):
            group.prune(idxs=sorted(removed.tolist()))
    if isinstance(traced, _ChannelsFirst):
        traced.put_back()
    return cut


def _channel_norms(network: nn.Module, criterion: str) -> dict[str, torch.Tensor]:
    """Compute by convolution the norm of each filter relative to the layer's average, (channels,)."""
    if criterion == "random":
        return {}
    norms = {
        name: _filter_norms(layer.weight, _ORDERS[criterion])
        for name, layer in folded(network).named_modules()
        if isinstance(layer, nn.Conv2d)
    }
    return {name: values / values.mean() for name, values in norms.items()}


class _ChannelsFirst(nn.Module):
    """TinyConv with activations flattened channels first, the order that the dependency graph expects.

    Args:
        network: shares its convolution with this module; see `put_back`.
    """

    def __init__(self, network: TinyConv) -> None:
        super().__init__()
        self._network = [network]  # in a list: not a part of this module
        self.convolution = network.convolution
        self.output = nn.Linear(network.output.in_features, network.output.out_features)
        channels = self.convolution.out_channels
        last = network.output.weight.detach().unflatten(1, (-1, channels))  # (labels, 25 x 20, channels)
        self.output.weight.data = last.transpose(1, 2).flatten(1).clone()
        self.output.bias.data = network.output.bias.detach().clone()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        image = features.reshape(-1, 1, *self._network[0].shape)
        return self.output(torch.relu(self.convolution(image)).flatten(1))

    def put_back(self) -> None:
        """Give TinyConv the pruned output layer, channels last again."""
        (network,) = self._network
        channels = self.convolution.out_channels
        first = self.output.weight.detach().unflatten(1, (channels, -1))  # (labels, channels, 25 x 20)
        network.output = nn.Linear(self.output.in_features, self.output.out_features)
        network.output.weight.data = first.transpose(1, 2).flatten(1).clone()
        network.output.bias.data = self.output.bias.detach().clone()
