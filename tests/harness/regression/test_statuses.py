"""Exit codes of nights: which status ends a command how, and which one wins."""

from __future__ import annotations

import pytest
from made_nights import INT8

from harness.records.verdict import STATUSES, SeriesVerdict, exit_code

CODES = {
    "ok": 0,
    "new": 0,
    "improved": 0,
    "regressed": 3,
    "changed": 3,
    "broken": 4,
    "missing": 4,
    "suspect": 5,
    "noisy": 5,
    "canary-moved": 5,
    "env-changed": 5,
}


def verdict(status, advisory=False):
    return SeriesVerdict(str(INT8), status, "A sentence.", advisory)


@pytest.mark.parametrize("status", STATUSES)
def test_the_exit_code_of_a_status(status):
    assert exit_code((verdict("ok"), verdict(status)), dirty=False) == CODES[status]


@pytest.mark.parametrize(
    ("both", "expected"),
    [(("regressed", "broken"), 3), (("broken", "suspect"), 4), (("suspect", "improved"), 5)],
)
def test_the_gravest_wins(both, expected):
    assert exit_code(tuple(map(verdict, both)), dirty=False) == expected


@pytest.mark.parametrize(
    ("status", "expected"), [("regressed", 0), ("suspect", 0), ("broken", 4), ("noisy", 5)]
)
def test_what_is_advisory_does_not_gate(status, expected):
    assert exit_code((verdict(status, advisory=True),), dirty=False) == expected


def test_a_dirty_tree_is_neither_clean_nor_regressed():
    assert exit_code((verdict("changed", advisory=True),), dirty=True) == 5
    assert exit_code((verdict("ok", advisory=True),), dirty=True) == 0
