"""The verdict as a paragraph for a chat."""

from __future__ import annotations

from dataclasses import replace

from made_verdicts import night, of_every_status, series

from harness.records.verdict import STATUSES
from harness.runs.nightly.markdown_summary import ROWS, chat


def test_the_verdicts_sentence_comes_first():
    assert chat(of_every_status()).startswith("**Earshot on desk: regressed.** The sentence.")


def test_a_quiet_night_is_one_line():
    text = chat(night(series("ok"), status="ok"))
    assert text.count("\n") == 1
    assert "baseline accept" not in text


def test_the_rows_are_those_that_are_not_as_accepted_the_gravest_first():
    rows = [line for line in chat(of_every_status()).splitlines() if line.startswith("- ")]
    assert [row.split()[1].rstrip(":") for row in rows] == [status for status in STATUSES if status != "ok"]


def test_many_microseconds_come_before_a_large_share_of_a_few():
    stage = replace_name(series("changed", value=4.28, reference=4.04, change=0.06), "short")
    whole = replace_name(series("changed", value=11_157, reference=11_000, change=0.014), "long")
    rows = [
        line for line in chat(night(stage, whole, status="changed")).splitlines() if line.startswith("- ")
    ]
    assert "`long/" in rows[0]


def test_at_most_ten_rows_are_named():
    many = [replace_name(series("changed"), f"m{number}") for number in range(ROWS + 3)]
    rows = [line for line in chat(night(*many, status="changed")).splitlines() if line.startswith("- ")]
    assert len(rows) == ROWS + 1
    assert rows[-1] == "- and 3 more"


def test_a_row_says_from_where_to_where_and_by_how_much():
    text = chat(
        night(series("changed", value=1040, reference=1000, change=0.04), series("new"), status="changed")
    )
    assert "1,000 µs → 1,040 µs (+4.00%)" in text


def test_an_advisory_row_says_so():
    assert "- regressed (advisory): " in chat(night(series("regressed", True), series("ok"), series("noisy")))


def test_the_command_that_accepts_is_there_when_there_is_something_to_accept():
    assert '`earshot baseline accept --board desk --reason "…"`' in chat(night(series("changed")))
    assert "earshot baseline accept" not in chat(night(series("noisy"), status="noisy"))


def test_a_first_night_is_not_a_list_of_news():
    text = chat(night(series("new"), status="new", proposes_epoch=True))
    assert "Nothing was accepted on desk yet" in text
    assert text.count("\n") == 1


def replace_name(item, variant):
    return replace(item, series=f"{variant}/codegen/inference_us/clip")
