"""Where a network rounds: its weights, its input, and behind every layer, as TensorFlow Lite does."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx, nn
from torch.ao.nn import qat
from torch.ao.quantization import QConfig

from models.compress.quantization.numbers import Numbers

_AWARE: dict[type[nn.Module], Any] = {nn.Conv2d: qat.Conv2d, nn.Linear: qat.Linear}
_RELU_FUNCTIONS = (torch.relu, nn.functional.relu)


class _Tracer(fx.Tracer):
    """Takes every module that has no others in it as it is, also those with decisions of their own."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return not list(module.children())


def with_rounding(network: nn.Module, numbers: Numbers) -> fx.GraphModule:
    """Puts the rounding into a network: of the weights into the layers, of the activations behind them.

    Activations are rounded at the input and behind each convolution or fully connected layer, where its ReLU
    is done (the two are one operator on a board). An average is rounded as what it was made of: TensorFlow
    Lite gives both the same scale. Biases stay wide.

    Args:
        network: a chain of layers without batch normalization; is changed.
        numbers: make what rounds.

    Returns:
        The network, its parameters of the same names. `rounding` has what rounds its activations, in the
        order of the data.
    """
    graph = _Tracer().trace(network)
    modules = dict(network.named_modules())
    layers = [node for node in graph.nodes if _kind(node, modules) in _AWARE]
    rounding = nn.ModuleList()
    network.add_module("rounding", rounding)
    for node in list(graph.nodes):
        if node.op == "placeholder" or node in layers:
            rounding.append(numbers.of_logits() if node is layers[-1] else numbers.of_activations())
            _insert(graph, _with_relu(node, modules), len(rounding) - 1)
        elif _kind(node, modules) is nn.AvgPool2d:
            _insert(graph, node, len(rounding) - 1, watched=False)
    for layer in layers:
        _make_aware(network, str(layer.target), numbers)
    return fx.GraphModule(network, graph)


def _kind(node: fx.Node, modules: dict[str, nn.Module]) -> type[nn.Module] | None:
    return type(modules[str(node.target)]) if node.op == "call_module" else None


def _with_relu(node: fx.Node, modules: dict[str, nn.Module]) -> fx.Node:
    """Where the ReLU of a layer is done; the layer itself if it has none."""
    end = node
    while len(end.users) == 1:
        (end,) = end.users
        if _kind(end, modules) is nn.ReLU or end.target in _RELU_FUNCTIONS:
            return end
        if _kind(end, modules) is not nn.Identity:
            break
    return node


def _insert(graph: fx.Graph, node: fx.Node, number: int, **settings: Any) -> None:
    users = list(node.users)
    with graph.inserting_after(node):
        rounded = graph.call_module(f"rounding.{number}", (node,), settings)
    for user in users:
        user.replace_input_with(node, rounded)


def _make_aware(network: nn.Module, name: str, numbers: Numbers) -> None:
    layer = network.get_submodule(name)
    numbers_of_weights = QConfig(activation=None, weight=lambda factory_kwargs: numbers.of_weights(layer))
    layer.qconfig = numbers_of_weights  # type: ignore[assignment]  # where from_float looks for it
    aware = _AWARE[type(layer)].from_float(layer)
    del aware.qconfig  # a function in it could not be stored
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, aware)
