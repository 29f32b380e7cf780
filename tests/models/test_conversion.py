from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from synthetic_features import SyntheticFeatures
from torch import nn

from models import train as training
from models.convert import convert
from models.convert.checks import check_int8, check_operators
from models.convert.model_file import read_model
from models.errors import ConversionError
from models.log_filter import known_noise_dropped
from models.networks import Deployed, DsCnn, folded, layer_costs
from models.variants import Training, Variant

FILES = ("model.tflite", "model.onnx", "model_data.h", "model_data.cc")


def samples_of(features: SyntheticFeatures) -> np.ndarray:
    return features.split("training")[0].reshape(-1, 1960) * np.float32(10 / 256)


@pytest.fixture(scope="module")
def samples():
    return samples_of(SyntheticFeatures(clips=100))


@pytest.fixture(scope="module")
def tiny_conv():
    variant = Variant("some", "Some", "tinyconv", "int8", training=Training(epochs=3, batch_size=32))
    return Deployed(training.fit(variant, SyntheticFeatures(), show_bar=False).network)


@pytest.fixture(scope="module")
def converted(tiny_conv, samples, tmp_path_factory):
    """By precision: the folder and what `convert` returned."""
    done = {}
    for precision in ("float32", "int8"):
        folder = tmp_path_factory.mktemp(precision)
        done[precision] = folder, convert(tiny_conv, folder, precision=precision, samples=samples)
    return done


