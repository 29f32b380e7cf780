"""Pruned networks."""

from __future__ import annotations

import pytest
import torch
from small_datasets import as_if_trained
from torch import nn

from models.compress.prune import prune
from models.networks import DsCnn, MobileNet, TinyConv
from models.variants import Pruning

CRITERIA = ("l1", "l2", "linf", "random")

FEATURES = torch.rand(3, 1960, generator=torch.Generator().manual_seed(0)) * 26


def network(kind=TinyConv) -> nn.Module:
    torch.manual_seed(0)
    return as_if_trained(kind())


def weights_of(module: nn.Module) -> torch.Tensor:
    return torch.cat(
        [parameter.detach().flatten() for parameter in module.parameters() if parameter.dim() > 1]
    )


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("threshold", [0.1, 0.9])
def test_the_share_of_weights_is_zero_and_the_others_are_unchanged(criterion, threshold):
    before = network()
    cut = prune(before, Pruning("weights", threshold, criterion), seed=1)
    after, parameters = cut.network, dict(cut.network.named_parameters())
    assert set(cut.masks) == {"convolution.weight", "output.weight"}
    assert all(torch.equal(mask == 0, parameters[name] == 0) for name, mask in cut.masks.items())
    zero = weights_of(after) == 0
    assert int(zero.sum()) == round(threshold * len(zero))
    assert torch.equal(weights_of(after)[~zero], weights_of(before)[~zero])


def test_the_smallest_weights_of_a_filter_go_first():
    before = network()
    after = prune(before, Pruning("weights", 0.5, "linf"), seed=1).network
    for row, cut in zip(before.output.weight.abs(), after.output.weight == 0, strict=True):
        assert row[cut].max() < row[~cut].min()


@pytest.mark.parametrize("kind", ["weights", "channels"])
def test_random_is_a_function_of_the_seed(kind):
    def chosen(seed):
        return weights_of(prune(network(), Pruning(kind, 0.5, "random"), seed=seed).network)

    assert torch.equal(chosen(1), chosen(1))
    assert not torch.equal(chosen(1), chosen(2))


@pytest.mark.parametrize(
    ("threshold", "left"), [(0.125, 7), (0.25, 6), (0.375, 5), (0.5, 4), (0.65, 3), (0.9, 1)]
)
def test_channels_go_and_the_output_layer_shrinks_with_them(threshold, left):
    cut = prune(network(), Pruning("channels", threshold), seed=1).network
    assert cut.convolution.out_channels == left
    assert cut.output.weight.shape == (4, 25 * 20 * left)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_pruned_network_equals_the_network_with_silenced_channels(criterion):
    before = network()
    cut = prune(before, Pruning("channels", 0.5, criterion), seed=1).network
    kept = [
        index
        for index, weight in enumerate(before.convolution.weight)
        if any(torch.equal(weight, other) for other in cut.convolution.weight)
    ]
    silent = torch.zeros(8)
    silent[kept] = 1
    without = network()
    without.convolution.weight.data *= silent.reshape(8, 1, 1, 1)
    without.convolution.bias.data *= silent
    torch.testing.assert_close(cut(FEATURES), without(FEATURES))


@pytest.mark.parametrize("criterion", ["l1", "l2", "linf"])
def test_the_channels_with_the_smallest_norm_go(criterion):
    before = network()
    for index, scale in enumerate([5, 1, 7, 2, 8, 3, 6, 4]):
        before.convolution.weight.data[index] *= scale * 10
    cut = prune(before, Pruning("channels", 0.5, criterion), seed=1).network
    assert torch.equal(cut.convolution.weight, before.convolution.weight[[0, 2, 4, 6]])


PUBLISHED_PARAMETERS = {0.05: 2_902_069, 0.5: 823_722}
"""Of MobileNet for CIFAR-10, pruned by Torch-Pruning."""


@pytest.mark.parametrize("threshold", PUBLISHED_PARAMETERS)
def test_mobilenet_has_as_many_parameters_as_published(threshold):
    cut = prune(network(MobileNet), Pruning("channels", threshold, rounding="up"), seed=1).network
    assert sum(parameter.numel() for parameter in cut.parameters()) == PUBLISHED_PARAMETERS[threshold]


def test_rounding_up_leaves_a_channel():
    cut = prune(network(), Pruning("channels", 0.9, rounding="up"), seed=1).network
    assert cut.convolution.out_channels == 1


def test_coupled_channels_go_together():
    cut = prune(network(DsCnn), Pruning("channels", 0.25), seed=1).network
    shapes = {
        (layer.in_channels, layer.out_channels, layer.groups)
        for layer in cut.modules()
        if isinstance(layer, nn.Conv2d)
    }
    assert shapes == {(1, 48, 1), (48, 48, 48), (48, 48, 1)}
    assert cut.output.in_features == 48
    assert cut(FEATURES).shape == (3, 4)
