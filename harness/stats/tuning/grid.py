"""Parameters that the search tries."""

from __future__ import annotations

from itertools import product

from harness.recognizer import Recognizer

RULES = (
    *(
        Recognizer("mean", ms, fewest)
        for ms, fewest in product((100, 150, 200, 300, 400, 500, 700, 1000), (3, 1))
    ),
    *(Recognizer("exponential", ms) for ms in (40, 80, 120, 160, 240, 320, 480)),
)
"""Averages, each with every suppression and thresholds by label."""

SUPPRESSIONS_MS = (500, 1000, 1500)
NEVER = 255
"""A threshold that no average exceeds."""
THRESHOLDS = (*range(100, NEVER, 5), NEVER)
