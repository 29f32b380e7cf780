"""Folding of operators that move data; the results never change."""

from __future__ import annotations

import re

import numpy as np
import pytest
from compiled_engine import checked, compare, compiled, tflite_reference
from tflite_builder import ModelBuilder

VALID = 1
TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


class _Chain:
    """A model in which every operator reads the previous one's output."""

    def __init__(self, shape: tuple[int, ...], dtype: str = "i1") -> None:
        self.builder, self.dtype = ModelBuilder(), dtype
        self.random = np.random.default_rng(3)
        self.first = self.last = self._activation(shape)

    def _activation(self, shape: tuple[int, ...], scale: float = 0.05, zero_point: int = -9) -> int:
        quantization = (scale, zero_point) if self.dtype == "i1" else ()
        return self.builder.activation(shape, self.dtype, *quantization)

    def _append(self, name: str, shape, constants=(), scale: float = 0.05, zero_point: int = -9, **options):
        output = self._activation(shape, scale, zero_point)
        self.builder.operator(name, [self.last, *constants], [output], **options)
        self.last = output
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.builder.graph.tensors[self.last].shape)

    def reshape(self, *shape: int):
        return self._append("RESHAPE", shape, [self.builder.constant(np.array(shape, "i4"))], newShape=shape)

    def pad(self, *amounts: tuple[int, int]):
        shape = [size + sum(pair) for size, pair in zip(self.shape, amounts, strict=True)]
        return self._append("PAD", shape, [self.builder.constant(np.array(amounts, "i4"))])

    def blocks(self, name: str, shape, block: tuple[int, ...], *amounts: tuple[int, int]):
        """Append SPACE_TO_BATCH_ND or BATCH_TO_SPACE_ND."""
        constants = [self.builder.constant(np.array(values, "i4")) for values in (block, amounts)]
        return self._append(name, shape, constants)

    def transpose(self, order: tuple[int, ...]):
        shape = [self.shape[axis] for axis in order]
        return self._append("TRANSPOSE", shape, [self.builder.constant(np.array(order, "i4"))])

    def _weights(self, shape: tuple[int, ...], outputs: int) -> list[int]:
        if self.dtype == "f4":
            values = self.random.normal(0, 0.3, shape).astype("f4")
            return [self.builder.constant(values), self.builder.constant(np.ones(outputs, "f4"))]
        values = self.random.integers(-127, 128, shape).astype("i1")
        biases = self.random.integers(-500, 500, outputs).astype("i4")
        return [self.builder.constant(values, [0.004]), self.builder.constant(biases, [0.05 * 0.004])]

    def conv(self, outputs: int, rows: int, columns: int):
        batch, height, width, inputs = self.shape
        weights = self._weights((outputs, rows, columns, inputs), outputs)
        shape = batch, height - rows + 1, width - columns + 1, outputs
        return self._append("CONV_2D", shape, weights, padding=VALID, strideH=1, strideW=1)

    def dense(self, outputs: int):
        return self._append(
            "FULLY_CONNECTED", (1, outputs), self._weights((outputs, self.shape[-1]), outputs)
        )

    def softmax(self):
        return self._append("SOFTMAX", self.shape, scale=1 / 256, zero_point=-128, beta=1.0)

    def pool(self, rows: int, columns: int):
        batch, height, width, channels = self.shape
        size = {"strideH": 1, "strideW": 1, "filterHeight": rows, "filterWidth": columns}
        shape = batch, height - rows + 1, width - columns + 1, channels
        return self._append("AVERAGE_POOL_2D", shape, padding=VALID, **size)

    def runs(self, *kernels: str, micro: bool = True) -> list[str]:
        """Check the kernels and the oracles' outputs; return the folded operators.

        Without `micro`, TensorFlow Lite Micro is no oracle.
        """
        model = self.builder.finish([self.first], [self.last])
        engine = checked(model) if micro else compiled(model)
        compare(engine.run(engine.inputs()), tflite_reference(model, engine.inputs()))
        assert tuple(KINDS.get(call, call) for call in engine.calls) == kernels
        return re.findall(r"^//   (\w+ \(operator .*)$", engine.text, re.MULTILINE)


KINDS = {
    "convolve_1_channel_s8": "conv_2d",
    "convolve_s8": "conv_2d",
    "convolve_f32": "conv_2d",
    "depthwise_conv_s8": "depthwise_conv_2d",
    "avgpool_s8": "average_pool_2d",
}


