"""Quantization of a network: weights and activations rounded to few bits, calibrated or trained with."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn
from torch.ao.nn import qat
from torch.ao.quantization import MinMaxObserver, MovingAverageMinMaxObserver, QConfig

from models.compress.integers import IntegerActivations, integer_weights
from models.compress.minifloats import minifloat_activations, minifloat_weights
from models.networks import shape_of
from models.variants import MINIFLOATS, Quantization, Training

BOARD_BITS = 8

FINE_TUNING_RATE = 0.1
"""Share of the training's learning rate. At the full rate, weights of 4 bits jump to and fro between numbers:
after 10 epochs TinyConv was up to 3.9 points below float32 on the synthetic test set (seeds 1 to 3); at a
tenth of it 0.7 points at most, after 5."""

_CALIBRATION_BATCH = 50
_AWARE: dict[type[nn.Module], Any] = {nn.Conv2d: qat.Conv2d, nn.Linear: qat.Linear}
_RELU_FUNCTIONS = (torch.relu, nn.functional.relu)


class LearnedRanges(nn.Module):
    """Ranges of activations that a network learned with; a part of the network, to be stored with it.

    Args:
        ranges: real values of the lowest and the highest of 256 integers: of the input, then of the output of
            each convolution or fully connected layer (behind its ReLU), in the order in which they run.
    """

    def __init__(self, ranges: tuple[tuple[float, float], ...]) -> None:
        super().__init__()
        self.ranges = ranges


def learned_ranges(network: nn.Module) -> tuple[tuple[float, float], ...] | None:
    """Return the ranges that a network carries; None if it has not learned with any."""
    return next((part.ranges for part in network.modules() if isinstance(part, LearnedRanges)), None)


class QuantizedNetwork(nn.Module):
    """A network with weights and activations rounded to few bits; see `quantize`.

    Args:
        network: a chain of layers, batch normalization folded.
        quantization: the numbers.
    """

    def __init__(self, network: nn.Module, quantization: Quantization) -> None:
        super().__init__()
        self.plain = [copy.deepcopy(network)]  # in a list: its weights are not part of this module
        self.shape = shape_of(network)
        self.network = _with_rounding(copy.deepcopy(network), quantization)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Compute logits (N, labels)."""
        return self.network(features)

    def calibrate(self, clips: torch.Tensor) -> None:
        """Take the range of every activation from clips (N, 1960); nothing is rounded on the way."""
        self.eval()
        self._round(False)
        for part in self.rounding:
            part.train()
        with torch.no_grad():
            for batch in clips.split(_CALIBRATION_BATCH):
                self(batch)
        self._round(True)
        self.eval()

    @property
    def rounding(self) -> list[nn.Module]:
        """The modules that round activations: of the input, then of each layer."""
        return list(self.network.get_submodule("rounding").children())

    def _round(self, enabled: bool) -> None:
        for part in self.modules():
            switch = getattr(part, "enable_fake_quant", None)  # torch.ao's, and that of minifloats
            if switch is not None:
                switch(enabled)


def quantize(network: nn.Module, quantization: Quantization, clips: torch.Tensor) -> QuantizedNetwork:
    """Copy a network so that it computes with numbers of few bits, simulated in float32.

    Weights are rounded to their own range; activations (the input and the output of every layer) to a range
    taken from training clips. Biases stay wide, as TensorFlow Lite's int32. Gradients pass the rounding
    straight through, so that an "aware" network can be trained: its ranges are then moving averages over the
    batches, frozen in evaluation mode. "post-training" ranges are the extremes of the clips.

    Args:
        network: a chain of layers of `models.networks`, batch normalization folded.
        quantization: the numbers.
        clips: float features of training clips, float32 (N, size).

    Returns:
        The network in evaluation mode, giving logits (N, labels); its parameters are float32.
    """
    quantized = QuantizedNetwork(network, quantization)
    quantized.calibrate(clips)
    return quantized


def slower(training: Training) -> Training:
    """Return the training with the learning rate for fine-tuning a quantized network."""
    return replace(training, learning_rate=training.learning_rate * FINE_TUNING_RATE)


