"""Which numbers a quantization means for weights, for activations, and for the logits."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn
from torch.ao.quantization import MinMaxObserver, MovingAverageMinMaxObserver

from models.compress.quantization.integers import IntegerActivations, integer_weights
from models.compress.transforms import MINIFLOATS, Quantization

BOARD_BITS = 8


@dataclass(frozen=True)
class Numbers:
    """Makes the modules that round, see `models.compress.quantization.integers` and `minifloats`.

    Args:
        quantization: the numbers, and whether they are learned with.
    """

    quantization: Quantization

    def of_weights(self, layer: nn.Module) -> nn.Module:
        """For a layer's weights.

        A fully connected layer of 8-bit integers has one range, though `per_channel` says otherwise: these
        are a board's numbers, and TensorFlow Lite 2.15 knows no other.
        """
        chosen = self.quantization
        if chosen.number == "integer":
            one_range = chosen.bits == BOARD_BITS and isinstance(layer, nn.Linear)
            return integer_weights(chosen.bits, chosen.symmetric, chosen.per_channel and not one_range)
        from models.compress.quantization.minifloats import minifloat_weights

        return minifloat_weights(*MINIFLOATS[chosen.bits], chosen.per_channel)

    def of_activations(self) -> nn.Module:
        """For what a layer takes; always one range, asymmetric in integers."""
        if self.quantization.number == "integer":
            return IntegerActivations(self.quantization.bits, self._observer)
        from models.compress.quantization.minifloats import minifloat_activations

        return minifloat_activations(*MINIFLOATS[self.quantization.bits], self._observer)

    def of_logits(self) -> nn.Module:
        """For what comes out: nothing is multiplied with it, so it has 8 bits as on a board, always."""
        return IntegerActivations(BOARD_BITS, self._observer)

    @property
    def _observer(self) -> type[MinMaxObserver]:
        aware = self.quantization.method == "aware"
        return MovingAverageMinMaxObserver if aware else MinMaxObserver
