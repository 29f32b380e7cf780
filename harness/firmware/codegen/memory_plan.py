"""Offsets of tensors in one block of memory; tensors alive at the same time do not overlap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

ALIGNMENT = 16


@dataclass(frozen=True)
class Lifetime:
    """A piece of memory that is needed from one operation to another, both included.

    Attributes:
        name: tensor or purpose.
        bytes: size, at least 1.
        first_op: first operation that needs the memory.
        last_op: last operation that needs it, at least `first_op`.
    """

    name: str
    bytes: int
    first_op: int
    last_op: int

    def meets(self, other: Lifetime) -> bool:
        return self.first_op <= other.last_op and other.first_op <= self.last_op


def plan_memory(lifetimes: Sequence[Lifetime]) -> tuple[tuple[int, ...], int]:
    """Place every lifetime at the lowest free offset, in several orders, and return the smallest plan.

    After the greedy planners of Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net
    Inference" (2020): no order is best for all networks, and trying all of them costs nothing. Of equal plans
    the first is taken, so the result is deterministic.

    Returns:
        The offsets in the order given, multiples of ALIGNMENT, and the end of the highest lifetime.
    """
    orders: tuple[Callable[[int], tuple[int, ...]], ...] = (
        lambda i: (-lifetimes[i].bytes, lifetimes[i].first_op),
        lambda i: (lifetimes[i].first_op, -lifetimes[i].bytes),
        lambda i: (-lifetimes[i].last_op, -lifetimes[i].bytes),
        lambda i: (lifetimes[i].first_op - lifetimes[i].last_op, -lifetimes[i].bytes),
    )
    plans = [_place(lifetimes, sorted(range(len(lifetimes)), key=order)) for order in orders]
    return min(plans, key=lambda plan: plan[1])


def most_alive(lifetimes: Sequence[Lifetime]) -> int:
    """Return the largest number of bytes needed at the same time; no plan is smaller."""
    times = range(max((lifetime.last_op for lifetime in lifetimes), default=-1) + 1)
    return max(
        (sum(x.bytes for x in lifetimes if x.first_op <= time <= x.last_op) for time in times), default=0
    )


def _place(lifetimes: Sequence[Lifetime], order: Sequence[int]) -> tuple[tuple[int, ...], int]:
    offsets: dict[int, int] = {}
    for i in order:
        taken = sorted(
            (offsets[j], offsets[j] + lifetimes[j].bytes) for j in offsets if lifetimes[i].meets(lifetimes[j])
        )
        offset = 0
        for begin, end in taken:
            if offset + lifetimes[i].bytes <= begin:
                break
            offset = max(offset, -(-end // ALIGNMENT) * ALIGNMENT)
        offsets[i] = offset
    end = max((offset + lifetimes[i].bytes for i, offset in offsets.items()), default=0)
    return tuple(offsets[i] for i in range(len(lifetimes))), end
