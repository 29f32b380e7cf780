"""Made-up nights: real records, of which nobody could think that they were measured."""

from __future__ import annotations

import pytest
from benchmarks.made_history import KEYS, MadeBench, write_nights

from harness.records.reading import read_record
from harness.regression.canary import canary_of
from harness.regression.from_record import night_of


@pytest.mark.parametrize("board", ["emulated", "nano33ble"])
def test_a_night_has_the_series_and_samples_that_were_asked_for(board):
    record = MadeBench(board, series=6, samples=30).night(0)
    rounds = [block for block in record.blocks if block.phase == "round"]
    assert len(night_of(record).times) == 6
    assert sum(len(block.samples_us[KEYS[0]]) for block in rounds if block.subject == "variant-0") == 30


def test_the_same_seed_makes_the_same_nights(tmp_path):
    one, two = (write_nights(tmp_path / name, nights=2, series=3, samples=9) for name in "ab")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_a_modeled_board_repeats_exactly():
    nights = [night_of(MadeBench("emulated", series=3, samples=9).night(0)) for _ in range(2)]
    assert all(measured.identical for measured in nights[0].times.values())
    assert nights[0].canary == nights[1].canary


def test_a_real_board_wavers_but_its_canary_holds():
    bench = MadeBench("nano33ble", series=3, samples=9)
    nights = [night_of(bench.night(index)) for index in range(5)]
    values = {night.times[min(night.times)].value_us for night in nights}
    assert len(values) > 1
    assert canary_of([night.canary for night in nights]).night_sd < 0.001


def test_every_record_says_that_it_was_made_up(tmp_path):
    (path,) = write_nights(tmp_path, nights=1, boards=["emulated"], series=3, samples=9)
    record = read_record(path)
    assert record.run["trigger"] == "made up"
    assert "made-up" in record.board.uid