@pytest.mark.parametrize("dtype", ["i1", "f4"])
def test_tinyconv_from_onnx(dtype):
    chain = _Chain((1, 54), dtype).reshape(1, 1, 9, 6).pad((0, 0), (0, 0), (2, 3), (1, 2))
    chain.reshape(1, 14, 9, 1).conv(3, 4, 5).transpose(TO_NCHW).reshape(1, 165).dense(4).softmax()
    folded = chain.runs("conv_2d", "fully_connected", "softmax")
    assert folded[-2:] == [
        "PAD (operator 1) is done by the padding of CONV_2D (operator 3)",
        "TRANSPOSE (operator 4) is done by the order of the weights of FULLY_CONNECTED (operator 6)",
    ]


def test_convolutions_with_transposes_between():
    chain = _Chain((1, 6, 7, 2)).conv(4, 2, 2).transpose(TO_NCHW).pad((0, 0), (0, 0), (1, 1), (2, 0))
    chain.transpose(TO_NHWC).conv(3, 3, 3).runs("conv_2d", "conv_2d")


# TensorFlow Lite Micro fills blocks of int8 with 0 instead of the zero point.
@pytest.mark.parametrize("dtype", ["i1", "f4"])
@pytest.mark.parametrize("filter_", [(1, 3), (3, 1)])
def test_dilation_along_time_as_conv1d_is_exported(dtype, filter_):
    chain = _Chain((1, 20, 5), dtype).blocks("SPACE_TO_BATCH_ND", (3, 9, 5), (3,), (4, 3))
    chain.reshape(*((3, 1, 9, 5) if filter_[0] == 1 else (3, 9, 1, 5))).conv(4, *filter_).reshape(3, 7, 4)
    folded = chain.blocks("BATCH_TO_SPACE_ND", (1, 19, 4), (3,), (1, 1)).runs("conv_2d", micro=False)
    assert folded[-1] == (
        "SPACE_TO_BATCH_ND (operator 0) and BATCH_TO_SPACE_ND (operator 4) "
        "are the dilation of CONV_2D (operator 2)"
    )


def test_dilation_of_images():
    chain = _Chain((1, 7, 8, 2)).blocks("SPACE_TO_BATCH_ND", (6, 4, 4, 2), (2, 3), (1, 0), (2, 2))
    chain = chain.conv(3, 2, 3).blocks("BATCH_TO_SPACE_ND", (1, 5, 5, 3), (2, 3), (0, 1), (1, 0))
    chain.runs("conv_2d", micro=False)


def test_padding_of_channels_stays():
    _Chain((1, 4, 4, 2)).pad((0, 0), (1, 1), (0, 0), (0, 1)).conv(2, 2, 2).runs("pad", "conv_2d")


def test_padding_before_a_pool_stays():
    _Chain((1, 4, 4, 2)).pad((0, 0), (1, 1), (1, 0), (0, 0)).pool(2, 2).runs("pad", "average_pool_2d")


def test_padding_by_nothing():
    _Chain((1, 4)).pad((0, 0), (0, 0)).softmax().runs("softmax")


def test_windows_of_nothing_but_padding():
    _Chain((1, 3, 2, 1)).pad((0, 0), (4, 5), (6, 3), (0, 0)).conv(2, 3, 2).runs("conv_2d")


def test_an_image_outside_all_windows():
    """The last column of windows ends in the padding on the left."""
    chain = _Chain((1, 2, 1, 1)).pad((0, 0), (0, 0), (3, 0), (0, 0))
    weights = chain._weights((2, 1, 1, 1), 2)
    chain._append("CONV_2D", (1, 2, 1, 2), weights, padding=VALID, strideH=1, strideW=4)
    chain.runs("conv_2d")


def test_padding_with_two_readers_stays():
    chain = _Chain((1, 4, 4, 1)).pad((0, 0), (1, 1), (1, 1), (0, 0))
    padded = chain.last
    pooled = chain.pool(2, 2).last
    chain.last = padded
    chain.conv(1, 2, 2)._append("ADD", (1, 5, 5, 1), [pooled]).runs(
        "pad", "average_pool_2d", "conv_2d", "add"
    )


def test_moving_dimensions_of_size_1():
    _Chain((1, 5, 1, 3)).transpose((0, 2, 1, 3)).softmax().runs("softmax")


def test_a_transpose_that_the_next_undoes():
    _Chain((2, 3, 4)).transpose((2, 0, 1)).transpose((1, 2, 0)).softmax().runs("softmax")


def test_transposes_become_one():
    _Chain((2, 3, 4)).transpose((2, 0, 1)).transpose((0, 2, 1)).softmax().runs("copy_part", "softmax")


def test_a_transpose_before_softmax_stays():
    _Chain((3, 4)).transpose((1, 0)).softmax().runs("copy_part", "softmax")


