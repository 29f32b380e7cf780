"""Operators with random sizes, options and scales, against both oracles.

Of RELU6, LOGISTIC and TANH, whose int8 kernels differ between TensorFlow Lite and TensorFlow Lite for
Microcontrollers, test_kernel_cases.py has cases.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import tflite_cases as cases
from compiled_engine import checked, compare, compiled, tflite_micro, tflite_reference
from tflite_builder import ModelBuilder

from harness.firmware.codegen.lowering import lower
from harness.firmware.codegen.quantization import Multiplier, channel_multipliers, tensor_multiplier
from harness.firmware.codegen.tables import table
from models.tflite import read_tflite

OPERATORS: dict[str, Callable[[int, str], bytes]] = {
    "conv": cases.conv_2d,
    "conv dilated": partial(cases.conv_2d, dilated=True),
    "depthwise": cases.depthwise_conv_2d,
    "depthwise dilated": partial(cases.depthwise_conv_2d, dilated=True),
    "fully connected": cases.fully_connected,
    "average pool": cases.average_pool_2d,
    "softmax": cases.softmax,
    "pad": cases.pad,
    "transpose": cases.transpose,
    "quantize": cases.quantize,
}
OPERATORS |= {name: partial(cases.unary, name=name) for name in ("RELU", "HARD_SWISH", "LEAKY_RELU")}
OPERATORS |= {name: partial(cases.binary, name=name) for name in ("ADD", "MUL")}
OPERATORS |= {
    one.__name__: one
    for one in (cases.max_pool_2d, cases.concatenation, cases.split, cases.strided_slice, cases.streaming)
}
SEEDS = {"conv": 6, "depthwise": 4, "fully connected": 3}  # others: 2


@pytest.mark.parametrize(
    ("operator", "seed"), [(name, seed) for name in OPERATORS for seed in range(SEEDS.get(name, 2))]
)
def test_int8(operator, seed):
    checked(OPERATORS[operator](seed, "i1"))


@pytest.mark.parametrize("operator", OPERATORS)
def test_float32(operator):
    checked(OPERATORS[operator](100, "f4"))


def test_dequantize():
    checked(cases.dequantize(1, "i1"))


@pytest.mark.parametrize("activation", range(4), ids=["none", "relu", "relu -1 to 1", "relu6"])
@pytest.mark.parametrize("dtype", ["i1", "f4"])
def test_a_fused_activation(dtype, activation):
    """Outputs reach to both sides of every limit."""
    builder = ModelBuilder()
    source, output = (builder.activation((1, 64), dtype, scale, 10) for scale in (0.1, 0.09))
    values = np.eye(64, dtype=dtype)
    weights = [
        builder.constant(values, [1.0] if dtype == "i1" else []),
        builder.constant(np.zeros(64, "i4" if dtype == "i1" else "f4"), [0.1] if dtype == "i1" else []),
    ]
    builder.operator("FULLY_CONNECTED", [source, *weights], [output], fusedActivationFunction=activation)
    checked(builder.finish([source], [output]))


@pytest.mark.parametrize("name", cases.UNARY)
@pytest.mark.parametrize("scale", [1e-8, 1e-3, 20.0, 3e3])
@pytest.mark.parametrize("output_scale", [1e-4, 50.0])
def test_a_table_for_extreme_scales(tmp_path, name, scale, output_scale):
    """Factors may be so large that TensorFlow Lite's shift loses bits."""
    builder = ModelBuilder()
    source = builder.activation((1, 256), "i1", scale, 3)
    numbers = cases.FIXED_OUTPUTS.get(name, {"scale": output_scale, "zero_point": -7})
    output = builder.activation((1, 256), "i1", **numbers)
    builder.operator(name, [source], [output], **({"alpha": -0.2} if name == "LEAKY_RELU" else {}))
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.finish([source], [output]))
    (step,) = lower(read_tflite(path)).steps
    inputs = np.arange(-128, 128, dtype="i1")[np.newaxis]
    try:
        values = table(step)
    except ValueError:
        assert name == "HARD_SWISH"  # TensorFlow Lite computes it in 16 bits
        return
    compare(values, tflite_reference(path.read_bytes(), inputs)[0])


def test_a_fully_connected_layer_with_a_scale_for_each_output():
    random = np.random.default_rng(0)
    builder = ModelBuilder()
    source, output = builder.activation((1, 20), "i1", 0.05, 3), builder.activation((1, 6), "i1", 0.7, -4)
    scales = np.linspace(0.01, 0.06, 6, dtype="f4")
    weights = builder.constant(random.integers(-127, 128, (6, 20)).astype("i1"), scales)
    builder.operator("FULLY_CONNECTED", [source, weights, -1], [output])
    checked(builder.finish([source], [output]))


