from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sound.lookahead import Lookahead
from harness.sound.speaker import _resampled

SOUND = np.random.default_rng(4).integers(-9000, 9000, 20_000).astype(np.int16)


def parts(sizes: list[int]) -> Iterator[np.ndarray]:
    start = 0
    for size in sizes:
        yield SOUND[start : start + size]
        start += size
    yield SOUND[start:]


def take_all(ahead: Lookahead, frames: int) -> np.ndarray:
    taken = []
    while not ahead.is_exhausted:
        ahead.wait_until_full(10)
        out = np.empty(frames, np.int16)
        count = ahead.take(out)
        assert not out[count:].any(), "silence after what there was"
        taken.append(out[:count])
    return np.concatenate(taken)


@settings(max_examples=30)
@given(sizes=st.lists(st.integers(0, 4000), max_size=8), frames=st.integers(100, 3000))
def test_all_sound_of_the_source_is_taken_in_order(sizes, frames):
    assert np.array_equal(take_all(Lookahead(parts(sizes), 5000), frames), SOUND)


def test_the_source_makes_no_more_than_fits():
    made = []

    def source() -> Iterator[np.ndarray]:
        for number in range(100):
            made.append(number)
            yield np.ones(1000, np.int16)

    ahead = Lookahead(source(), 5000)
    ahead.wait_until_full(10)
    assert len(made) <= 6
    ahead.close()


def test_a_callback_does_not_wait_for_a_source_that_is_late():
    release = threading.Event()

    def source() -> Iterator[np.ndarray]:
        yield np.ones(100, np.int16)
        release.wait(30)

    ahead = Lookahead(source(), 5000)
    ahead.wait_until_full(0.2)
    out = np.empty(500, np.int16)
    assert ahead.take(out) == 100
    assert not ahead.is_exhausted
    release.set()


def test_the_buffer_is_filled_with_a_part_of_a_block():
    ahead = Lookahead(parts([777] * 10), 5000)
    ahead.wait_until_full(60)
    assert ahead.take(np.empty(6000, np.int16)) == 5000
    ahead.close()


def test_an_exception_of_the_source_is_kept():
    def source() -> Iterator[np.ndarray]:
        yield np.ones(100, np.int16)
        raise RuntimeError("no more")

    ahead = Lookahead(source(), 5000)
    ahead.wait_until_full(10)
    assert str(ahead.failure) == "no more"


def test_a_closed_buffer_ends_its_source():
    ended = threading.Event()

    def source() -> Iterator[np.ndarray]:
        try:
            while True:
                yield np.ones(1000, np.int16)
        finally:
            ended.set()

    ahead = Lookahead(source(), 5000)
    ahead.wait_until_full(10)
    ahead.close()
    del ahead
    assert ended.wait(10)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_blocks_are_resampled_like_one_piece(rate_hz):
    smooth = np.convolve(SOUND, np.ones(8) / 8, "same").astype(np.int16)
    blocks = [smooth[start : start + 777] for start in range(0, len(smooth), 777)]
    found = np.concatenate(list(_resampled(blocks, rate_hz)))
    expected = soxr.resample(smooth, 16_000, rate_hz)
    assert abs(len(found) - len(expected)) <= 1
    shared = min(len(found), len(expected))
    assert np.abs(found[:shared].astype(int) - expected[:shared]).max() <= 2
