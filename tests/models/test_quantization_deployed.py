"""Quantization-aware networks as int8 models."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_datasets import SyntheticFeatures
from torch.ao.nn import qat

from models import train as training
from models.compress.quantize import float_network, quantize
from models.convert import convert
from models.data.front_ends import load_front_end
from models.evaluation import outputs_of
from models.networks import Deployed, DsCnn, TinyConv, folded
from models.variants import Quantization, Training, Variant

FEATURES = SyntheticFeatures()
LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")

MICRO = load_front_end("micro")


def float_clips(split: str) -> torch.Tensor:
    return torch.from_numpy(MICRO.values(FEATURES.split(split)[0]).reshape(-1, 1960))


@pytest.fixture(scope="module", params=[TinyConv, DsCnn], ids=["tinyconv", "ds-cnn"])
def deployed(request, tmp_path_factory):
    """Train and convert a quantized network; return it with the .tflite and the conversion."""
    torch.manual_seed(0)
    variant = Variant("some", "Some", "tinyconv", "int8", training=Training(epochs=1, batch_size=64))
    plain = folded(training.fine_tune(request.param(), variant, FEATURES, 1).network)
    quantized = quantize(plain, Quantization("aware"), float_clips("training")[:50])
    quantized = training.fine_tune(quantized, variant, FEATURES, 1).network
    folder = tmp_path_factory.mktemp(request.param.__name__)
    # Other clips than those it learned with: none of their ranges may be left.
    samples = float_clips("validation")[:8].numpy() * np.float32(0.7)
    done = convert(Deployed(float_network(quantized)), folder, precision="int8", samples=samples)
    return quantized, folder / "model.tflite", done


def test_weights_are_the_learned_integers(deployed):
    quantized, _, done = deployed
    layers = [layer for layer in quantized.modules() if isinstance(layer, (qat.Conv2d, qat.Linear))]
    operators = [operator for operator in done.model.operators if operator.name in LAYERS]
    for layer, operator in zip(layers, operators, strict=True):
        scale = layer.weight_fake_quant.scale.reshape(-1, *[1] * (layer.weight.dim() - 1))
        expected = (layer.weight_fake_quant(layer.weight) / scale).round().detach().numpy().astype(np.int8)
        if operator.name == "CONV_2D":
            expected = expected.transpose(0, 2, 3, 1)  # TensorFlow Lite's are channels last
        elif operator.name == "DEPTHWISE_CONV_2D":
            expected = expected.transpose(1, 2, 3, 0)
        found = done.model.tensors[operator.inputs[1]]
        np.testing.assert_array_equal(found.data, expected)
        np.testing.assert_allclose(found.quantization.scales, layer.weight_fake_quant.scale, rtol=1e-6)


def test_activations_have_the_learned_ranges(deployed):
    quantized, _, done = deployed
    model = done.model
    layers = [operator.outputs[0] for operator in model.operators if operator.name in LAYERS]
    for index, rounding in zip((model.inputs[0], *layers), quantized.rounding, strict=True):
        found = model.tensors[index].quantization
        assert found.zero_points == (int(rounding.zero_point),)
        assert found.scales == pytest.approx((float(rounding.scale),), rel=1e-6)


def test_operators_that_move_or_average_data_keep_the_scale(deployed):
    _, _, done = deployed
    for operator in done.model.operators:
        if operator.name not in (*LAYERS, "SOFTMAX"):
            source, output = (done.model.tensors[i] for i in (operator.inputs[0], operator.outputs[0]))
            assert output.quantization.scales == source.quantization.scales


def test_outputs_are_those_of_the_quantized_network(deployed):
    quantized, tflite, _ = deployed
    clips, _ = FEATURES.split("testing")
    probabilities = (outputs_of(tflite, clips).astype(np.float32) + 128) / 256
    with torch.no_grad():
        expected = torch.softmax(quantized(float_clips("testing")), 1).numpy()
    # The board rounds its input by an integer division and its sums by a fixed-point multiplication: now
    # and then an integer beside the network's, which is a step of a logit, a twentieth of a probability.
    assert np.abs(probabilities - expected).mean() < 1 / 256
    assert np.abs(probabilities - expected).max() < 0.05
    agreed = (probabilities.argmax(1) == expected.argmax(1)).mean()
    assert agreed >= 0.99
