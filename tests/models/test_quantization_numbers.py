"""Rounding to integers and minifloats."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.ao.quantization import MinMaxObserver, MovingAverageMinMaxObserver

from models.compress.integers import IntegerActivations, integer_weights
from models.compress.minifloats import minifloat_activations, minifloat_weights
from models.variants import INTEGER_BITS, MINIFLOATS

FORMATS = tuple(MINIFLOATS.values())

values = st.floats(-100, 100, width=32).filter(lambda value: value == 0 or abs(value) > 1e-3)
weights = arrays(np.float32, (3, 7), elements=values).map(torch.from_numpy)
quick = settings(max_examples=50)


def steps_of(rounding, values: torch.Tensor) -> torch.Tensor:
    """Express rounded values in steps from zero, float64."""
    return rounding(values).double() / rounding.scale.double().reshape(-1, 1)


def minifloats(exponent: int, mantissa: int) -> set[float]:
    """All values of a format, code by code."""
    bias, found = 2 ** (exponent - 1) - 1, set()
    for power, fraction in itertools.product(range(2**exponent), range(2**mantissa)):
        part = fraction / 2**mantissa
        value = part * 2.0 ** (1 - bias) if power == 0 else (1 + part) * 2.0 ** (power - bias)
        found |= {value, -value}
    return found


@quick
@given(weights, st.sampled_from(INTEGER_BITS), st.booleans(), st.booleans())
def test_integer_weights_are_whole_steps_that_fit_the_bits(given_weights, bits, symmetric, per_channel):
    rounding = integer_weights(bits, symmetric, per_channel)
    steps = steps_of(rounding, given_weights)
    assert torch.allclose(steps, steps.round(), atol=1e-4)
    rows = steps if per_channel else steps.reshape(1, -1)
    assert (rows.amax(1) - rows.amin(1)).max() <= 2**bits - 1 + 1e-4
    if symmetric:
        assert steps.abs().max() <= 2 ** (bits - 1) - 1 + 1e-4
    once = rounding(given_weights)
    rounding.disable_observer()
    assert torch.equal(rounding(once), once)


def test_eight_symmetric_bits_have_the_scale_of_tensorflow_lite():
    rounding = integer_weights(8, True, True)
    rounding(torch.tensor([[0.5, -1.27], [0.254, 0.1]]))
    torch.testing.assert_close(rounding.scale, torch.tensor([0.01, 0.002]))


def test_a_range_per_channel_keeps_the_weights_of_a_small_channel():
    two = torch.tensor([[0.01, -0.02], [5.0, -7.0]])
    assert torch.equal(integer_weights(4, True, per_channel=False)(two)[0], torch.zeros(2))
    assert integer_weights(4, True, per_channel=True)(two)[0].count_nonzero() == 2


@quick
@given(weights, st.sampled_from(INTEGER_BITS), st.booleans())
def test_gradients_pass_integers_unchanged(given_weights, bits, per_channel):
    # Times 3: exact in float32, and no weight is rounded out of its range.
    given_weights.requires_grad_()
    (integer_weights(bits, True, per_channel)(given_weights) * 3).sum().backward()
    assert torch.equal(given_weights.grad, torch.full_like(given_weights, 3))


@pytest.mark.parametrize(("exponent", "mantissa"), FORMATS)
def test_minifloats_are_the_values_of_their_codes(exponent, mantissa):
    codes = sorted(minifloats(exponent, mantissa))
    rounding = minifloat_weights(exponent, mantissa, per_channel=False)
    dense = torch.cat([torch.tensor(codes), torch.linspace(min(codes), max(codes), 10_001)])
    assert sorted(set(rounding(dense).tolist())) == codes


def test_the_values_of_four_bits_are_those_of_the_standard():
    # OCP Microscaling Formats 1.0, table 5.
    assert sorted(minifloats(2, 1)) == [-6, -4, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 6]


@quick
@given(weights, st.sampled_from(FORMATS))
def test_a_minifloat_is_the_nearest_one(given_weights, format):
    rounding = minifloat_weights(*format, per_channel=False)
    rounded = rounding(given_weights)
    scale = max(float(given_weights.abs().max()) / max(minifloats(*format)), 1.2e-7)
    codes = torch.tensor(sorted(minifloats(*format))) * scale
    nearest = (given_weights[..., None] - codes).abs().amin(-1)
    torch.testing.assert_close((rounded - given_weights).abs(), nearest, rtol=1e-4, atol=1e-5 * scale)


@quick
@given(weights, st.sampled_from(FORMATS), st.booleans())
def test_rounding_to_minifloats_is_idempotent_and_passes_gradients(given_weights, format, per_channel):
    rounding = minifloat_weights(*format, per_channel)
    given_weights.requires_grad_()
    once = rounding(given_weights)
    torch.testing.assert_close(rounding(once), once, rtol=1e-6, atol=0)
    (once * 3).sum().backward()
    torch.testing.assert_close(given_weights.grad, torch.full_like(given_weights, 3))


def activations(kind: str, observer):
    return IntegerActivations(4, observer) if kind == "integer" else minifloat_activations(2, 1, observer)


@pytest.mark.parametrize("kind", ["integer", "minifloat"])
@pytest.mark.parametrize(
    ("observer", "highest", "limit"),
    [
        (MovingAverageMinMaxObserver, (6.0, 16.0), 6.1),  # follows slowly
        (MinMaxObserver, (6.0, 16.0, 1.0), 16.0),
    ],
)
def test_ranges_are_learned_in_training_mode_only(kind, observer, highest, limit):
    rounding = activations(kind, observer).train()
    for value in highest:
        rounding(torch.tensor([0.0, value]))
    rounding(torch.tensor([0.0, 60.0]), observed=False)
    for _ in range(2):
        torch.testing.assert_close(rounding.eval()(torch.tensor([100.0])), torch.tensor([limit]))


@quick
@given(arrays(np.float32, 9, elements=values).map(torch.from_numpy), st.sampled_from(INTEGER_BITS))
def test_zero_stays_zero(seen, bits):
    rounding = IntegerActivations(bits, MinMaxObserver).train()
    rounding(seen)
    assert rounding.eval()(torch.zeros(1)) == 0
