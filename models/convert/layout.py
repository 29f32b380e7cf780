"""Rewrites an ONNX graph so that onnx-tf makes a lean TensorFlow Lite graph of it. The results stay the same.

onnx-tf keeps ONNX's channels-first layout and transposes around every operator that TensorFlow has only
channels last. Padding and global pooling are such operators, and both have a form that is none.
"""

from __future__ import annotations

import onnx

from models.convert.padding import padding_in_convolutions


def lean(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the model with padding inside the convolutions and windowed instead of global pooling."""
    rewritten = onnx.ModelProto()
    rewritten.CopyFrom(model)
    padding_in_convolutions(rewritten)  # first: the exporter leaves the shapes behind a Pad to be computed
    rewritten = onnx.shape_inference.infer_shapes(rewritten, strict_mode=True)
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*rewritten.graph.value_info, *rewritten.graph.input, *rewritten.graph.output)
    }
    for node in rewritten.graph.node:
        if node.op_type not in ("Conv", "GlobalAveragePool"):
            continue
        inputs, outputs = shapes[node.input[0]][2:], shapes[node.output[0]][2:]
        if not inputs or not all(inputs):
            continue  # the exporter left a shape to be computed: nothing is known of the padding
        if node.op_type == "Conv":
            _pad_inside(node, inputs, outputs)
        else:
            node.op_type = "AveragePool"  # GlobalAveragePool would become MEAN, which the engines lack
            node.attribute.append(onnx.helper.make_attribute("kernel_shape", inputs))
    onnx.checker.check_model(rewritten, full_check=True)
    return rewritten


def _pad_inside(convolution: onnx.NodeProto, inputs: list[int], outputs: list[int]) -> None:
    """Replaces `pads` by auto_pad=SAME_UPPER where both put the same zeros around the input.

    That is so for odd kernels at stride 1 with half a kernel of padding, and for some at larger strides.
    """
    attributes = {attribute.name: attribute for attribute in convolution.attribute}
    if "pads" not in attributes or not any(attributes["pads"].ints):
        return
    settings = {name: onnx.helper.get_attribute_value(attribute) for name, attribute in attributes.items()}
    dimensions = len(inputs)
    strides = settings.get("strides", [1] * dimensions)
    if any(step != 1 for step in settings.get("dilations", ())):
        return  # ONNX Runtime does not run such a convolution with auto_pad
    for axis, (size, steps) in enumerate(zip(inputs, outputs, strict=True)):
        needed = (steps - 1) * strides[axis] + settings["kernel_shape"][axis] - size
        same = steps == -(-size // strides[axis]) and settings["pads"][axis] == max(needed, 0) // 2
        if not same:
            return
    convolution.attribute.remove(attributes["pads"])
    convolution.attribute.append(onnx.helper.make_attribute("auto_pad", "SAME_UPPER"))
