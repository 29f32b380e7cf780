"""Clips that were lost and gained between two nights."""

from __future__ import annotations

from harness.records.clips import ClipChange, clip_changes
from harness.records.record import BoardRow, RunRecord, StimulusRow, VariantRow


def night(**right: str) -> RunRecord:
    """Variants by id, with a + or - for each of the clips a.wav, b.wav, …: heard right or not."""
    rows = [
        VariantRow(
            name,
            name,
            ["yes"],
            stimuli=[
                StimulusRow("yes", "yes", f"{chr(97 + index)}.wav", 0.0, 1.0, None, None, None, mark == "+")
                for index, mark in enumerate(marks)
            ],
        )
        for name, marks in right.items()
    ]
    board = BoardRow("emulated", "emulated-1", "Emulated", 64_000_000, "modeled cycles", 1, 1)
    return RunRecord(run={}, code={}, environment={}, board=board, variants=rows)


def test_lost_and_gained_in_the_order_in_which_they_were_played():
    assert clip_changes(night(tiny="++-+"), night(tiny="-++-")) == [
        ClipChange("tiny", "", lost=("a.wav", "d.wav"), gained=("c.wav",))
    ]


def test_a_variant_that_hears_as_before_is_left_out():
    assert clip_changes(night(tiny="+-", other="+-"), night(tiny="+-", other="++")) == [
        ClipChange("other", "", lost=(), gained=("b.wav",))
    ]


def test_a_variant_that_was_given_other_clips_is_not_compared():
    assert clip_changes(night(tiny="+-"), night(tiny="+--")) == []


def test_a_variant_of_one_night_alone_is_not_compared():
    assert clip_changes(night(tiny="+"), night(other="-")) == []
