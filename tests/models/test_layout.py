from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from models.convert.layout import lean

SIZE = st.integers(1, 9)


def graph_of(
    node: onnx.NodeProto, shape: tuple[int | str, ...], weights: np.ndarray | None = None
) -> onnx.ModelProto:
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(weights, "w")] if weights is not None else [],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model)


def output_of(model: onnx.ModelProto, values: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": values})[0]


def convolution(kernel, strides, pads, dilations, size) -> onnx.ModelProto:
    weights = np.random.default_rng(0).standard_normal((2, 1, *kernel)).astype(np.float32)
    node = helper.make_node(
        "Conv", ["x", "w"], ["y"], kernel_shape=kernel, strides=strides, pads=pads * 2, dilations=dilations
    )
    return graph_of(node, (1, 1, *size), weights)


def attributes_of(model: onnx.ModelProto) -> set[str]:
    return {attribute.name for attribute in model.graph.node[0].attribute}


@settings(max_examples=200)
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
    np.testing.assert_array_equal(output_of(lean(model), values), output_of(model, values))


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
def test_padding_goes_inside_where_tensorflow_has_the_same(kernel, stride, pad, size, inside):
    attributes = attributes_of(lean(convolution(kernel, (stride, stride), pad, (1, 1), size)))
    assert ("auto_pad" in attributes) is inside


def test_global_pooling_becomes_a_window_over_everything():
    model = graph_of(helper.make_node("GlobalAveragePool", ["x"], ["y"]), (1, 3, 5, 4))
    values = np.random.default_rng(1).standard_normal((1, 3, 5, 4)).astype(np.float32)
    assert lean(model).graph.node[0].op_type == "AveragePool"
    np.testing.assert_allclose(output_of(lean(model), values), output_of(model, values), rtol=1e-6)


def test_padding_of_an_unknown_shape_is_left_alone():
    weights = np.zeros((2, 1, 3, 3), np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=(3, 3), pads=(1, 1, 1, 1))
    assert "pads" in attributes_of(lean(graph_of(node, (1, 1, "height", "width"), weights)))


def test_the_given_model_is_left_alone():
    model = convolution((3, 3), (1, 1), (1, 1), (1, 1), (6, 7))
    before = model.SerializeToString()
    lean(model)
    assert model.SerializeToString() == before
