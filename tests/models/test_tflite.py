"""Reader of .tflite files."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shared_data import shared_data
from tflite_builder import ModelBuilder, schema

from models.errors import ConversionError
from models.tflite import read_tflite

MANY = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def tflite(tmp_path):
    """A small model, in a folder for changed copies."""
    builder = ModelBuilder()
    source, output = builder.activation((1, 3), "i1", 0.5, 7), builder.activation((1, 2), "i1", 0.25, -1)
    weights = builder.constant(np.arange(6, dtype="i1").reshape(2, 3), [0.5, 0.125])
    builder.operator("FULLY_CONNECTED", [source, weights, -1], [output], fusedActivationFunction=3)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.finish([source], [output]))
    return path


def test_tensors_and_operators(tflite):
    model = read_tflite(tflite)
    source, _output, weights = model.tensors
    assert (source.shape, source.type, source.data) == ((1, 3), "int8", None)
    assert (source.quantization.scales, source.quantization.zero_points) == ((0.5,), (7,))
    assert weights.quantization.scales == (0.5, 0.125)
    np.testing.assert_array_equal(weights.data, [[0, 1, 2], [3, 4, 5]])
    assert not weights.data.flags.writeable
    (operator,) = model.operators
    assert (operator.name, operator.inputs, operator.outputs) == ("FULLY_CONNECTED", (0, 2, None), (1,))
    assert operator.options["fused_activation_function"] == "RELU6"
    assert (model.input_tensors, model.output_tensors) == ((source,), (_output,))


def test_micro_speech():
    model = read_tflite(shared_data("micro_speech_quantized.tflite"))
    names = [operator.name for operator in model.operators]
    assert names == ["RESHAPE", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX"]
    assert model.macs == 320_000 + 16_000
    (tensor,) = model.input_tensors
    assert (tensor.shape, tensor.type, tensor.quantization.zero_points) == ((1, 1960), "int8", (-128,))
    weights = model.tensors[model.operators[1].inputs[1]]
    assert len(weights.quantization.scales) == len(weights.quantization.zero_points) == 8


@pytest.mark.parametrize(
    "content", [b"", b"TFL3", b"#!/bin/sh\necho no model\n", b"\0" * 4 + b"TFL3" + b"\xff" * 64]
)
def test_another_kind_of_file_is_refused(tmp_path, content):
    path = tmp_path / "else.tflite"
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=r"not a whole \.tflite file.*else\.tflite"):
        read_tflite(path)


def test_a_scale_of_zero_is_refused(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 3), "i1", 0.5), builder.activation((1, 3), "i1", 0.25)
    builder.graph.tensors[output].quantization.scale = [0.0]
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.finish([source], [output]))
    with pytest.raises(ConversionError, match="scale of tensor 'tensor1' is not a finite number above 0"):
        read_tflite(path)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": None}, {"name": "tensor 2", "constant": True}),
        ({"type": schema.TensorType.INT4}, {"type": "int4", "constant": True, "data": None}),
        ({"type": 99}, {"type": "tensortype_99", "constant": True, "data": None}),
        ({"buffer": 0, "isVariable": True}, {"variable": True, "constant": False, "data": None}),
    ],
    ids=["no name", "int4", "newer type", "state"],
)
def test_tensors_that_tensorflow_lite_knows_are_read(tmp_path, fields, expected):
    builder = ModelBuilder()
    source, output = builder.activation((1, 3), "i1", 0.5), builder.activation((1, 2), "i1", 0.25)
    weights = builder.constant(np.ones((2, 3), "i1"), [0.5], **fields)
    builder.operator("FULLY_CONNECTED", [source, weights, -1], [output])
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.finish([source], [output]))
    tensor = read_tflite(path).tensors[weights]
    assert {name: getattr(tensor, name) for name in expected} == expected


def test_operators_of_called_graphs_and_newer_ones_are_counted(tmp_path):
    inner, builder = ModelBuilder(), ModelBuilder()
    source, output = builder.activation((1, 3), "f4"), builder.activation((1, 3), "f4")
    builder.operator("WHILE", [source], [output])
    builder.operator("TANH", [source], [output])
    builder.codes[1].builtinCode = 999
    inner.activation((1, 3), "f4")
    inner.operator("TANH", [0], [0])
    inner.graph.operators[0].opcodeIndex = 2
    builder.codes += inner.codes
    builder.called = [inner.graph]
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.finish([source], [output]))
    model = read_tflite(path)
    assert [operator.name for operator in model.operators] == ["WHILE", "BuiltinOperator_999"]
    assert model.operator_counts == {"BuiltinOperator_999": 1, "TANH": 1, "WHILE": 1}
    assert model.macs is None  # the loop's are not known


@MANY
@given(share=st.floats(0, 0.95))
def test_a_truncated_file_is_refused(tflite, share):
    content = tflite.read_bytes()
    cut = tflite.with_name("cut.tflite")
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ConversionError, match="not a whole"):
        read_tflite(cut)


@MANY
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(tflite, place, byte):
    content = bytearray(tflite.read_bytes())
    content[int(len(content) * place)] = byte
    changed = tflite.with_name("changed.tflite")
    changed.write_bytes(content)
    with suppress(ConversionError):
        read_tflite(changed)
