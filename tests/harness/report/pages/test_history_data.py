"""Nights of a board arranged as series: values, bands, levels, statuses and events."""

from dataclasses import replace

import numpy as np
import pytest
from made_nights import CANARY_US, canary, stamp
from shown_nights import FLASH, IMAGE, INT8, LEVEL_US, OPERATORS, board, history, night, of

from harness.records.verdict import SeriesVerdict


def test_every_series_has_its_kind():
    nights, baseline = history(12)
    kinds = {series.name: series.kind for series in board(nights, baseline).series}
    assert kinds == {INT8: "time", FLASH: "number", OPERATORS: "text", IMAGE: "text"}


def test_measured_times_are_divided_by_the_canary():
    nights, baseline = history(20)
    nights.append(night(20, LEVEL_US * 1.005, canary=canary(CANARY_US * 1.005)))
    assert of(INT8, board(nights, baseline)).values[-1] == pytest.approx(LEVEL_US, rel=1e-6)


def test_nights_with_a_moved_canary_a_dirty_tree_or_a_fault_are_not_comparable():
    nights, baseline = history(20)
    nights[12] = replace(nights[12], dirty=True)
    nights[13] = replace(nights[13], fault="no board")
    nights[15] = replace(nights[15], canary=canary(50_000, 55_000))
    comparable = of(INT8, board(nights, baseline)).comparable
    assert np.flatnonzero(~comparable).tolist() == [12, 13, 15]


def test_the_band_is_what_each_night_was_judged_by():
    nights, baseline = history(40, step_at=25)
    assert nights[-1].judged[INT8].status == "regressed"
    low, high = of(INT8, board(nights, baseline)).allowed.T
    assert np.isnan(low[:10]).all()
    assert (low[15:] < LEVEL_US).all() and (high[15:] > LEVEL_US).all()
    assert high[-1] < LEVEL_US * 1.02


def test_without_a_baseline_there_is_no_band_and_no_change():
    nights, _ = history(20, accepted_at=None)
    series = of(INT8, board(nights))
    assert np.isnan([*series.allowed.ravel(), *series.accepted]).all()


def test_the_last_night_is_judged_by_the_baseline_as_it_is_now():
    nights, baseline = history(30)
    nights[-1] = replace(nights[-1], judged={INT8: SeriesVerdict(str(INT8), "regressed", "", since=stamp(0))})
    shown = board(nights, baseline)
    assert shown.verdict.status == "ok"
    assert of(INT8, shown).statuses[-1] == "ok"


def test_a_step_is_a_new_level():
    nights, baseline = history(60, step_at=35)
    assert of(INT8, board(nights, baseline)).levels == (35,)


def test_a_change_of_an_exact_figure_is_a_new_level_on_its_night():
    nights = [night(index, exact={FLASH: 100 if index < 6 else 101}) for index in range(9)]
    assert of(FLASH, board(nights)).levels == (6,)


def test_a_hash_that_changes_with_each_commit_has_no_levels_and_does_not_climb():
    shown = of(IMAGE, board(history(12)[0]))
    assert shown.levels == ()
    assert shown.values.tolist() == [0.0] * 12


def test_another_environment_or_board_is_a_remark_with_both_values():
    nights = [night(index, uid="one" if index < 3 else "two") for index in range(5)]
    nights[1] = night(1, fault="no board", environment={}, uid="", times={}, exact={})
    assert board(nights).remarks(INT8) == {1: "no board", 3: "board one → two"}
    nights = [night(index, environment={"core": "4.2.1" if index < 4 else "4.3.0"}) for index in range(8)]
    assert board(nights).remarks(INT8) == {4: "core 4.2.1 → 4.3.0"}


def test_epochs_are_remarks():
    nights, baseline = history(20)
    assert board(nights, baseline).remarks(INT8) == {0: "epoch 1: the <first>"}