class DepthwiseSeparable(nn.Module):
    """A small DS-CNN, with padding at stride 1 and 2, batch normalization and global pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, (10, 4), stride=2, padding=(5, 1)),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            *self._block(8, 12, stride=1),
            *self._block(12, 12, stride=2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(12, 4),
        )

    @staticmethod
    def _block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        return [
            nn.Conv2d(inputs, inputs, 3, stride=stride, padding=1, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, 1),
            nn.ReLU(),
        ]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.body(features.reshape(-1, 1, 49, 40))


def with_activation(activation: nn.Module) -> nn.Module:
    return Deployed(nn.Sequential(nn.Linear(1960, 8), activation, nn.Linear(8, 4)))


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_tiny_conv_becomes_a_lean_graph(converted, precision):
    names = [operator.name for operator in converted[precision][1].model.operators]
    assert names == ["RESHAPE", "PAD", "RESHAPE", "CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_every_step_agrees_with_torch(converted, precision):
    parity = converted[precision][1].parity
    assert list(parity) == ["torchscript", "onnx", "savedmodel", "tflite"]
    assert max(parity.values()) < 1e-5


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_input_and_output_have_the_type_that_was_asked_for(converted, precision):
    model = converted[precision][1].model
    assert (model.inputs[0].dtype, model.outputs[0].dtype) == (precision, precision)
    assert (model.inputs[0].shape, model.outputs[0].shape) == ((1, 1960), (1, 4))


def test_int8_scores_are_probabilities_in_256ths(converted):
    output = converted["int8"][1].model.outputs[0]
    assert (output.scales, output.zero_points) == ((1 / 256,), (-128,))


def test_the_model_costs_what_the_network_costs(converted, tiny_conv):
    assert converted["int8"][1].model.macs == sum(cost.macs for cost in layer_costs(tiny_conv))


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_repeated_conversion_is_byte_identical(converted, tiny_conv, samples, precision, tmp_path):
    convert(tiny_conv, tmp_path, precision=precision, samples=samples)
    folder, _ = converted[precision]
    assert [(tmp_path / name).read_bytes() for name in FILES] == [
        (folder / name).read_bytes() for name in FILES
    ]


def test_no_file_tells_where_it_was_made(converted):
    folder, _ = converted["int8"]
    for file in folder.iterdir():
        assert b"site-packages" not in file.read_bytes() and str(folder).encode() not in file.read_bytes()


def test_torchscript_takes_a_batch(converted, tiny_conv, samples):
    with known_noise_dropped():
        loaded = torch.jit.load(str(converted["int8"][0] / "model.torchscript.pt"))
    batch = torch.from_numpy(samples)
    with torch.no_grad():
        torch.testing.assert_close(loaded(batch), tiny_conv(batch))


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_depthwise_network_passes_the_checks(samples, precision, tmp_path):
    torch.manual_seed(0)
    done = convert(Deployed(DepthwiseSeparable()), tmp_path, precision=precision, samples=samples)
    counts = done.model.operator_counts
    assert (counts["DEPTHWISE_CONV_2D"], counts["CONV_2D"], counts["AVERAGE_POOL_2D"]) == (2, 3, 1)
    assert (counts["TRANSPOSE"], counts["PAD"]) == (2, 2)  # around the padding at stride 2 only


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_ds_cnn_converts_without_an_operator_that_only_moves_data(samples, precision, tmp_path):
    torch.manual_seed(0)
    done = convert(Deployed(folded(DsCnn())), tmp_path, precision=precision, samples=samples)
    assert done.model.operator_counts == {
        "RESHAPE": 1,
        "AVERAGE_POOL_2D": 2,
        "CONV_2D": 5,
        "DEPTHWISE_CONV_2D": 4,
        "FULLY_CONNECTED": 1,
        "SOFTMAX": 1,
    }
    assert done.model.macs == sum(cost.macs for cost in layer_costs(DsCnn()))


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize(
    ("activation", "operator"), [(nn.Tanh(), "TANH"), (nn.Hardswish(), "MINIMUM"), (nn.GELU(), "tf.Erf")]
)
def test_an_operator_that_the_board_lacks_is_named(samples, activation, operator, precision, tmp_path):
    with pytest.raises(ConversionError) as raised:
        convert(with_activation(activation), tmp_path, precision=precision, samples=samples)
    assert raised.value.where == operator


def test_an_operator_that_onnx_lacks_is_refused(samples, tmp_path):
    class Unwritable(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(values)

    with pytest.raises(ConversionError, match="bessel_j0"):
        convert(with_activation(Unwritable()), tmp_path, precision="float32", samples=samples)


def test_which_operators_are_known_is_the_callers_choice(samples, tmp_path):
    known = ("FULLY_CONNECTED", "TANH", "SOFTMAX")
    done = convert(
        with_activation(nn.Tanh()), tmp_path, precision="int8", samples=samples, known_operators=known
    )
    assert done.model.operator_counts == {"FULLY_CONNECTED": 2, "TANH": 1, "SOFTMAX": 1}


@pytest.mark.parametrize("nothing", [None, np.empty((0, 1960), np.float32)])
def test_int8_without_representative_data_is_refused(tiny_conv, nothing, tmp_path):
    with pytest.raises(ConversionError, match="representative"):
        convert(tiny_conv, tmp_path, precision="int8", samples=nothing)


def test_float32_needs_no_representative_data(tiny_conv, converted, tmp_path):
    convert(tiny_conv, tmp_path, precision="float32")
    assert (tmp_path / "model.tflite").read_bytes() == (converted["float32"][0] / "model.tflite").read_bytes()


def test_an_int8_tensor_without_a_scale_is_refused(converted):
    model = converted["int8"][1].model
    convolution = next(item for item in model.operators if item.name == "CONV_2D")
    broken = dataclasses.replace(
        convolution, outputs=(dataclasses.replace(convolution.outputs[0], scales=(0.0,)),)
    )
    with pytest.raises(ConversionError, match="CONV_2D"):
        check_int8(dataclasses.replace(model, operators=(broken,)))


def test_a_float_tensor_left_in_an_int8_model_is_refused(converted):
    model = converted["int8"][1].model
    left = next(item for item in converted["float32"][1].model.operators if item.name == "FULLY_CONNECTED")
    with pytest.raises(ConversionError) as raised:
        check_int8(dataclasses.replace(model, operators=(*model.operators, left)))
    assert raised.value.where == "FULLY_CONNECTED"


def test_a_float_model_is_no_int8_model(converted):
    with pytest.raises(ConversionError, match="input is float32"):
        check_int8(read_model(converted["float32"][0] / "model.tflite"))


def test_a_known_model_passes(converted):
    check_operators(read_model(converted["int8"][0] / "model.tflite"))
