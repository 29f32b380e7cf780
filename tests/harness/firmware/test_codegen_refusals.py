"""Refusals of engine codegen name the operator or tensor, and a remedy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tflite_builder import ModelBuilder
from tflite_cases import VALID, conv_2d

from harness.errors import BuildFailed
from harness.firmware.codegen.lowering import OPERATORS, lower
from harness.firmware.engine import get_engine
from models.errors import UserFacingError
from models.tflite import read_tflite

Model = Callable[[], bytes]


def _unary(name: str, *shapes: tuple[int, ...], dtype: str = "f4", numbers=((), ()), **options) -> Model:
    """Return a builder of a model of one operator; `numbers` are (scale, zero point) of input and output."""

    def build() -> bytes:
        builder = ModelBuilder()
        sides = zip((shapes[0], shapes[-1]), numbers, strict=True)
        source, output = (builder.activation(shape, dtype, *own) for shape, own in sides)
        builder.operator(name, [source], [output], **options)
        return builder.finish([source], [output])

    return build


def _space_to_batch(block: int) -> Model:
    """Return a builder of a SPACE_TO_BATCH_ND of 6 steps without a convolution."""

    def build() -> bytes:
        builder = ModelBuilder()
        source, output = builder.activation((1, 6, 4), "f4"), builder.activation((2, 3, 4), "f4")
        constants = [builder.constant(np.array(values, "i4")) for values in ((block,), ((0, 0),))]
        builder.operator("SPACE_TO_BATCH_ND", [source, *constants], [output])
        return builder.finish([source], [output])

    return build


def _sum(first: tuple[int, ...], second: tuple[int, ...] | None) -> Model:
    """Return a builder of an ADD of two inputs of some shapes; None for two constants."""

    def build() -> bytes:
        builder = ModelBuilder()
        source, output = builder.activation(first, "f4"), builder.activation(first, "f4")
        constant = builder.constant(np.ones(second or first, "f4"))
        builder.operator("ADD", [source if second else constant, constant], [output])
        return builder.finish([source], [output])

    return build


def _softmax(dtype: str = "f4", *numbers, size: int = 4) -> Model:
    return _unary("SOFTMAX", (1, size), dtype=dtype, numbers=numbers or ((), ()), beta=1.0)


def _dense(weights: np.ndarray | None, dtype: str = "f4", zero_point: int = 0, **options) -> Model:
    """Return a builder of a fully connected layer; None for weights that are computed."""

    def build() -> bytes:
        builder, scale = ModelBuilder(), [0.1] if dtype == "i1" else []
        source, output = (builder.activation(shape, dtype, *scale) for shape in ((1, 4), (1, 2)))
        filter_ = source
        if weights is not None:
            filter_ = builder.constant(weights, [0.1] if weights.dtype == np.int8 else [])
            if zero_point:
                builder.graph.tensors[filter_].quantization.zeroPoint = [zero_point]
        builder.operator("FULLY_CONNECTED", [source, filter_, -1], [output], **options)
        return builder.finish([source], [output])

    return build


def _ends(inputs: int, outputs: int) -> Model:
    """Return a builder of a model with a number of inputs and outputs."""

    def build() -> bytes:
        builder = ModelBuilder()
        source, output, other = (builder.activation((1, 4), "f4") for _ in range(3))
        builder.operator("SOFTMAX", [source], [output], beta=1.0)
        return builder.finish([source, other][:inputs], [output, output][:outputs])

    return build


def _open_shape() -> bytes:
    builder = ModelBuilder()
    source = builder.activation((1, 4), "f4", shapeSignature=[1, -1])
    output = builder.activation((1, 4), "f4")
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    return builder.finish([source], [output])


def _grouped_convolution() -> bytes:
    builder = ModelBuilder()
    source, output = builder.activation((1, 3, 3, 4), "f4"), builder.activation((1, 3, 3, 2), "f4")
    weights = builder.constant(np.ones((2, 1, 1, 2), "f4"))
    builder.operator("CONV_2D", [source, weights, -1], [output], padding=VALID, strideH=1, strideW=1)
    return builder.finish([source], [output])


def _several_lacking() -> bytes:
    builder = ModelBuilder()
    source, output = builder.activation((1, 4), "f4"), builder.activation((1, 4), "f4")
    for name in ("SIN", "COS", "SOFTMAX", "SIN"):
        builder.operator(name, [source], [output])
    return builder.finish([source], [output])


def _state() -> bytes:
    builder = ModelBuilder()
    source = builder.activation((1, 4), "f4", isVariable=True)
    output = builder.activation((1, 4), "f4")
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    return builder.finish([source], [output])


def _transpose_of_five_dimensions() -> bytes:
    builder = ModelBuilder()
    source, output = builder.activation((1, 2, 3, 4, 5), "f4"), builder.activation((1, 2, 3, 5, 4), "f4")
    builder.operator("TRANSPOSE", [source, builder.constant(np.array([0, 1, 2, 4, 3], "i4"))], [output])
    return builder.finish([source], [output])


POOL = {"padding": VALID, "strideH": 1, "strideW": 1, "filterHeight": 3, "filterWidth": 3}
PROBABILITIES = (1 / 256, -128)


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (_unary("COS", (1, 4)), r"lacks COS \(operator 0\)\. Use --engine tflm.*CONV_2D"),
        (_several_lacking, r"lacks COS \(operator 1\), SIN \(operators 0, 3\)\. Use --engine tflm"),
        (_unary("TANH", (1, 4), dtype="i1", numbers=((0.1,), (0.1,))), "the scale 0.1 .* 1/128 and 0"),
        (_unary("HARD_SWISH", (1, 4), dtype="i1", numbers=((1.0,), (1e-6,))), "out of range.*HARD_SWISH"),
        (_sum((1, 4), (1, 3)), r"its inputs are \(1, 4\) and \(1, 3\).*ADD \(operator 0\)"),
        (_sum((1, 4), None), "both of its inputs are constants.*ADD"),
        (_sum((2, 2, 2, 2, 2), (2, 1, 2, 1, 2)), "5 dimensions; at most 4 are supported"),
        (_space_to_batch(2), r"only around a convolution.*SPACE_TO_BATCH_ND \(operator 0\).*--engine tflm"),
        (_space_to_batch(4), r"block \(4,\) does not divide the padded sizes \(6,\)"),
        (_state, "'tensor0' is a state.*--engine tflm"),
        (_softmax("i2", (0.1,), (0.1,)), "'tensor0' is int16.*int8 and float32"),
        (_softmax("u1", (0.1,), (0.1,)), "'tensor0' is uint8.*int8 and float32"),
        (_dense(np.ones((2, 4), "i1")), "its filter is int8 and not float32.*FULLY_CONNECTED"),
        (_open_shape, "'tensor0' has no fixed shape.*fixed input shape"),
        (
            _unary("AVERAGE_POOL_2D", (1, 5, 5, 1), (1, 4, 4, 1), **POOL),
            r"\(1, 4, 4, 1\); \(1, 3, 3, 1\) follows",
        ),
        (_ends(2, 1), "has 2 inputs"),
        (_ends(1, 2), "has 2 outputs"),
        (_grouped_convolution, r"grouped convolution.*CONV_2D \(operator 0\)"),
        (_dense(np.ones((2, 4), "f4"), fusedActivationFunction=4), "fused activation is TANH"),
        (_dense(None), "filter is not a constant"),
        (_dense(np.full((2, 4), np.nan, "f4")), "not all finite"),
        (_dense(np.ones((2, 4), "i1"), "i1", zero_point=3), "not quantized symmetrically"),
        (_softmax("i1", (), PROBABILITIES), "'tensor0' is int8 without a scale"),
        (_softmax("i1", (0.1,), (0.01, -128)), "the scale 0.01.*SOFTMAX"),
        (_softmax("i1", (0.1,), PROBABILITIES, size=600), "600 elements; in int8 at most 511"),
        (
            _unary("QUANTIZE", (1, 4), dtype="i1", numbers=((1e6,), (1e-6,))),
            r"scales are out of range.*QUANTIZE \(operator 0\)",
        ),
        (_transpose_of_five_dimensions, "5 dimensions; at most 4.*TRANSPOSE"),
    ],
)
def test_a_model_that_the_engine_cannot_run_is_refused(tmp_path, model, match):
    path = tmp_path / "model.tflite"
    path.write_bytes(model())
    with pytest.raises(BuildFailed, match=match) as refusal:
        get_engine("codegen").generate(path, tmp_path)
    assert refusal.value.remedy, "every refusal says what to do"
    assert str(tmp_path) not in str(refusal.value), "the caller names the user's file"
    assert not (tmp_path / "engine.cpp").exists()


@settings(max_examples=40)  # each generates an engine
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), seed=st.integers(0, 3))
def test_a_changed_byte_gives_sources_or_a_refusal(tmp_path, place, byte, seed):
    content = bytearray(conv_2d(seed, "i1"))
    content[int(len(content) * place)] = byte
    path = tmp_path / "changed.tflite"
    path.write_bytes(content)
    with suppress(UserFacingError):
        get_engine("codegen").generate(path, tmp_path)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(("inputs", "outputs"), [([], []), ([0], []), ([], [1]), ([-1], [1])])
def test_an_operator_without_inputs_or_outputs_ends_in_no_traceback(operator, inputs, outputs, tmp_path):
    builder = ModelBuilder()
    ends = [builder.activation((1, 4), "f4") for _ in range(2)]
    builder.operator(operator, inputs, outputs)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.finish(ends[:1], ends[1:]))
    with suppress(UserFacingError):
        lower(read_tflite(path))
