"""Rows of the run record."""

from __future__ import annotations

import numpy as np

from harness.link.events import Detection
from harness.records.record import VariantRow
from harness.runs import rows
from harness.sound.stimulus import SpokenWord, Stimulus


def test_detections_have_labels_that_records_cannot_carry():
    stimulus = Stimulus(np.zeros(32_000, np.int16), (SpokenWord("größe", "größe", "g.wav", 8_000, 16_000),))
    row = VariantRow("own", "own", labels=["silence", "größe", "yes"])
    heard = [Detection(0.0, 0, 900, "#1", 230), Detection(0.0, 1, 1900, "yes", 220)]
    found = rows._with_words(row, 0.0, heard, stimulus, 0.5)
    assert [(word.detected, word.correct) for word in found.stimuli] == [("größe", True)]
    assert [accept.label for accept in found.false_accepts] == ["yes"]
