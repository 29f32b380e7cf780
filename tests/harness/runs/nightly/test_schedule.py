"""The order of a night's blocks."""

from __future__ import annotations

from collections import Counter

from harness.runs.nightly.schedule import (
    CANARY,
    CONFIRMATION,
    FIRST,
    LAST,
    ROUND,
    Slot,
    confirmations,
    schedule,
)

VARIANTS = ("a", "b", "c")


def test_the_canary_is_measured_first_and_last():
    slots = schedule(VARIANTS)
    assert slots[0] == Slot(FIRST, 0, CANARY)
    assert slots[-1] == Slot(LAST, 0, CANARY)
    assert not any(slot.subject == CANARY for slot in slots[1:-1])


def test_every_variant_is_measured_once_a_round():
    rounds = Counter((slot.round, slot.subject) for slot in schedule(VARIANTS) if slot.phase == ROUND)
    assert rounds == {(number, variant): 1 for number in (1, 2, 3) for variant in VARIANTS}


def test_every_round_begins_with_another_variant():
    firsts = [
        next(slot for slot in schedule(VARIANTS) if slot.round == number).subject for number in (1, 2, 3)
    ]
    assert firsts == ["a", "b", "c"]


def test_the_order_within_a_round_stays():
    second = [slot.subject for slot in schedule(VARIANTS) if slot.round == 2]
    assert second == ["b", "c", "a"]


def test_there_may_be_more_rounds_than_variants():
    assert len(schedule(("a",), rounds=5)) == 7


def test_a_confirmation_has_as_many_blocks_and_no_canary():
    slots = confirmations(("b",), rounds=3)
    assert slots == [Slot(CONFIRMATION, number, "b") for number in (1, 2, 3)]


def test_no_two_blocks_have_one_name():
    slots = [*schedule(VARIANTS), *confirmations(VARIANTS)]
    assert len({str(slot) for slot in slots}) == len(slots)
