"""Profiles: which calls are operators."""

from __future__ import annotations

import pytest

from harness.boards.board import Stack
from harness.measure.profile import _operator_calls
from harness.records.record import ProfileRow, StackRow


def stacks(*calls: tuple[int, int, int]) -> list[Stack]:
    """Return stacks of calls: their place, number and cycles."""
    return [Stack(cycles, ("invoke", "callee"), (place, number), 1) for place, number, cycles in calls]


def test_calls_of_a_program_are_operators_in_the_order_of_their_numbers():
    assert _operator_calls(stacks((24, 2, 5), (32, 1, 9), (24, 2, 7)), 2) == [(32, 1), (24, 2)]


def test_an_interpreter_calls_its_operators_at_one_place():
    found = _operator_calls(stacks((8, 1, 1), (16, 2, 50), (8, 3, 1), (16, 4, 60), (8, 5, 1)), 2)
    assert found == [(16, 2), (16, 4)]


def test_of_two_places_with_as_many_calls_the_longer_ones_are_operators():
    assert _operator_calls(stacks((8, 1, 1), (16, 2, 50), (8, 3, 2), (16, 4, 60)), 2) == [(16, 2), (16, 4)]


def test_operators_that_cannot_be_told_apart_are_none():
    assert _operator_calls(stacks((8, 1, 1), (16, 2, 50)), 3) == []


def test_a_profile_whose_functions_do_not_add_up_is_refused():
    with pytest.raises(ValueError, match="do not add up"):
        ProfileRow({"inference": 10}, [StackRow("inference", ["invoke"], 9)], [])
