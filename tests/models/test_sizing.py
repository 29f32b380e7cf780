from __future__ import annotations

import pytest

from models.networks import DsCnn, TinyConv, folded
from models.sizing import sizing


@pytest.mark.parametrize(("precision", "flash"), [("float32", 16_652 * 4), ("int8", 16_640 + 12 * 4)])
def test_weights_take_their_precision_and_int8_has_wide_biases(precision, flash):
    assert sizing(TinyConv(), precision).weights_flash_bytes == flash


@pytest.mark.parametrize(("precision", "size"), [("float32", 4), ("int8", 1)])
def test_memory_of_a_forward_pass(precision, size):
    assert sizing(TinyConv(), precision).live_ram_bytes == (1960 + 4000) * size


def test_normalization_counts_as_the_bias_it_becomes():
    network = DsCnn(labels=12)
    estimate = sizing(network, "int8")
    assert estimate.parameters == sum(parameter.numel() for parameter in folded(network).parameters())
    assert estimate.operations == 2 * 2_656_768
