from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from models.convert.layout import lean, padding_in_convolutions

AMOUNT = st.integers(0, 3)


def padded_convolution(amounts, value=0.0, mode="constant", inner=(0, 0, 0, 0), read_twice=False):
    """A Pad of (1, 2, 5, 6) and a convolution behind it; the amounts are computed, as torch's are."""
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


def outputs_of(model: onnx.ModelProto) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = np.random.default_rng(1).standard_normal((1, 2, 5, 6)).astype(np.float32)
    return session.run(None, {"x": values})


def moved_inside(model: onnx.ModelProto) -> list[str]:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    padding_in_convolutions(copy)
    for before, after in zip(outputs_of(model), outputs_of(copy), strict=True):
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


def test_padding_by_the_input_itself_stays():
    model = padded_convolution((0, 0, 1, 1, 0, 0, 1, 1))
    value = next(item for item in model.graph.initializer if item.name == "value")
    model.graph.initializer.remove(value)
    model.graph.input.append(helper.make_tensor_value_info("value", TensorProto.FLOAT, ()))
    padding_in_convolutions(model)
    assert "Pad" in [node.op_type for node in model.graph.node]


def test_tensorflows_own_padding_needs_no_operator():
    model = lean(padded_convolution((0, 0, 0, 1, 0, 0, 1, 1)))  # 5 rows by twos need one more, at the bottom
    (convolution,) = model.graph.node
    assert {item.name: item for item in convolution.attribute}["auto_pad"].s == b"SAME_UPPER"