def float_network(quantized: QuantizedNetwork) -> nn.Module:
    """Return the plain network with rounded weights, for conversion.

    A network of 8-bit integers carries the ranges of its activations (`LearnedRanges`), so that the .tflite
    computes the same as the quantized network. Symmetric weights with a range per channel become the same
    integers.
    """
    plain = copy.deepcopy(quantized.plain[0])
    with torch.no_grad():
        for name, layer in plain.named_modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                learned = quantized.network.get_submodule(name)
                assert isinstance(learned, (qat.Conv2d, qat.Linear))
                layer.weight.copy_(learned.weight_fake_quant(learned.weight))
                if layer.bias is not None and learned.bias is not None:
                    layer.bias.copy_(learned.bias)
    rounding = [part for part in quantized.rounding if isinstance(part, IntegerActivations)]
    if [part.bits for part in rounding] == [BOARD_BITS] * len(quantized.rounding):
        plain.add_module("learned_ranges", LearnedRanges(tuple(part.range for part in rounding)))
    return plain.eval()


def _weight_rounding(layer: nn.Module, numbers: Quantization) -> nn.Module:
    """Create the module that rounds a layer's weights.

    A fully connected layer of 8-bit integers has one range even if `per_channel` is set: these are a board's
    numbers, and TensorFlow Lite 2.15 knows no other.
    """
    if numbers.number == "integer":
        one_range = numbers.bits == BOARD_BITS and isinstance(layer, nn.Linear)
        return integer_weights(numbers.bits, numbers.symmetric, numbers.per_channel and not one_range)
    return minifloat_weights(*MINIFLOATS[numbers.bits], numbers.per_channel)


def _activation_rounding(numbers: Quantization, logits: bool) -> nn.Module:
    """Create the module that rounds activations; one range, asymmetric for integers.

    Logits always have 8 bits, as on a board: nothing is multiplied with them.
    """
    observer = MovingAverageMinMaxObserver if numbers.method == "aware" else MinMaxObserver
    if logits:
        return IntegerActivations(BOARD_BITS, observer)
    if numbers.number == "integer":
        return IntegerActivations(numbers.bits, observer)
    return minifloat_activations(*MINIFLOATS[numbers.bits], observer)


class _Tracer(fx.Tracer):
    """Tracer that keeps every module without submodules whole, including those that branch."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return not list(module.children())


def _with_rounding(network: nn.Module, numbers: Quantization) -> fx.GraphModule:
    """Insert modules that round each layer's weights and outputs to the numbers the board computes with.

    Activations are rounded at the input and behind each convolution or fully connected layer, after its ReLU
    (the two are one operator on a board). An average is rounded like its input: TensorFlow Lite gives both
    the same scale. Biases stay wide.

    Args:
        network: a chain of layers without batch normalization. It is changed in place.
        numbers: the number formats of weights and activations.

    Returns:
        The network, with the same parameter names. Its module `rounding` lists the modules that round
        activations in the order of the data.
    """
    graph = _Tracer().trace(network)
    modules = dict(network.named_modules())
    layers = [node for node in graph.nodes if _kind(node, modules) in _AWARE]
    rounding = nn.ModuleList()
    network.add_module("rounding", rounding)
    for node in list(graph.nodes):
        if node.op == "placeholder" or node in layers:
            rounding.append(_activation_rounding(numbers, logits=node is layers[-1]))
            _insert(graph, _with_relu(node, modules), len(rounding) - 1)
        elif _kind(node, modules) is nn.AvgPool2d:
            _insert(graph, node, len(rounding) - 1, observed=False)
    for layer in layers:
        _make_aware(network, str(layer.target), numbers)
    return fx.GraphModule(network, graph)


def _kind(node: fx.Node, modules: dict[str, nn.Module]) -> type[nn.Module] | None:
    return type(modules[str(node.target)]) if node.op == "call_module" else None


def _with_relu(node: fx.Node, modules: dict[str, nn.Module]) -> fx.Node:
    """Return the node of a layer's ReLU; the layer's own node if it has none."""
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


def _make_aware(network: nn.Module, name: str, numbers: Quantization) -> None:
    layer = network.get_submodule(name)
    config = QConfig(activation=None, weight=lambda factory_kwargs: _weight_rounding(layer, numbers))
    layer.qconfig = config  # type: ignore[assignment]  # where from_float looks for it
    aware = _AWARE[type(layer)].from_float(layer)
    del aware.qconfig  # a function in it could not be stored
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, aware)
