"""Order of the blocks of a night."""

from __future__ import annotations

from collections import Counter

from harness.records.record import CANARY, CONFIRMATION, FIRST, LAST, ROUND
from harness.runs.nightly.blocks import BlockId, rounds_of, schedule

VARIANTS = ("a", "b", "c")


def test_canary_frames_the_rounds_and_every_round_begins_with_another_variant():
    ids = schedule(VARIANTS, 4)
    assert (ids[0], ids[-1]) == (BlockId(FIRST, 0, CANARY), BlockId(LAST, 0, CANARY))
    rounds = [[block.subject for block in ids if block.round == number] for number in (1, 2, 3, 4)]
    assert rounds == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]
    assert Counter(block.phase for block in ids) == {ROUND: 12, FIRST: 1, LAST: 1}


def test_confirmation_has_as_many_blocks_and_no_canary():
    assert rounds_of(CONFIRMATION, ("b",), 3) == [BlockId(CONFIRMATION, number, "b") for number in (1, 2, 3)]


def test_names_of_blocks_are_unique():
    ids = [*schedule(VARIANTS, 3), *rounds_of(CONFIRMATION, VARIANTS, 3)]
    assert len({str(block) for block in ids}) == len(ids)
