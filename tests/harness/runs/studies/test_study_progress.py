from __future__ import annotations

from harness.runs.studies.progress import Progress
from models.errors import ModelError


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def progress_of(total: int) -> tuple[Progress, Clock, list[str]]:
    clock, lines = Clock(), []
    return Progress("bits", total, lines.append, clock), clock, lines


def test_the_time_left_is_that_of_the_pace():
    progress, clock, lines = progress_of(40)
    for _ in range(10):
        clock.now_s += 6.0
        progress.point(None)
    assert lines[0] == "bits: 2 of 40 points; about 4 min left"
    assert len(lines) == 5


def test_points_that_were_there_do_not_make_the_rest_look_fast():
    progress, clock, lines = progress_of(120)
    for _ in range(100):
        progress.point(None)
    for _ in range(16):
        clock.now_s += 10.0
        progress.point(None)
    assert lines[-1] == "bits: 116 of 120 points; about 40 s left"


def test_the_end_is_always_told():
    progress, _, lines = progress_of(2)
    progress.point(None)
    progress.point(None)
    assert lines == ["bits: 2 of 2 points"]


def test_a_failure_is_told_and_counted():
    progress, _, lines = progress_of(1)
    progress.point(ModelError("it broke", "bits-4", "Mend it."))
    assert lines == ["bits: model: it broke (bits-4). Mend it.", "bits: 1 of 1 points, 1 failed"]


def test_only_what_was_made_is_told():
    progress, _, lines = progress_of(1)
    progress.step("bits-4: train … cached")
    progress.step("bits-4: transform … 1.5 s")
    progress.step("1 of 1 variants")
    assert lines == ["bits-4: transform … 1.5 s"]
