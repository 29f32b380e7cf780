"""Rewrites an ONNX graph so that onnx-tf makes a lean TensorFlow Lite graph of it. The results stay the same.

onnx-tf keeps ONNX's channels-first layout and transposes around every operator that TensorFlow has only
channels last. Padding and global pooling are such operators. Zero padding moves into the convolution behind
it, and from there into TensorFlow's own padding rule where both pad alike; global pooling becomes a window
over the whole image.
"""

from __future__ import annotations

import onnx
from onnx.reference import ReferenceEvaluator


def lean(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of the model with padding inside convolutions and windowed instead of global pooling."""
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
            _use_auto_pad(node, inputs, outputs)
        else:
            node.op_type = "AveragePool"  # GlobalAveragePool would become MEAN, which the engines lack
            node.attribute.append(onnx.helper.make_attribute("kernel_shape", inputs))
    onnx.checker.check_model(rewritten, full_check=True)
    return rewritten


def _use_auto_pad(convolution: onnx.NodeProto, inputs: list[int], outputs: list[int]) -> None:
    """Replace `pads` by auto_pad=SAME_UPPER where both put the same zeros around the input.

    That holds for odd kernels at stride 1 with half a kernel of padding, and for some at larger strides.
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


def padding_in_convolutions(model: onnx.ModelProto) -> None:
    """Move each Pad whose zeros only one convolution reads into the `pads` of that convolution, in place."""
    graph = model.graph
    kept = {item.name for item in graph.output}
    for pad in [node for node in graph.node if node.op_type == "Pad"]:
        readers = [node for node in graph.node if pad.output[0] in node.input]
        if len(readers) != 1 or readers[0].op_type != "Conv" or pad.output[0] in kept:
            continue
        amounts = _zeros_around(model, pad)
        if amounts is None:
            continue
        convolution = readers[0]
        convolution.input[0] = pad.input[0]
        graph.node.remove(pad)
        inside = next((item for item in convolution.attribute if item.name == "pads"), None)
        if inside is not None:
            amounts = [outer + inner for outer, inner in zip(amounts, inside.ints, strict=True)]
            convolution.attribute.remove(inside)
        convolution.attribute.append(onnx.helper.make_attribute("pads", amounts))
    _drop_unread(graph)


def _zeros_around(model: onnx.ModelProto, pad: onnx.NodeProto) -> list[int] | None:
    """Return the amounts of a Pad in a convolution's form, without batch and channels.

    None if it pads with something else, pads those too, or takes its amounts from an input.
    """
    mode = next((item.s for item in pad.attribute if item.name == "mode"), b"constant")
    constants = [_constant(model, name) if name else None for name in pad.input[1:3]]
    amounts = constants[0]
    if mode != b"constant" or amounts is None or min(amounts) < 0:
        return None
    if len(pad.input) > 2 and pad.input[2] and (constants[1] is None or any(constants[1])):
        return None
    half = len(amounts) // 2
    outside = [*amounts[:2], *amounts[half : half + 2]]
    return None if any(outside) else [*amounts[2:half], *amounts[half + 2 :]]


def _constant(model: onnx.ModelProto, name: str) -> list | None:
    """Compute the flat values of a tensor that depends on no input of the model; None for any other."""
    needed = {name}
    nodes: list[onnx.NodeProto] = []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            nodes.insert(0, node)
            needed |= set(node.input)
    if needed & {item.name for item in model.graph.input}:
        return None
    given = [item for item in model.graph.initializer if item.name in needed]
    wanted = onnx.helper.make_empty_tensor_value_info(name)
    part = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "constants", [], [wanted], given), opset_imports=model.opset_import
    )
    return ReferenceEvaluator(part).run(None, {})[0].reshape(-1).tolist()


def _drop_unread(graph: onnx.GraphProto) -> None:
    read = {item.name for item in graph.output}
    for node in reversed(list(graph.node)):
        if read & set(node.output):
            read |= set(node.input)
        else:
            graph.node.remove(node)
