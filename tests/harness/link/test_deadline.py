"""Deadlines on an injected clock."""

from __future__ import annotations

from harness.link.deadline import Deadline


def test_the_remaining_time_shrinks_to_0():
    now = [100.0]
    deadline = Deadline(5.0, lambda: now[0])
    now[0] = 102.0
    assert (deadline.remaining, deadline.expired) == (3.0, False)
    now[0] = 109.0
    assert (deadline.remaining, deadline.expired) == (0.0, True)
    assert Deadline(0.0, lambda: 1.0).expired
