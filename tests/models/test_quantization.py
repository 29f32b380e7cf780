"""Quantized networks."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from small_datasets import SyntheticFeatures
from torch import nn
from torch.ao.nn import qat

from models import train as training
from models.compress.quantize import float_network, learned_ranges, quantize, slower
from models.networks import DsCnn, TinyConv, folded
from models.variants import Quantization, Training, Variant

CLIPS = torch.rand(20, 1960, generator=torch.Generator().manual_seed(0)) * 26

INTEGERS = Quantization("aware", bits=4)
MINIFLOATS = Quantization("aware", number="minifloat", bits=4)
NUMBERS = pytest.mark.parametrize("numbers", [INTEGERS, MINIFLOATS], ids=["integer", "minifloat"])
NETWORKS = pytest.mark.parametrize("kind", [TinyConv, DsCnn])


def network(kind=TinyConv, **settings) -> nn.Module:
    torch.manual_seed(0)
    return folded(kind(**settings))


def layers_of(quantized: nn.Module) -> list[nn.Module]:
    return [part for part in quantized.modules() if isinstance(part, (qat.Conv2d, qat.Linear))]


def inputs_of_layers(quantized: nn.Module, clips: torch.Tensor) -> list[torch.Tensor]:
    """Capture the input of every layer."""
    seen = []
    for layer in layers_of(quantized):
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    quantized(clips)
    return seen


def error(quantized: nn.Module, plain: nn.Module) -> float:
    with torch.no_grad():
        return float(((quantized(CLIPS) - plain(CLIPS)) ** 2).mean())


@NETWORKS
def test_more_bits_are_closer_to_float(kind):
    plain = network(kind)
    errors = [
        error(quantize(plain, Quantization("post-training", bits=bits), CLIPS), plain) for bits in (2, 4, 8)
    ]
    assert errors == sorted(errors, reverse=True)


@NETWORKS
@NUMBERS
def test_inputs_and_weights_of_every_layer_have_at_most_16_values(kind, numbers):
    quantized = quantize(network(kind), numbers, CLIPS)
    for layer, inputs in zip(layers_of(quantized), inputs_of_layers(quantized, CLIPS[:3]), strict=True):
        rounded = layer.weight_fake_quant(layer.weight)
        for values in (inputs, *rounded):
            assert 2 < len(values.unique()) <= 16


def test_logits_have_eight_bits():
    quantized = quantize(network(), Quantization("aware", bits=2), CLIPS)
    steps = quantized(CLIPS) / quantized.rounding[-1].scale
    torch.testing.assert_close(steps, steps.round())
    assert quantized.rounding[-1].bits == 8


@NETWORKS
@NUMBERS
def test_weights_and_ranges_can_be_stored(kind, numbers, tmp_path):
    quantized = quantize(network(kind), numbers, CLIPS)
    torch.save(quantized.state_dict(), tmp_path / "quantized.pt")
    other = quantize(network(kind), numbers, CLIPS[:5] / 2)
    assert not torch.equal(other(CLIPS), quantized(CLIPS))
    other.load_state_dict(torch.load(tmp_path / "quantized.pt", weights_only=True))
    assert torch.equal(other(CLIPS), quantized(CLIPS))


@NETWORKS
@NUMBERS
def test_every_parameter_learns(kind, numbers):
    quantized = quantize(network(kind, dropout=0.0), numbers, CLIPS).train()
    nn.functional.cross_entropy(quantized(CLIPS), torch.arange(len(CLIPS)) % 4).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in quantized.parameters())


@pytest.fixture(scope="module")
def trained():
    """Variant and trained network."""
    features = SyntheticFeatures()
    variant = Variant("some", "Some", "tinyconv", "int8", training=Training(epochs=3, batch_size=32))
    return variant, folded(training.fit(variant, features).network), features


def tuned(trained, numbers: Quantization) -> training.Trained:
    variant, plain, features = trained
    quantized = quantize(plain, numbers, CLIPS)
    gentle = dataclasses.replace(variant, training=slower(variant.training))
    return training.fine_tune(quantized, gentle, features, 3)


@NUMBERS
def test_fine_tuning_is_repeatable_and_lowers_the_loss(trained, numbers):
    first, second = tuned(trained, numbers), tuned(trained, numbers)
    assert torch.equal(first.network(CLIPS), second.network(CLIPS))
    losses = [epoch.validation_loss for epoch in first.epochs]
    assert losses[first.kept_epoch] < losses[0]


@pytest.mark.parametrize("bits", [2, 8])
@pytest.mark.parametrize("symmetric", [True, False])
def test_cut_weights_stay_zero(bits, symmetric):
    plain = network()
    plain.output.weight.data[:, ::2] = 0
    given = float_network(quantize(plain, Quantization("aware", bits=bits, symmetric=symmetric), CLIPS))
    assert not given.output.weight[:, ::2].any()


@NETWORKS
def test_the_float_network_has_the_rounded_weights(kind):
    quantized = quantize(network(kind), INTEGERS, CLIPS)
    given = [part for part in float_network(quantized).modules() if isinstance(part, (nn.Conv2d, nn.Linear))]
    for layer, expected in zip(given, layers_of(quantized), strict=True):
        assert type(layer) in (nn.Conv2d, nn.Linear)
        assert torch.equal(layer.weight, expected.weight_fake_quant(expected.weight))


def test_only_the_float_network_of_eight_bits_carries_its_ranges():
    quantized = quantize(network(), Quantization("aware"), CLIPS)
    ranges = learned_ranges(float_network(quantized))
    assert ranges == tuple(part.range for part in quantized.rounding)
    assert len(ranges) == 3
    for numbers in (INTEGERS, MINIFLOATS):
        assert learned_ranges(float_network(quantize(network(), numbers, CLIPS))) is None
