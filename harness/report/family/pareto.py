"""The Pareto front: what no other one beats in cost and gain at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The points that no other one dominates, by their indices, cheapest first.

    One dominates another if it costs no more and gains no less, and is better in one of them. Of equal points
    all are on the front or none.

    Args:
        points: (cost, gain) of each.
    """
    order = sorted(range(len(points)), key=lambda index: (points[index][0], -points[index][1]))
    chosen: list[int] = []
    for index in order:
        if not chosen or points[index][1] > points[chosen[-1]][1] or points[index] == points[chosen[-1]]:
            chosen.append(index)
    return chosen
