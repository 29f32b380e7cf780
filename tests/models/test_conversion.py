"""Conversion of networks to .tflite files."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from small_datasets import SyntheticFeatures
from torch import nn

from models.convert import convert
from models.convert.chain import check_types
from models.errors import ConversionError
from models.log_filter import known_noise_dropped
from models.networks import Deployed, DsCnn, TinyConv, folded, layer_costs


@pytest.fixture(scope="module")
def samples():
    features, _ = SyntheticFeatures(clips=100).split("training")
    return features.reshape(-1, 1960) * np.float32(10 / 256)


@pytest.fixture(scope="module")
def tiny_conv():
    torch.manual_seed(0)
    return Deployed(TinyConv())


@pytest.fixture(scope="module")
def converted(tiny_conv, samples, tmp_path_factory):
    """Convert TinyConv; return the folder and the result by precision."""
    done = {}
    for precision in ("float32", "int8"):
        folder = tmp_path_factory.mktemp(precision)
        done[precision] = folder, convert(tiny_conv, folder, precision=precision, samples=samples)
    return done


CONVERSION = """
import sys
from pathlib import Path
import numpy as np, torch
from models.convert import convert
from models.networks import Deployed, TinyConv
torch.manual_seed(0)
convert(Deployed(TinyConv()), Path(sys.argv[1]), precision="int8", samples=np.load(sys.argv[2]))
"""


def test_a_conversion_in_another_process_is_silent_and_gives_the_same_bytes(converted, samples, tmp_path):
    """onnx-tf declares neither its bounds nor all it needs: only imports show that the pins fit."""
    np.save(tmp_path / "samples.npy", samples)
    command = [sys.executable, "-c", CONVERSION, tmp_path, tmp_path / "samples.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for name in ("model.tflite", "model.onnx"):
        assert (tmp_path / name).read_bytes() == (converted["int8"][0] / name).read_bytes()


def test_only_known_lines_of_native_code_and_known_warnings_are_dropped(capfd):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with known_noise_dropped():
            os.write(2, b"fully_quantize: 0, inference_type: 6, input_inference_type: INT8\n")
            os.write(2, b"error: 'tf.Erf' op is neither a custom op nor a flex op\n")
            warnings.warn("distutils Version classes are deprecated. Use more", DeprecationWarning, 1)
            warnings.warn("something new", DeprecationWarning, 1)
    assert capfd.readouterr().err == "error: 'tf.Erf' op is neither a custom op nor a flex op\n"
    assert [str(item.message) for item in caught] == ["something new"]


def with_activation(activation: nn.Module) -> nn.Module:
    network = nn.Sequential(nn.Linear(1960, 8), activation, nn.Linear(8, 4))
    network.shape = 49, 40
    return Deployed(network)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_tinyconv_becomes_a_lean_graph_of_its_precision(converted, precision):
    _, done = converted[precision]
    names = [operator.name for operator in done.model.operators]
    assert names == ["RESHAPE", "PAD", "RESHAPE", "CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]
    source, output = done.model.input_tensors[0], done.model.output_tensors[0]
    assert (source.type, source.shape) == (precision, (1, 1960))
    assert (output.type, output.shape) == (precision, (1, 4))
    if precision == "int8":
        assert (output.quantization.scales, output.quantization.zero_points) == ((1 / 256,), (-128,))
    assert list(done.parity) == ["torchscript", "onnx", "savedmodel", "tflite"]
    assert max(done.parity.values()) < 1e-5


def test_ds_cnn_converts_without_operators_that_only_move_data(samples, tmp_path):
    torch.manual_seed(0)
    done = convert(Deployed(folded(DsCnn())), tmp_path, precision="float32", samples=samples)
    assert done.model.operator_counts == {
        "AVERAGE_POOL_2D": 2,
        "CONV_2D": 5,
        "DEPTHWISE_CONV_2D": 4,
        "FULLY_CONNECTED": 1,
        "RESHAPE": 1,
        "SOFTMAX": 1,
    }
    assert done.model.macs == sum(cost.macs for cost in layer_costs(DsCnn()))


@pytest.mark.parametrize(("activation", "operator"), [(nn.Tanh(), "TANH"), (nn.GELU(), "tf.Erf")])
def test_an_operator_that_the_board_lacks_is_named(samples, activation, operator, tmp_path):
    with pytest.raises(ConversionError) as raised:
        convert(with_activation(activation), tmp_path, precision="int8", samples=samples)
    assert raised.value.where == operator


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"type": "float32"}, "still has a float32 tensor"), ({"quantization": None}, "without a scale")],
)
def test_an_operator_that_is_not_int8_is_refused(converted, changes, problem):
    model = converted["int8"][1].model
    convolution = next(item for item in model.operators if item.name == "CONV_2D")
    tensors = list(model.tensors)
    tensors[convolution.outputs[0]] = dataclasses.replace(tensors[convolution.outputs[0]], **changes)
    with pytest.raises(ConversionError, match=problem) as raised:
        check_types(dataclasses.replace(model, tensors=tuple(tensors)), "int8")
    assert raised.value.where == "CONV_2D"
    with pytest.raises(ConversionError, match="input is float32"):
        check_types(converted["float32"][1].model, "int8")
