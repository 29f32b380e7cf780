"""The value of a night, and samples that give none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.verdict import SeriesName
from harness.regression.series import Block, measured


def block(*samples: float, planned: int = 0, lost: int = 0) -> Block:
    return Block(samples, planned or len(samples), lost)


def test_the_median_of_the_blocks_medians():
    night = measured([block(1, 2, 30), block(5, 5, 900), block(3, 3, 3)], "a")
    assert (night.value_us, night.blocks, night.max_us, night.problem) == (3, 3, 900, "")


def test_a_block_that_is_off_does_not_move_the_night():
    assert measured([block(10, 10), block(10, 10), block(99, 99)], "a").value_us == 10


def test_p99_is_of_all_samples():
    assert measured([block(*range(1, 102))], "a").p99_us == 100


def test_the_mean_shows_a_single_cycle():
    assert measured([block(*[100.0] * 49, 101.0)], "a").mean_us == 100.02


@pytest.mark.parametrize(("second", "identical"), [((1, 2, 3), True), ((1, 3, 2), False)])
def test_blocks_that_are_the_same(second, identical):
    assert measured([block(1, 2, 3), block(*second)], "a").identical == identical


def test_one_block_of_three_may_be_lost():
    night = measured([block(7, 7), block(7, 7), block(planned=50, lost=50)], "a")
    assert (night.value_us, night.blocks) == (7, 2)


@pytest.mark.parametrize(("arrived", "value"), [(45, 7), (44, None)])
def test_a_tenth_of_a_block_may_be_lost(arrived, value):
    assert measured([Block((7.0,) * arrived, 50, 50 - arrived)], "a").value_us == value


def test_what_was_lost_is_said():
    night = measured([Block((7.0,) * 50, 50), *[Block((7.0,) * 20, 50, 30)] * 2], "a")
    assert night.value_us is None
    assert "90 of 150 samples arrived, 60 lines were damaged or missing" in night.problem


@pytest.mark.parametrize("sample", [0.0, -5.0, math.nan, math.inf])
def test_a_time_that_is_none_is_a_jump_of_the_boards_clock(sample):
    assert "the board's clock jumped" in measured([block(7, sample, 7)], "a").problem


def test_no_blocks():
    assert measured([], "a").problem == "no block was measured"


@given(st.lists(st.lists(st.floats(1, 1e6), min_size=1, max_size=9), min_size=1, max_size=5), st.randoms())
def test_the_order_of_the_rounds_does_not_matter(rounds, random):
    blocks = [block(*samples) for samples in rounds]
    value = measured(blocks, "a").value_us
    random.shuffle(blocks)
    assert measured(blocks, "a").value_us == value


def test_a_name_is_read_as_it_is_written():
    name = SeriesName("tinyconv-int8", "codegen", "inference_us", "pcm")
    assert SeriesName.parse(str(name)) == name


@pytest.mark.parametrize("text", ["", "a/b/c", "a/b/c/d/e", "a//c/d"])
def test_a_name_that_is_none(text):
    with pytest.raises(ValueError, match="not a series"):
        SeriesName.parse(text)
