"""Structured pruning: whole channels go, from every layer that they run through."""

from __future__ import annotations

import copy
import warnings

import torch
import torch_pruning
from torch import nn

from models.compress.pruning.norms import ORDERS, filter_norms
from models.compress.transforms import channels_removed
from models.networks import TinyConv, folded
from models.networks.input import CHANNELS, SLICES


def prune_channels(network: nn.Module, threshold: float, criterion: str, seed: int) -> nn.Module:
    """Removes a share of the channels of every convolution; the layers that take them shrink with it.

    Layers whose channels are coupled (in DS-CNN a pointwise convolution, its normalization and the depthwise
    convolution behind it) lose the same ones; G. Fang et al., "DepGraph: Towards Any Structural Pruning",
    2023. The channels with the least norm go: the power mean (order 1, 2 or infinity) of the absolute weights
    of the filter that makes the channel, normalization folded into it; over coupled convolutions the mean of
    their norms, each relative to its layer's average. "random" is the control. Outputs of the network stay.

    Args:
        network: is left as it is.
        threshold: share of the channels of each layer; see `models.compress.transforms.channels_removed`.
        criterion: see `models.compress.transforms.Pruning`.
        seed: of "random".
    """
    cut = copy.deepcopy(network).eval()
    norms = _norms(cut, criterion)
    traced = _ChannelsFirst(cut) if isinstance(cut, TinyConv) else cut
    names = {layer: name for name, layer in cut.named_modules()}
    generator = torch.Generator().manual_seed(seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Unwrapped parameters detected")
        graph = torch_pruning.DependencyGraph().build_dependency(
            traced, example_inputs=torch.zeros(1, SLICES * CHANNELS)
        )
    last = [layer for layer in traced.modules() if isinstance(layer, nn.Linear)]
    groups = list(graph.get_all_groups(ignored_layers=last, root_module_types=[nn.Conv2d]))
    for group in groups:
        makers = [
            dependency.target.module
            for dependency, _ in group
            if isinstance(dependency.target.module, nn.Conv2d)
            and graph.is_out_channel_pruning_fn(dependency.handler)
        ]
        channels = makers[0].out_channels
        if criterion == "random":
            scores = torch.rand(channels, generator=generator)
        else:
            scores = torch.stack([norms[names[maker]] for maker in makers]).mean(0)
        removed = scores.argsort(stable=True)[: channels_removed(channels, threshold)]
        if len(removed):
            group.prune(idxs=sorted(removed.tolist()))
    if isinstance(traced, _ChannelsFirst):
        traced.put_back()
    return cut


def _norms(network: nn.Module, criterion: str) -> dict[str, torch.Tensor]:
    """By the name of a convolution: the norm of each filter relative to the layer's average, (channels,)."""
    if criterion == "random":
        return {}
    norms = {
        name: filter_norms(layer.weight, ORDERS[criterion])
        for name, layer in folded(network).named_modules()
        if isinstance(layer, nn.Conv2d)
    }
    return {name: values / values.mean() for name, values in norms.items()}


class _ChannelsFirst(nn.Module):
    """TinyConv with its activations flattened channels first, which is how the dependency graph takes them.

    Args:
        network: whose convolution this one shares; see `put_back`.
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
        """Logits, as TinyConv's."""
        image = features.reshape(-1, 1, SLICES, CHANNELS)
        return self.output(torch.relu(self.convolution(image)).flatten(1))

    def put_back(self) -> None:
        """Gives TinyConv what is left of the output layer, channels last again."""
        (network,) = self._network
        channels = self.convolution.out_channels
        first = self.output.weight.detach().unflatten(1, (channels, -1))  # (labels, channels, 25 x 20)
        network.output = nn.Linear(self.output.in_features, self.output.out_features)
        network.output.weight.data = first.transpose(1, 2).flatten(1).clone()
        network.output.bias.data = self.output.bias.detach().clone()
