"""What a comparison says to people."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gated_nights import BASE, CRC, FLASH, HEAD, INFERENCE, SAMPLES, blocks, with_times

from harness.regression.compare import ClipChange, compare
from harness.report.comparison_text import as_markdown, as_text

SLOWER = compare(BASE, with_times(HEAD, inference=blocks(*[tuple(value + 157.0 for value in SAMPLES)] * 3)))


def test_the_same_is_one_sentence():
    said = "Nothing changed on emulated from bbbbbbbbbb to eeeeeeeeee: all 4 series are the same."
    assert as_text(compare(BASE, HEAD)) == said


def test_the_gravest_change_stands_in_the_sentence_with_its_series():
    said = as_text(SLOWER).split("\n\n")[0].replace("\n", " ")
    assert "of 4 series: 1 changed." in said
    assert f"{INFERENCE} went from 11,033.5 µs to 11,190.5 µs (+157, +1.423%)." in said


def test_the_table_has_a_line_for_each_difference():
    said = as_text(compare(BASE, replace(HEAD, exact={**HEAD.exact, FLASH: 36_580, CRC: "x"})))
    lines = said.split("\n\n")[1].splitlines()
    assert lines[0].split() == ["Series", "Status", "Before", "After", "By", "Share"]
    assert lines[1].split()[:2] == [str(FLASH), "changed"]
    assert lines[2].split()[:2] == [str(CRC), "changed"]


def test_markdown_is_a_table_that_nothing_breaks():
    page = as_markdown(compare(BASE, replace(HEAD, exact={**HEAD.exact, CRC: "a|b\nc <script>"})))
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {CRC}".replace("_", r"\_"))]
    assert r"a\|b<br>c \<script\>" in row
    assert "<script>" not in page


def test_a_change_comes_with_the_command_that_accepts_it():
    for said in (as_text(SLOWER), as_markdown(SLOWER)):
        assert '`earshot baseline accept --board emulated --reason "…"`' in said.replace("\n", " ")


def test_long_texts_are_shown_where_they_part():
    texts = {"then": "a" * 200 + "left" + "b" * 200, "now": "a" * 200 + "right" + "b" * 200}
    base = replace(BASE, exact={**BASE.exact, CRC: texts["then"]})
    head = replace(HEAD, exact={**HEAD.exact, CRC: texts["now"]})
    said = as_text(compare(base, head))
    assert f"…{'a' * 20}left" in said and f"…{'a' * 20}right" in said


def test_records_without_blocks_are_told_to_have_no_times():
    assert "Times were not compared" in as_text(compare(replace(BASE, times={}), replace(HEAD, times={})))
    assert "Times were not compared" not in as_text(compare(BASE, HEAD))


@pytest.mark.parametrize("which", [0, 1])
def test_a_tree_with_changes_of_its_own_is_told(which):
    nights = [BASE, HEAD]
    nights[which] = replace(nights[which], dirty=True)
    assert "uncommitted changes" in as_text(compare(*nights)).replace("\n", " ")


def test_clips_that_were_lost_and_gained_are_named():
    change = ClipChange("tiny", "codegen", ("yes/a.wav", "no/b.wav"), ("yes/c.wav",))
    said = as_text(replace(SLOWER, clips=(change,))).replace("\n", " ")
    assert "Clips of tiny (codegen): lost yes/a.wav, no/b.wav; gained yes/c.wav." in said


def test_of_many_lost_clips_the_first_ten_are_named():
    change = ClipChange("tiny", "codegen", tuple(f"{number}.wav" for number in range(13)), ())
    said = as_text(replace(SLOWER, clips=(change,))).replace("\n", " ")
    assert "9.wav and 3 more." in said
    assert "10.wav" not in said
