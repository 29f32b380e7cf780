"""Rewriting of ONNX graphs for onnx-tf."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from models.convert.layout import lean, padding_in_convolutions

SIZE = st.integers(1, 9)


def graph_of(
    node: onnx.NodeProto, shape: tuple[int | str, ...], weights: np.ndarray | None = None
) -> onnx.ModelProto:
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w")] if weights is not None else [],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model)


def outputs_of(model: onnx.ModelProto, values: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": values})


def convolution(kernel, strides, pads, dilations, size) -> onnx.ModelProto:
    weights = np.random.default_rng(0).standard_normal((2, 1, *kernel)).astype(np.float32)
    node = helper.make_node(
        "Conv", ["x", "w"], ["y"], kernel_shape=kernel, strides=strides, pads=pads * 2, dilations=dilations
    )
    return graph_of(node, (1, 1, *size), weights)


def attributes_of(model: onnx.ModelProto) -> set[str]:
    return {attribute.name for attribute in model.graph.node[0].attribute}


@settings(max_examples=60)
@given(
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pads=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    dilation=st.integers(1, 2),
    size=st.tuples(SIZE, SIZE),
)
def test_results_stay_the_same(kernel, strides, pads, dilation, size):
    for axis in range(2):
        assume((kernel[axis] - 1) * dilation + 1 <= size[axis] + 2 * pads[axis])
    model = convolution(kernel, strides, pads, (dilation, dilation), size)
    values = np.random.default_rng(1).standard_normal((1, 1, *size)).astype(np.float32)
    np.testing.assert_array_equal(outputs_of(lean(model), values), outputs_of(model, values))


@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "size", "inside"),
    [
        ((3, 3), 1, (1, 1), (6, 7), True),
        ((5, 3), 1, (2, 1), (6, 7), True),
        ((3, 3), 2, (1, 1), (25, 5), True),  # odd sizes at stride 2: TensorFlow pads the same
        ((3, 3), 2, (1, 1), (25, 20), False),
        ((4, 4), 1, (2, 2), (6, 7), False),
        ((10, 8), 2, (5, 3), (49, 40), False),
        ((3, 3), 1, (0, 0), (6, 7), False),
    ],
)
def test_padding_becomes_tensorflows_rule_where_both_are_the_same(kernel, stride, pad, size, inside):
    attributes = attributes_of(lean(convolution(kernel, (stride, stride), pad, (1, 1), size)))
    assert ("auto_pad" in attributes) is inside


def test_global_pooling_becomes_a_window_over_everything():
    model = graph_of(helper.make_node("GlobalAveragePool", ["x"], ["y"]), (1, 3, 5, 4))
    values = np.random.default_rng(1).standard_normal((1, 3, 5, 4)).astype(np.float32)
    assert lean(model).graph.node[0].op_type == "AveragePool"
    np.testing.assert_allclose(outputs_of(lean(model), values), outputs_of(model, values), rtol=1e-6)


AMOUNT = st.integers(0, 3)


def padded_convolution(amounts, value=0.0, mode="constant", inner=(0, 0, 0, 0), read_twice=False):
    """Build a Pad of (1, 2, 5, 6) and a convolution behind it; the amounts are computed, as torch's are."""
    weights = np.random.default_rng(0).standard_normal((3, 2 + amounts[1] + amounts[5], 2, 3))
    nodes = [
        helper.make_node("Concat", ["begin", "end"], ["amounts"], axis=0),
        helper.make_node("Pad", ["x", "amounts", "value"], ["padded"], mode=mode),
        helper.make_node("Conv", ["padded", "w"], ["y"], kernel_shape=(2, 3), strides=(2, 1), pads=inner),
    ]
    outputs = ["y", "padded"] if read_twice else ["y"]
    constants = {
        "begin": np.array(amounts[:4], np.int64),
        "end": np.array(amounts[4:], np.int64),
        "value": np.array(value, np.float32),
        "w": weights.astype(np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2, 5, 6))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(item, name) for name, item in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def moved_inside(model: onnx.ModelProto) -> list[str]:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    padding_in_convolutions(copy)
    values = np.random.default_rng(1).standard_normal((1, 2, 5, 6)).astype(np.float32)
    for before, after in zip(outputs_of(model, values), outputs_of(copy, values), strict=True):
        np.testing.assert_array_equal(after, before)
    return [node.op_type for node in copy.graph.node]


@settings(max_examples=50)
@given(outer=st.tuples(*[AMOUNT] * 4), inner=st.tuples(*[AMOUNT] * 4))
def test_zeros_around_the_image_move_into_the_convolution(outer, inner):
    top, left, bottom, right = outer
    model = padded_convolution((0, 0, top, left, 0, 0, bottom, right), inner=inner)
    assert moved_inside(model) == ["Conv"]  # nothing is left of what computed the amounts


@pytest.mark.parametrize(
    "settings",
    [
        {"value": 1.0},
        {"mode": "edge"},
        {"read_twice": True},
        {"amounts": (0, 1, 1, 1, 0, 0, 1, 1)},  # channels too
        {"amounts": (0, 0, -1, 1, 0, 0, 1, 1)},  # cut off instead
    ],
)
def test_other_padding_stays(settings):
    model = padded_convolution(**{"amounts": (0, 0, 1, 1, 0, 0, 1, 1), **settings})
    assert moved_inside(model) == ["Concat", "Pad", "Conv"]


def test_a_pad_like_tensorflows_needs_no_operator():
    model = lean(padded_convolution((0, 0, 0, 1, 0, 0, 1, 1)))  # 5 rows by twos need one more, at the bottom
    (convolution,) = model.graph.node
    assert {item.name: item for item in convolution.attribute}["auto_pad"].s == b"SAME_UPPER"
