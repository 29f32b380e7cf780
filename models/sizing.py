"""What a network should take of a board, estimated from its layers before anything is compiled.

The estimates know the numbers and nothing of the program around them: no code, no tables of the front end, no
scratch memory of a kernel. A report shows them beside what the image and the arena really took.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from models.networks import folded, layer_costs
from models.networks.input import CHANNELS, SLICES

OPERATIONS_PER_MAC = 2
"""A multiplication and an addition; bias additions are counted apart, as one each."""

_WEIGHT_BYTES = {"float32": 4, "int8": 1}
_BIAS_BYTES = {"float32": 4, "int8": 4}  # TensorFlow Lite's quantization: int32 biases
_ACTIVATION_BYTES = {"float32": 4, "int8": 1}


@dataclass(frozen=True)
class LayerSize:
    """One layer's share; `operations` of the weights and `bias_operations` for one inference."""

    name: str
    kind: str
    weights: int
    biases: int
    operations: int
    bias_operations: int
    activations: int


@dataclass(frozen=True)
class Sizing:
    """An estimate for one precision, batch normalization folded in.

    Attributes:
        layers: in the order in which they run.
        parameters: weights and biases.
        weights_flash_bytes: what the parameters take of the flash; int8 weights have int32 biases.
        activations_ram_bytes: input, output and every activation of a forward pass together, batch of 1.
        live_ram_bytes: the largest input and output of one layer together: what a forward pass needs at least
            when activations share memory, in a chain of layers.
        operations: of the weights; 2 for a multiply-accumulate.
        bias_operations: bias additions.
    """

    layers: tuple[LayerSize, ...]
    parameters: int
    weights_flash_bytes: int
    activations_ram_bytes: int
    live_ram_bytes: int
    operations: int
    bias_operations: int


def sizing(network: nn.Module, precision: str) -> Sizing:
    """Estimates what a network takes.

    TinyConv with four labels: convolution 640,000 operations and 4,000 bias additions, fully connected layer
    32,000 and 4.

    Args:
        network: a chain of layers that takes a second of micro features.
        precision: "float32" or "int8", of weights and activations.
    """
    costs = layer_costs(folded(network))
    layers = tuple(
        LayerSize(
            name=cost.name,
            kind=cost.kind,
            weights=cost.parameters - cost.biases,
            biases=cost.biases,
            operations=OPERATIONS_PER_MAC * cost.macs,
            bias_operations=cost.bias_additions,
            activations=cost.outputs,
        )
        for cost in costs
    )
    elements = [SLICES * CHANNELS, *(layer.activations for layer in layers)]
    return Sizing(
        layers=layers,
        parameters=sum(layer.weights + layer.biases for layer in layers),
        weights_flash_bytes=sum(
            layer.weights * _WEIGHT_BYTES[precision] + layer.biases * _BIAS_BYTES[precision]
            for layer in layers
        ),
        activations_ram_bytes=sum(elements) * _ACTIVATION_BYTES[precision],
        live_ram_bytes=max(before + after for before, after in pairwise(elements))
        * _ACTIVATION_BYTES[precision],
        operations=sum(layer.operations for layer in layers),
        bias_operations=sum(layer.bias_operations for layer in layers),
    )
