"""Order of the blocks, and their file after a kill."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.records.record import BlockRow
from harness.runs.nightly.blocks import BlockFile
from harness.runs.nightly.schedule import (
    CANARY,
    CONFIRMATION,
    FIRST,
    LAST,
    ROUND,
    BlockId,
    confirmations,
    schedule,
)

VARIANTS = ("a", "b", "c")


def test_canary_frames_the_rounds_and_every_round_begins_with_another_variant():
    ids = schedule(VARIANTS, 4)
    assert (ids[0], ids[-1]) == (BlockId(FIRST, 0, CANARY), BlockId(LAST, 0, CANARY))
    rounds = [[block.subject for block in ids if block.round == number] for number in (1, 2, 3, 4)]
    assert rounds == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]
    assert Counter(block.phase for block in ids) == {ROUND: 12, FIRST: 1, LAST: 1}


def test_confirmation_has_as_many_blocks_and_no_canary():
    assert confirmations(("b",), 3) == [BlockId(CONFIRMATION, number, "b") for number in (1, 2, 3)]


def test_names_of_blocks_are_unique():
    ids = [*schedule(VARIANTS, 3), *confirmations(VARIANTS, 3)]
    assert len({str(block) for block in ids}) == len(ids)


def block(number: int) -> BlockRow:
    return BlockRow(
        subject="m",
        engine="codegen",
        phase="round",
        round=number,
        planned=2,
        samples_us={"inference_us/clip": [10 + number, 11]},
        lost={"inference_us/clip": 0},
        checks={"output": "0.5, 0.5"},
        fault="" if number else "the board said „nothing“\n",
    )


@given(cut=st.integers(min_value=0), blocks=st.integers(min_value=1, max_value=4))
def test_file_cut_anywhere_loses_at_most_the_block_that_was_cut(cut, blocks):
    with tempfile.TemporaryDirectory() as folder:
        file = BlockFile(Path(folder))
        assert file.rows() == []
        ends = []
        for number in range(blocks):
            file.append(block(number))
            ends.append(file.path.stat().st_size)
        cut %= ends[-1] + 1
        file.path.write_bytes(file.path.read_bytes()[:cut])
        whole = [block(number) for number in range(sum(end <= cut for end in ends))]
        assert file.rows() == whole
        file.append(block(9))
        assert file.rows() == [*whole, block(9)]


def test_damaged_line_in_the_middle_is_refused(tmp_path):
    file = BlockFile(tmp_path)
    for number in range(3):
        file.append(block(number))
    lines = file.path.read_text().splitlines(keepends=True)
    file.path.write_text("".join([lines[0], lines[1][:20] + "\n", lines[2]]))
    with pytest.raises(UsageError, match="line 2 is no block"):
        file.rows()