def test_a_batch_of_several_images():
    random = np.random.default_rng(0)
    builder = ModelBuilder()
    source, between = (builder.activation((3, 5, 5, 2), "i1", 0.05, 3) for _ in range(2))
    output = builder.activation((3, 3, 3, 3), "i1", 0.9, 3)
    kernel = builder.constant(random.integers(-127, 128, (3, 3, 3, 2)).astype("i1"), [0.01] * 3)
    bias = builder.constant(np.zeros(3, "i4"), [0.0005] * 3)
    pool = {"strideH": 1, "strideW": 1, "filterHeight": 3, "filterWidth": 2}
    builder.operator("AVERAGE_POOL_2D", [source], [between], padding=cases.SAME, **pool)
    builder.operator("CONV_2D", [between, kernel, bias], [output], padding=cases.SAME, strideH=2, strideW=2)
    checked(builder.finish([source], [output]))


# Rounding, at sums where another way of rounding gives another result

ZERO_POINT = -4
INPUT_SCALE, OUTPUT_SCALE = float(np.float32(0.0137)), float(np.float32(0.11))


def _rounded_twice(sums: np.ndarray, multiplier: Multiplier) -> np.ndarray:
    high = (sums * multiplier.value + (1 << 30)) >> 31
    half = 1 << multiplier.right_shift - 1
    return np.sign(high) * ((np.abs(high) + half) >> multiplier.right_shift)


def _rounded_once(sums: np.ndarray, multiplier: Multiplier) -> np.ndarray:
    shift = 31 + multiplier.right_shift
    return (sums * multiplier.value + (1 << shift - 1)) >> shift


def _check_sums(
    operator: str, scale: float, sums: np.ndarray, expected: np.ndarray, micro: np.ndarray
) -> None:
    """Check a model whose sums are its biases, for an input of zeros; `micro` is what TFLM computes."""
    builder = ModelBuilder()
    shape: tuple[int, ...] = (1, 1) if operator == "FULLY_CONNECTED" else (1, 1, 1, 1)
    source = builder.activation(shape, "i1", INPUT_SCALE, 0)
    output = builder.activation((*shape[:-1], len(sums)), "i1", OUTPUT_SCALE, ZERO_POINT)
    weights = builder.constant(np.ones((len(sums), *shape[1:]), "i1"), [scale])
    biases = builder.constant(sums.astype("i4"), [float(np.float32(INPUT_SCALE) * np.float32(scale))])
    options = {} if operator == "FULLY_CONNECTED" else {"padding": cases.VALID, "strideH": 1, "strideW": 1}
    builder.operator(operator, [source, weights, biases], [output], **options)
    model, zeros = builder.finish([source], [output]), np.zeros((1, 1), "i1")
    assert len(sums)
    for outputs in (compiled(model).run(zeros), tflite_reference(model, zeros)):
        np.testing.assert_array_equal(outputs[0], expected + ZERO_POINT)
    np.testing.assert_array_equal(tflite_micro(model, zeros)[0], micro + ZERO_POINT)


def test_a_sum_is_rounded_twice():
    scale = float(np.float32(0.02))
    (multiplier,) = channel_multipliers(INPUT_SCALE, (scale,), OUTPUT_SCALE)
    sums = np.arange(-40_000, 40_000)
    twice = _rounded_twice(sums, multiplier)
    at = twice != _rounded_once(sums, multiplier)
    _check_sums("CONV_2D", scale, sums[at], twice[at], micro=twice[at])


def test_fully_connected_multiplies_scales_in_float32():
    """TensorFlow Lite for Microcontrollers multiplies doubles: about 2 of 10^6 sums differ by 1."""
    scale = float(np.float32(1.3e-6))
    multiplier = tensor_multiplier(INPUT_SCALE, scale, OUTPUT_SCALE)
    (in_double,) = channel_multipliers(INPUT_SCALE, (scale,), OUTPUT_SCALE)
    sums = np.random.default_rng(0).integers(-700_000_000, 700_000_000, 4_000_000)
    expected, other = _rounded_twice(sums, multiplier), _rounded_twice(sums, in_double)
    at = expected != other
    _check_sums("FULLY_CONNECTED", scale, sums[at], expected[at], micro=other[at])
