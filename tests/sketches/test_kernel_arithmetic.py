"""The kernels' fixed-point arithmetic compared with gemmlowp's definitions in unlimited integers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from host_library import LIBRARIES, host_library
from hypothesis import example, given
from hypothesis import strategies as st

KERNELS = host_library(Path(__file__).with_name("kernels_host.cpp"), LIBRARIES / "EarshotKernels" / "src")

LEAST, MOST = -(1 << 31), (1 << 31) - 1
int32 = st.integers(LEAST, MOST)
multipliers = st.integers(1 << 30, MOST)


def _divide(numerator: int, denominator: int) -> int:
    """Divide towards zero, as in C++."""
    quotient = abs(numerator) // denominator
    return quotient if numerator >= 0 else -quotient


def _high_multiply(a: int, b: int) -> int:
    """gemmlowp::SaturatingRoundingDoublingHighMul."""
    product = a * b
    return _divide(product + (1 << 30 if product >= 0 else 1 - (1 << 30)), 1 << 31)


def _shift_right(x: int, exponent: int) -> int:
    """gemmlowp::RoundingDivideByPOT: halves away from zero."""
    quotient, remainder = divmod(abs(x), 1 << exponent)
    rounded = quotient + (2 * remainder >= 1 << exponent)
    return rounded if x >= 0 else -rounded


def _saturated(x: int) -> int:
    return max(LEAST, min(MOST, x))


def _exponential(x: int) -> int:
    """gemmlowp::exp_on_negative_values for five integer bits."""
    quarter = 1 << 24
    if x == 0:
        return MOST
    within = (x & (quarter - 1)) - quarter
    y = (within << 5) + (1 << 28)
    y2 = _high_multiply(y, y)
    y3, y4 = _high_multiply(y2, y), _high_multiply(y2, y2)
    upper = _shift_right(_high_multiply(_shift_right(y4, 2) + y3, 715827883) + y2, 1)
    result = 1895147668 + _high_multiply(1895147668, y + upper)
    factors = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
    for bit, factor in enumerate(factors):
        if (within - x) >> (24 + bit) & 1:
            result = _high_multiply(result, factor)
    return result


def _reciprocal(x: int) -> int:
    """gemmlowp::one_over_one_plus_x_for_x_in_0_1."""
    half_denominator = _divide(x + MOST + 1, 2)
    y = 1515870810 + _high_multiply(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - _high_multiply(half_denominator, y)
        y += _saturated(_high_multiply(y, error) << 2)
    return _saturated(y << 1)


@given(int32, int32)
@example(LEAST, MOST)
@example(MOST, MOST)
def test_high_multiply(a, b):
    if (a, b) != (LEAST, LEAST):
        assert KERNELS.high_multiply(a, b) == _high_multiply(a, b)


@given(st.integers(1 - (1 << 30), (1 << 30) - 1), int32)
def test_high_multiply_of_small_numbers(a, b):
    assert KERNELS.high_multiply_small(a, b) == _high_multiply(a, b)


@given(int32, st.integers(0, 31))
@example(LEAST, 31)
@example(MOST, 31)
@example(-1, 1)
def test_shift_right(x, exponent):
    assert KERNELS.shift_right(x, exponent) == _shift_right(x, exponent)


@given(int32, st.integers(0, 30))
def test_shift_left(x, exponent):
    assert KERNELS.shift_left(x, exponent) == _saturated(x << exponent)


@given(int32, multipliers, st.integers(0, 31))
def test_scaling_down(x, multiplier, shift):
    assert KERNELS.scale(x, multiplier, 0, shift) == _shift_right(_high_multiply(x, multiplier), shift)


@given(st.integers(-255, 255), multipliers, st.integers(0, 22))
def test_scaling_up(x, multiplier, shift):
    assert KERNELS.scale(x, multiplier, shift, 0) == _high_multiply(x << shift, multiplier)


@given(st.integers(LEAST, 0))
@example(0)
@example(-1)
@example(LEAST)
def test_exponential(x):
    assert KERNELS.exponential(x) == _exponential(x)
    assert KERNELS.exponential(x) / 2**31 == pytest.approx(math.exp(x / 2**26), abs=3e-7)


@given(st.integers(0, MOST))
def test_reciprocal(x):
    assert KERNELS.reciprocal(x) == _reciprocal(x)
    assert KERNELS.reciprocal(x) / 2**31 == pytest.approx(1 / (1 + x / 2**31), abs=1e-8)


@given(st.integers(1 - (1 << 30), (1 << 30) - 1), multipliers, st.integers(1, 22))
def test_both_finishes_are_equal(total, multiplier, shift):
    zero_point = -7
    offset = (zero_point << shift) + (1 << shift - 1)
    expected = max(-128, min(127, _shift_right(_high_multiply(total, multiplier), shift) + zero_point))
    assert KERNELS.finish_any(total, multiplier, shift) == expected
    assert KERNELS.finish_small(total, multiplier, offset, shift) == expected
