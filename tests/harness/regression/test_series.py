from __future__ import annotations

import math

import pytest

from harness.records.verdict import SeriesName
from harness.regression.series import Block, measured


def block(*samples: float, planned: int = 0, lost: int = 0) -> Block:
    return Block(samples, planned or len(samples), lost)


def test_the_value_is_the_median_of_the_medians_of_the_blocks():
    night = measured([block(1, 2, 30), block(5, 5, 900), block(3, 3, 3)], "a")
    assert (night.value_us, night.blocks, night.problem) == (3, 3, "")


@pytest.mark.parametrize(("second", "identical"), [((1, 2, 3), True), ((1, 3, 2), False)])
def test_identical_blocks_are_marked(second, identical):
    assert measured([block(1, 2, 3), block(*second)], "a").identical == identical


@pytest.mark.parametrize(("arrived", "value"), [(45, 7), (44, None)])
def test_a_whole_block_has_nine_tenths_of_its_samples(arrived, value):
    assert measured([Block((7.0,) * arrived, 50, 50 - arrived)], "a").value_us == value


def test_more_than_half_of_the_blocks_must_be_whole():
    whole, broken = Block((7.0,) * 50, 50), Block((7.0,) * 20, 50, 30)
    assert measured([whole, whole, broken], "a").value_us == 7
    night = measured([whole, broken, broken], "a")
    assert night.value_us is None
    assert "90 of 150 samples arrived, 60 lines were damaged or missing" in night.problem
    assert measured([], "a").problem == "no block was measured"


@pytest.mark.parametrize("sample", [0.0, -5.0, math.nan, math.inf])
def test_an_impossible_time_is_a_jump_of_the_clock(sample):
    assert "the board's clock jumped" in measured([block(7, sample, 7)], "a").problem


def test_a_name_is_parsed_as_it_is_written():
    name = SeriesName("tinyconv-int8", "codegen", "inference_us", "pcm")
    assert SeriesName.parse(str(name)) == name
    for text in ("", "a/b/c", "a/b/c/d/e", "a//c/d"):
        with pytest.raises(ValueError, match="not a series"):
            SeriesName.parse(text)
