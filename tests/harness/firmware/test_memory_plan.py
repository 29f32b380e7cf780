"""The arena's plan, whatever is alive when."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from harness.firmware.codegen.memory_plan import ALIGNMENT, Lifetime, most_alive, plan_memory


@st.composite
def lifetimes(draw):
    first = draw(st.integers(0, 12))
    return Lifetime("tensor", draw(st.integers(1, 5000)), first, first + draw(st.integers(0, 5)))


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


@given(st.lists(lifetimes(), max_size=15))
def test_what_lives_at_the_same_time_does_not_overlap(lives):
    plan = plan_memory(lives)
    for (one, at), (other, beside) in combinations(zip(lives, plan.offsets, strict=True), 2):
        apart = at + one.bytes <= beside or beside + other.bytes <= at
        assert apart or not one.meets(other)


@given(st.lists(lifetimes(), max_size=15))
def test_the_peak_is_between_what_must_be_and_everything_side_by_side(lives):
    plan = plan_memory(lives)
    assert most_alive(lives) <= plan.bytes <= sum(_aligned(life.bytes) for life in lives)


@given(st.lists(lifetimes(), min_size=1, max_size=15))
def test_everything_is_aligned_and_inside(lives):
    plan = plan_memory(lives)
    assert all(offset % ALIGNMENT == 0 for offset in plan.offsets)
    assert plan.bytes == max(offset + life.bytes for offset, life in zip(plan.offsets, lives, strict=True))


def test_a_chain_takes_the_largest_pair():
    sizes = (160, 320, 480, 320, 160)
    chain = [Lifetime(f"tensor {i}", size, i, i + 1) for i, size in enumerate(sizes)]
    assert plan_memory(chain).bytes == 480 + 320


def test_nothing_takes_nothing():
    assert plan_memory([]).bytes == 0
