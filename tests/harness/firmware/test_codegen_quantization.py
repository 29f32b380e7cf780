"""Scales as integers, against the real numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.firmware.codegen.quantization import (
    ACTIVATIONS,
    int8_activation_range,
    quantize_multiplier,
    softmax_scaling,
)


@given(st.floats(2.0**-31, 2.0**29))
def test_a_multiplier_is_its_factor_to_31_bits(real):
    multiplier = quantize_multiplier(real)
    assert 1 << 30 <= multiplier.value < 1 << 31
    assert 0 in (multiplier.left_shift, multiplier.right_shift)
    exact = multiplier.value / 2**31 * 2.0 ** (multiplier.left_shift - multiplier.right_shift)
    assert exact == pytest.approx(real, rel=2**-31)


@pytest.mark.parametrize("real", [0.0, 2.0**-40, 1e-300])
def test_a_vanishing_factor_is_0(real):
    assert quantize_multiplier(real).value == 0


def test_a_factor_next_to_a_power_of_two_becomes_it():
    multiplier = quantize_multiplier(1 - 2**-40)
    assert (multiplier.value, multiplier.left_shift) == (1 << 30, 1)


def test_a_factor_beyond_the_shifts_is_refused():
    with pytest.raises(ValueError, match="2\\^30 or above"):
        quantize_multiplier(2.0**31)


@given(st.floats(1e-3, 1.0), st.integers(-128, 127), st.sampled_from(["RELU", "RELU6", "RELU_N1_TO_1"]))
def test_an_int8_range_covers_the_real_one(scale, zero_point, activation):
    scale = float(np.float32(scale))
    least, most = int8_activation_range(activation, scale, zero_point)
    assert -128 <= least <= 127 or least == zero_point
    lower, upper = ACTIVATIONS[activation]
    for limit, element, end in ((lower, least, -128), (upper, most, 127)):
        if element != end:
            assert abs((element - zero_point) * scale - limit) <= scale * 0.501


def test_no_activation_has_no_limit():
    assert int8_activation_range("NONE", 0.1, 3) == (-128, 127)
    assert ACTIVATIONS["NONE"] == (-np.inf, np.inf)


@given(st.floats(1e-3, 100), st.floats(1e-3, 10))
def test_softmax_leaves_no_exponent_below_minus_32(scale, beta):
    scaling = softmax_scaling(beta, float(np.float32(scale)))
    assert scaling.least_difference * (scaling.multiplier / 2**31) * 2**scaling.left_shift >= -(2**31)


def test_softmax_of_a_vanishing_scale_is_refused():
    with pytest.raises(ValueError, match="2\\^-26"):
        softmax_scaling(1.0, 1e-9)
