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


@given(st.lists(lifetimes(), max_size=15))
def test_a_plan_is_aligned_without_overlaps_and_not_larger_than_needed(lives):
    offsets, end = plan_memory(lives)
    assert all(offset % ALIGNMENT == 0 for offset in offsets)
    places = list(zip(lives, offsets, strict=True))
    for (one, at), (other, beside) in combinations(places, 2):
        apart = at + one.bytes <= beside or beside + other.bytes <= at
        assert apart or not one.meets(other)
    assert end == max((offset + life.bytes for life, offset in places), default=0)
    assert most_alive(lives) <= end <= sum(-(-life.bytes // ALIGNMENT) * ALIGNMENT for life in lives)


def test_a_chain_takes_the_largest_pair():
    sizes = (160, 320, 480, 320, 160)
    chain = [Lifetime(f"tensor {i}", size, i, i + 1) for i, size in enumerate(sizes)]
    assert plan_memory(chain)[1] == 480 + 320
