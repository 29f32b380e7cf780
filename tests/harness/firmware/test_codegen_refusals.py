"""Refusals of engine codegen name the operator or tensor, and a remedy."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tflite_builder import ModelBuilder
from tflite_cases import conv_2d

from harness.errors import BuildFailed
from harness.firmware.engine import get_engine
from models.errors import UserFacingError

VALID = 1


def _refused(builder: ModelBuilder, inputs, outputs, tmp_path, match: str) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.finish(inputs, outputs))
    with pytest.raises(BuildFailed, match=match) as refusal:
        get_engine("codegen").generate(path, tmp_path)
    assert refusal.value.remedy, "every refusal says what to do"
    assert "model.tflite" in refusal.value.where


def _dense(builder: ModelBuilder, source: int, output: int, weights: int, bias: int = -1, **options) -> None:
    builder.operator("FULLY_CONNECTED", [source, weights, bias], [output], **options)


def test_an_unknown_operator(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 4), "f4"), builder.activation((1, 4), "f4")
    builder.operator("LOGISTIC", [source], [output])
    _refused(builder, [source], [output], tmp_path, r"lacks LOGISTIC \(.*LOGISTIC \(operator 0\)\).*CONV_2D")


@pytest.mark.parametrize("dtype", ["i2", "u1"])
def test_an_unknown_type(tmp_path, dtype):
    builder = ModelBuilder()
    source, output = builder.activation((1, 4), dtype, 0.1), builder.activation((1, 4), dtype, 0.1)
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    name = {"i2": "int16", "u1": "uint8"}[dtype]
    _refused(builder, [source], [output], tmp_path, f"'tensor0' is {name}.*int8 and float32")


def test_int8_weights_in_a_float_layer(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 4), "f4"), builder.activation((1, 2), "f4")
    _dense(builder, source, output, builder.constant(np.ones((2, 4), "i1"), [0.1]))
    _refused(builder, [source], [output], tmp_path, "its filter is int8 and not float32.*FULLY_CONNECTED")


def test_a_shape_left_open(tmp_path):
    builder = ModelBuilder()
    source = builder.activation((1, 4), "f4", shapeSignature=[1, -1])
    output = builder.activation((1, 4), "f4")
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    _refused(builder, [source], [output], tmp_path, "'tensor0' has no fixed shape.*fixed input shape")


def test_an_inconsistent_shape(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 5, 5, 1), "f4"), builder.activation((1, 4, 4, 1), "f4")
    size = {"strideH": 1, "strideW": 1, "filterHeight": 3, "filterWidth": 3}
    builder.operator("AVERAGE_POOL_2D", [source], [output], padding=VALID, **size)
    _refused(builder, [source], [output], tmp_path, r"\(1, 4, 4, 1\); \(1, 3, 3, 1\) follows")


def test_two_inputs(tmp_path):
    builder = ModelBuilder()
    source, other, output = (builder.activation((1, 4), "f4") for _ in range(3))
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    _refused(builder, [source, other], [output], tmp_path, "has 2 inputs")


def test_two_outputs(tmp_path):
    builder = ModelBuilder()
    source, output = (builder.activation((1, 4), "f4") for _ in range(2))
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    _refused(builder, [source], [output, output], tmp_path, "has 2 outputs")


def test_a_grouped_convolution(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 3, 3, 4), "f4"), builder.activation((1, 3, 3, 2), "f4")
    weights = builder.constant(np.ones((2, 1, 1, 2), "f4"))
    options = {"padding": VALID, "strideH": 1, "strideW": 1}
    builder.operator("CONV_2D", [source, weights, -1], [output], **options)
    _refused(builder, [source], [output], tmp_path, r"grouped convolution.*CONV_2D \(operator 0\)")


def test_an_unknown_fused_activation(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 4), "f4"), builder.activation((1, 2), "f4")
    _dense(builder, source, output, builder.constant(np.ones((2, 4), "f4")), fusedActivationFunction=4)
    _refused(builder, [source], [output], tmp_path, "fused activation is TANH")


def test_computed_weights(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((2, 2), "f4"), builder.activation((2, 2), "f4")
    _dense(builder, source, output, source)
    _refused(builder, [source], [output], tmp_path, "filter is not a constant")


def test_diverged_weights(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 4), "f4"), builder.activation((1, 2), "f4")
    _dense(builder, source, output, builder.constant(np.full((2, 4), np.nan, "f4")))
    _refused(builder, [source], [output], tmp_path, "not all finite")


def test_weights_with_a_zero_point(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 4), "i1", 0.1), builder.activation((1, 2), "i1", 0.1)
    weights = builder.constant(np.ones((2, 4), "i1"), [0.1])
    builder.graph.tensors[weights].quantization.zeroPoint = [3]
    _dense(builder, source, output, weights)
    _refused(builder, [source], [output], tmp_path, "not quantized symmetrically")


def test_an_int8_activation_without_a_scale(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 4), "i1"), builder.activation((1, 4), "i1", 1 / 256, -128)
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    _refused(builder, [source], [output], tmp_path, "'tensor0' is int8 without a scale")


def test_a_softmax_of_another_output_scale(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 4), "i1", 0.1), builder.activation((1, 4), "i1", 0.01, -128)
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    _refused(builder, [source], [output], tmp_path, "the scale 0.01.*SOFTMAX")


def test_a_softmax_that_is_too_long(tmp_path):
    builder = ModelBuilder()
    source, output = (
        builder.activation((1, 600), "i1", 0.1),
        builder.activation((1, 600), "i1", 1 / 256, -128),
    )
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    _refused(builder, [source], [output], tmp_path, "600 elements; in int8 at most 511")


def test_scales_out_of_range(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 4), "i1", 1e6), builder.activation((1, 4), "i1", 1e-6)
    builder.operator("QUANTIZE", [source], [output])
    _refused(builder, [source], [output], tmp_path, r"scales are out of range.*QUANTIZE \(operator 0\)")


def test_a_transpose_of_five_dimensions(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 2, 3, 4, 5), "f4"), builder.activation((1, 2, 3, 5, 4), "f4")
    order = builder.constant(np.array([0, 1, 2, 4, 3], "i4"))
    builder.operator("TRANSPOSE", [source, order], [output])
    _refused(builder, [source], [output], tmp_path, "5 dimensions; at most 4.*TRANSPOSE")


@settings(max_examples=60)
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), seed=st.integers(0, 3))
def test_a_changed_byte_gives_sources_or_a_refusal(tmp_path, place, byte, seed):
    content = bytearray(conv_2d(seed, "i1"))
    content[int(len(content) * place)] = byte
    path = tmp_path / "changed.tflite"
    path.write_bytes(content)
    with suppress(UserFacingError):
        get_engine("codegen").generate(path, tmp_path)


def test_a_refused_model_leaves_no_sources(tmp_path):
    test_an_unknown_operator(tmp_path)
    assert not (tmp_path / "engine.cpp").exists()
