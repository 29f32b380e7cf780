"""Networks and their costs."""

from __future__ import annotations

import pytest
import torch
from small_datasets import as_if_trained
from torch import nn

from models.networks import ByteDropout, DsCnn, MobileNet, TinyConv, folded, layer_costs


@pytest.fixture(autouse=True)
def drawn_alike():
    """Draw the same weights and features whichever tests ran before."""
    torch.manual_seed(0)


def test_tiny_conv_is_the_documented_stack():
    network = TinyConv().eval()
    stack = nn.Sequential(
        nn.Unflatten(1, (1, 49, 40)),
        nn.Conv2d(1, 8, kernel_size=(10, 8), stride=2, padding=(5, 3)),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4000, 4),
    )
    stack[1].load_state_dict(network.convolution.state_dict())
    channels_first = network.output.weight.reshape(4, 25, 20, 8).permute(0, 3, 1, 2).reshape(4, 4000)
    stack[4].load_state_dict({"weight": channels_first, "bias": network.output.bias})
    features = torch.rand(3, 1960) * 26
    torch.testing.assert_close(network(features), stack(features))


def test_tiny_conv_learns_as_the_documented_stack_does():
    network = TinyConv(dropout=0)
    features = torch.rand(3, 1960) * 26
    gradients = []
    for training in (True, False):
        logits = network.train(training)(features)
        gradients.append(torch.autograd.grad(logits.square().sum(), list(network.parameters())))
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-3)


def test_grouped_convolutions_cost_their_share():
    network = nn.Sequential(
        nn.Unflatten(1, (10, 14, 14)),
        nn.Conv2d(10, 10, 3, padding=1, groups=10, bias=False),
        nn.BatchNorm2d(10),
        nn.Conv2d(10, 20, 1, groups=2),
    )
    network.shape = 49, 40
    costs = [(cost.name, cost.parameters, cost.macs) for cost in layer_costs(network)]
    assert costs == [("1", 90, 196 * 10 * 9), ("2", 20, 0), ("3", 120, 196 * 20 * 5)]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(share):
    dropped = ByteDropout(share).train()(torch.ones(100, 1001))
    assert float((dropped == 0).float().mean()) == pytest.approx(share, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.05)


def test_ds_cnn_costs_the_benchmarks_operations():
    costs = layer_costs(DsCnn(labels=12))
    assert sum(cost.macs for cost in costs) == 2_656_768
    assert [cost.macs for cost in costs if cost.macs] == [320_000, *[72_000, 512_000] * 4, 768]


def test_ds_cnn_has_the_benchmarks_parameters():
    network = DsCnn(labels=12)
    statistics = sum(
        module.running_mean.numel() + module.running_var.numel()
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d)
    )
    assert sum(parameter.numel() for parameter in network.parameters()) + statistics == 24_908
    assert sum(parameter.numel() for parameter in folded(network).parameters()) == 22_604


def test_ds_cnn_pads_as_tensorflow_does():
    """Keras' "same": 49 rows by twos under a window of ten need nine more, four of them at the top."""
    network = as_if_trained(DsCnn())
    features = torch.zeros(1, 49, 40)
    features[0, 0] = 26.0  # seen by window rows 4 and up: outputs 0 to 2
    with torch.no_grad():
        seen = network.first(network.pool(features[:, None])) - network.first(torch.zeros(1, 1, 49, 10))
    rows = seen.abs().amax((0, 1, 3))
    assert (rows > 0).nonzero().flatten().tolist() == [0, 1, 2]


def test_mobilenet_has_the_published_parameters():
    network = MobileNet()
    assert sum(parameter.numel() for parameter in network.parameters()) == 3_217_226
    assert sum(cost.macs for cost in layer_costs(network)) == 46_354_432
    assert [layer.stride[0] for layer in network.modules() if isinstance(layer, nn.Conv2d)].count(2) == 4


def test_colors_of_an_image_are_read_one_after_another():
    network = as_if_trained(MobileNet(width=0.125)).eval()
    image = torch.rand(1, 3, 32, 32)
    activations = network.average(network.blocks(network.first(image)))
    torch.testing.assert_close(network(image.flatten(1)), network.output(activations.flatten(1)))


def test_folding_keeps_the_outputs():
    network = as_if_trained(DsCnn())
    features = torch.rand(5, 1960) * 26
    torch.testing.assert_close(folded(network)(features), network(features))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded(network).modules())
