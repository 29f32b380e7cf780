from __future__ import annotations

import pytest

from harness.marks import asks_for


@pytest.mark.parametrize(
    ("expression", "asked"),
    [
        ("", False),
        ("hardware", True),
        ("hardware and not slow", True),
        ("slow or hardware", True),
        ("not (emulated or not hardware)", True),
        ("emulated", False),
        ("not hardware", False),
        ("not hardware and slow", False),
        ("hardware_free", False),
        ("hardware and not hardware", False),
        ("hardware or not hardware", False),
    ],
)
def test_expression_asks_for_a_mark_if_it_selects_tests_for_it(expression, asked):
    assert asks_for("hardware", expression) is asked


def test_invalid_expression_is_refused():
    with pytest.raises(pytest.UsageError, match="hardware or"):
        asks_for("hardware", "hardware or")
