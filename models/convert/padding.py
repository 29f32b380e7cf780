"""Where an ONNX graph pads: a node of its own, numbers in a convolution, or the convolution's own rule.

TensorFlow Lite knows the last alone; whatever else is padded costs an operator, and the copy of a tensor.
"""

from __future__ import annotations

import onnx
from onnx.reference import ReferenceEvaluator


def padding_in_convolutions(model: onnx.ModelProto) -> None:
    """Makes a Pad whose zeros only a convolution reads the `pads` of that convolution, in place."""
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
    """The amounts of a Pad as a convolution has them, without batch and channels.

    None where it pads with something else, pads those too, or takes its amounts from an input.
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
    """The numbers of a tensor that no input of the model has a part in, flat; None of any other."""
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