def test_a_transpose_across_the_rows_of_a_fully_connected_layer_stays():
    chain = _Chain((4, 6)).transpose((1, 0))
    weights = chain._weights((3, 4), 3)
    chain._append("FULLY_CONNECTED", (6, 3), weights).runs("copy_part", "fully_connected")


def test_a_model_of_views():
    _Chain((1, 6)).reshape(2, 3).reshape(3, 2).runs()


def test_quantizing_to_the_same_scale():
    chain = _Chain((1, 4))
    chain._append("QUANTIZE", (1, 4)).softmax().runs("softmax")


def test_quantize_after_dequantize():
    builder = ModelBuilder()
    source, back = (builder.activation((1, 4), "i1", 0.05, -9) for _ in range(2))
    real = builder.activation((1, 4), "f4")
    output = builder.activation((1, 4), "i1", 1 / 256, -128)
    builder.operator("DEQUANTIZE", [source], [real])
    builder.operator("QUANTIZE", [real], [back])
    builder.operator("SOFTMAX", [back], [output], beta=1.0)
    text = checked(builder.finish([source], [output])).text
    assert "//   DEQUANTIZE (operator 0) is undone by QUANTIZE (operator 1)\n" in text


def test_a_depthwise_convolution_of_one_channel_is_a_convolution():
    chain = _Chain((1, 5, 5, 1))
    weights = chain._weights((1, 3, 3, 6), 6)
    options = {"padding": VALID, "strideH": 1, "strideW": 1, "depthMultiplier": 6}
    chain._append("DEPTHWISE_CONV_2D", (1, 3, 3, 6), weights, **options).runs("conv_2d")


def test_views_and_shapes_that_are_computed():
    """Conv1D and Dense of Keras have EXPAND_DIMS, SQUEEZE, and a RESHAPE to a shape of SHAPE and others."""
    chain = _Chain((1, 6, 8))
    builder = chain.builder
    chain._append("EXPAND_DIMS", (1, 1, 6, 8), [builder.constant(np.array([1], "i4"))])
    chain._append("SQUEEZE", (1, 6, 8), squeezeDims=[1])
    numbers = [np.array(values, "i4") for values in ([0, 1], [2], [0])]
    first, last, axis = map(builder.constant, numbers)
    whole = builder.activation((3,), "i4")
    kept, depth = builder.activation((2,), "i4"), builder.activation((1,), "i4")
    rows, columns, shape = (builder.activation(size, "i4") for size in ((), (), (2,)))
    builder.operator("SHAPE", [chain.last], [whole], outType=2)  # int32
    builder.operator("GATHER", [whole, first], [kept])
    builder.operator("GATHER", [whole, last], [depth])
    builder.operator("REDUCE_PROD", [kept, axis], [rows])
    builder.operator("REDUCE_PROD", [depth, axis], [columns])
    builder.operator("PACK", [rows, columns], [shape], valuesCount=2)
    chain._append("RESHAPE", (1, 1), [shape])
    builder.graph.tensors[chain.last].shapeSignature = [-1, -1]
    chain._append("FULLY_CONNECTED", (6, 3), chain._weights((3, 8), 3))
    model = builder.finish([chain.first], [chain.last])
    engine = compiled(model)  # TensorFlow Lite for Microcontrollers lacks REDUCE_PROD
    inputs = engine.inputs()
    compare(engine.run(inputs), tflite_reference(model, inputs))
    assert engine.calls == ["fully_connected"]


def test_the_first_tensor_may_be_a_shape():
    builder = ModelBuilder()
    shape = builder.constant(np.array([2, 3], "i4"))
    source, output = builder.activation((1, 6), "f4"), builder.activation((2, 3), "f4")
    between = builder.activation((1, 1), "f4", shapeSignature=[-1, -1])
    builder.operator("RESHAPE", [source, shape], [between])
    builder.operator("RELU", [between], [output])
    model = builder.finish([source], [output])
    engine = compiled(model)
    compare(engine.run(engine.inputs()), tflite_reference(model, engine.inputs()))


def test_a_part_that_is_not_read():
    chain = _Chain((1, 4, 6))
    builder = chain.builder
    used, unused = (chain._activation((1, 4, 3)) for _ in range(2))
    axis = builder.constant(np.array(2, "i4"))
    builder.operator("SPLIT", [axis, chain.last], [unused, used], numSplits=2)
    chain.last = used
    notes = chain.softmax().runs("copy_part", "softmax")
    assert notes == ["SPLIT (operator 0) has an output that is not read"]
