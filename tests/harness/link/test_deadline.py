from __future__ import annotations

from harness.link.deadline import Deadline


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_what_remains_shrinks_with_the_clock():
    clock = Clock()
    deadline = Deadline(5.0, clock)
    clock.now_s += 2.0
    assert (deadline.remaining, deadline.expired) == (3.0, False)


def test_what_remains_is_never_negative():
    clock = Clock()
    deadline = Deadline(5.0, clock)
    clock.now_s += 9.0
    assert (deadline.remaining, deadline.expired) == (0.0, True)


def test_no_time_has_expired_at_once():
    assert Deadline(0.0, Clock()).expired
