import re

import numpy as np
import pytest

from harness.records.verdict import STATUSES
from harness.report.history.paths import SHAPES, area, line, mark, specks, steps, thinned

NAN = float("nan")


def test_a_line_is_interrupted_where_there_is_no_value():
    assert line(np.arange(5.0), np.array([1.0, 2.0, NAN, 3.0, 4.0])) == "M0 1L1 2M3 3L4 4"


def test_a_line_of_nothing_is_nothing():
    assert line(np.arange(2.0), np.array([NAN, NAN])) == ""


def test_an_area_goes_there_and_back():
    drawn = area(np.array([0.0, 1.0]), np.array([4.0, 5.0]), np.array([1.0, 2.0]))
    assert drawn == "M0 1L1 2L1 5L0 4Z"


def test_each_stretch_of_an_area_is_closed_and_a_single_night_has_a_width():
    low = np.array([4.0, 4.0, NAN, 4.0])
    drawn = area(np.array([0.0, 1.0, 2.0, 3.0]), low, low - 2)
    assert drawn.count("Z") == 2
    assert "M2 2L4 2" in drawn


def test_steps_are_level_for_as_long_as_a_value_lasts():
    y = np.array([5.0, 5.0, 9.0, NAN, 9.0])
    assert steps(np.arange(5.0), y) == "M-0.5 5.0H1.5L1.5 9.0H2.5M3.5 9.0H4.5"


def test_no_steps_of_nothing():
    assert steps(np.zeros(0), np.zeros(0)) == ""


def test_points_on_one_pixel_are_drawn_once():
    assert specks(np.array([1.0, 1.1, 7.0]), np.array([2.0, 2.1, NAN])) == "M1 2h0"


def test_a_thinned_line_keeps_lowest_and_highest_of_each_column():
    values = np.random.default_rng(1).normal(size=3_650)
    values[1_234] = 9.0
    x, y = thinned(np.arange(3_650.0), values, 100)
    assert x.size == y.size == 200
    assert y.max() == 9.0
    assert y.min() == values.min()
    assert (np.diff(x) >= 0).all()


def test_a_thinned_line_stays_interrupted():
    values = np.ones(1_000)
    values[300:400] = NAN
    assert np.isnan(thinned(np.arange(1_000.0), values, 100)[1]).sum() == 20


def test_a_short_line_is_not_thinned():
    x = np.arange(10.0)
    assert thinned(x, x, 5)[0] is x


@pytest.mark.parametrize("status", [*STATUSES, ""])
def test_every_status_has_a_mark_around_its_point(status):
    drawn = mark(status, 50, 60, 4)
    start = re.match(r"M([\d.]+) ([\d.]+)", drawn)
    assert abs(float(start[1]) - 50) <= 6
    assert abs(float(start[2]) - 60) <= 6
    assert SHAPES[status]


def test_worse_and_better_do_not_differ_by_color_alone():
    assert mark("regressed", 0, 0, 4) != mark("improved", 0, 0, 4)
