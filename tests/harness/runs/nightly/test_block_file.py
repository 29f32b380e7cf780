"""The blocks on disk: what a kill leaves of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.records.record import BlockRow
from harness.runs.nightly.block_file import BlockFile


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


def test_a_night_begins_without_blocks(tmp_path):
    assert BlockFile(tmp_path).rows() == []


def test_blocks_come_back_as_they_were(tmp_path):
    for number in range(3):
        BlockFile(tmp_path).append(block(number))
    assert BlockFile(tmp_path).rows() == [block(0), block(1), block(2)]


@given(cut=st.integers(min_value=0), blocks=st.integers(min_value=1, max_value=4))
def test_a_file_cut_anywhere_loses_at_most_the_block_it_is_cut_in(cut, blocks):
    with tempfile.TemporaryDirectory() as folder:
        file = BlockFile(Path(folder))
        ends = []
        for number in range(blocks):
            file.append(block(number))
            ends.append(file.path.stat().st_size)
        cut %= ends[-1] + 1
        file.path.write_bytes(file.path.read_bytes()[:cut])
        whole = sum(end <= cut for end in ends)
        assert file.rows() == [block(number) for number in range(whole)]
        file.append(block(9))
        assert file.rows() == [*(block(number) for number in range(whole)), block(9)]


def test_a_damaged_line_in_the_middle_is_told(tmp_path):
    file = BlockFile(tmp_path)
    for number in range(3):
        file.append(block(number))
    lines = file.path.read_text().splitlines(keepends=True)
    file.path.write_text("".join([lines[0], lines[1][:20] + "\n", lines[2]]))
    with pytest.raises(UsageError, match="line 2 is no block"):
        file.rows()
