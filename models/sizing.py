"""Estimated cost of a network on a board, from its layers alone, before anything is compiled.

Estimates leave out code, the front end's tables and the kernels' scratch memory. Reports compare them with
the true sizes of the image and the arena.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from models.networks import example_input, folded, layer_costs

OPERATIONS_PER_MAC = 2
"""A multiplication and an addition; bias additions are not counted."""

_BYTES = {"float32": 4, "int8": 1}
"""Bytes of a weight or an activation."""
_BIAS_BYTES = 4  # TensorFlow Lite's int8 models have int32 biases


@dataclass(frozen=True)
class Sizing:
    """Estimated cost of a network in one precision, with batch normalization folded in.

    Attributes:
        parameters: weights and biases.
        weights_flash_bytes: flash for the parameters.
        live_ram_bytes: largest input and output of one layer together. A chain of layers whose activations
            share memory needs at least this much RAM.
        operations: operations of the weights.
    """

    parameters: int
    weights_flash_bytes: int
    live_ram_bytes: int
    operations: int


def sizing(network: nn.Module, precision: str) -> Sizing:
    """Estimate the cost of a network.

    Args:
        network: a chain of layers whose input is one second of features.
        precision: "float32" or "int8", of weights and activations.
    """
    layers = layer_costs(folded(network))
    size = _BYTES[precision]
    elements = [example_input(network).numel(), *(layer.outputs for layer in layers)]
    weights = sum(layer.parameters - layer.biases for layer in layers)
    biases = sum(layer.biases for layer in layers)
    return Sizing(
        parameters=weights + biases,
        weights_flash_bytes=weights * size + biases * _BIAS_BYTES,
        live_ram_bytes=max(before + after for before, after in pairwise(elements)) * size,
        operations=OPERATIONS_PER_MAC * sum(layer.macs for layer in layers),
    )
