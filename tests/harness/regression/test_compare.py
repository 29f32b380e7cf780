from __future__ import annotations

from dataclasses import replace

import pytest
from made_runs import (
    BASE,
    CRC,
    FLASH,
    HASH,
    HEAD,
    INFERENCE,
    LISTENING,
    SAMPLES,
    blocks,
    with_exact,
    with_times,
)

from harness.errors import UsageError
from harness.records.record import BoardRow, RunRecord, StimulusRow, VariantRow
from harness.records.verdict import SeriesName
from harness.regression.compare import ClipChange, clip_changes, compare
from harness.report.comparison_text import as_markdown, as_text

FAULT = {("ds-cnn", "codegen"): "does-not-fit: the image needs more"}


def later(by: float):
    return blocks(*[tuple(value + by for value in SAMPLES)] * 3)


def found_in(base, head):
    comparison = compare(base, head)
    return [(item.name, item.status) for item in comparison.differences], comparison.exit_code


def test_equal_runs_of_two_commits_have_no_difference():
    comparison = compare(BASE, HEAD)
    assert (comparison.differences, comparison.exit_code, comparison.compared) == ((), 0, 4)
    text = "Nothing changed on emulated from bbbbbbbbbb to eeeeeeeeee: all 4 series are the same."
    assert as_text(comparison) == text


@pytest.mark.parametrize("step", [1.0, -1.0])
def test_one_microsecond_of_one_sample_is_a_change(step):
    other = (*SAMPLES[:-1], SAMPLES[-1] + step)
    comparison = compare(BASE, with_times(HEAD, {INFERENCE: blocks(other, other, other)}))
    (found,) = comparison.differences
    assert (found.name, found.status, comparison.exit_code) == (INFERENCE, "changed", 3)
    assert found.by == pytest.approx(step / 50)
    assert found.share == pytest.approx(step / 50 / 11_033.5)


@pytest.mark.parametrize(
    ("name", "value", "by"), [(FLASH, 36_580, 4), (FLASH, 36_572, -4), (CRC, "dead", None)]
)
def test_a_changed_size_or_checksum_is_a_change(name, value, by):
    (found,) = compare(BASE, with_exact(HEAD, {name: value})).differences
    assert (found.name, found.status, found.by) == (name, "changed", by)


def test_times_come_first_by_microseconds():
    short = SeriesName("tiny", "codegen", "postprocess_us", "pcm")
    base = with_times(BASE, {short: blocks((4.0,) * 50)})
    slower = {INFERENCE: later(1), LISTENING: later(9), short: blocks((4.5,) * 50)}
    head = with_exact(replace(HEAD, times={**base.times, **slower}), {FLASH: 40_000})
    assert [item.name for item in compare(base, head).differences] == [LISTENING, INFERENCE, short, FLASH]


def test_hashes_are_compared_between_clean_runs_of_one_commit():
    assert HASH not in [item.name for item in compare(BASE, HEAD).differences]
    rebuilt = with_exact(replace(BASE, id="again"), {HASH: "f" * 40})
    assert [item.name for item in compare(BASE, rebuilt).differences] == [HASH]
    assert compare(BASE, replace(rebuilt, dirty=True)).differences == ()


ADDED = SeriesName("tiny-int4", "codegen", "flash_bytes", "-")
BROKEN = SeriesName("ds-cnn", "codegen", "-", "-")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (with_exact(HEAD, {ADDED: 1}), ([(ADDED, "new")], 0)),
        (replace(HEAD, exact={CRC: HEAD.exact[CRC]}), ([(FLASH, "missing")], 3)),
        (replace(HEAD, faults=FAULT), ([(BROKEN, "broken")], 4)),
        (with_exact(replace(HEAD, faults=FAULT), {FLASH: 1}), ([(FLASH, "changed"), (BROKEN, "broken")], 3)),
        (with_times(HEAD, {INFERENCE: blocks(SAMPLES, SAMPLES[::-1])}), ([(INFERENCE, "noisy")], 5)),
        (with_times(HEAD, {INFERENCE: blocks(SAMPLES[:5])}), ([(INFERENCE, "broken")], 4)),
    ],
)
def test_statuses_and_exit_codes(head, expected):
    assert found_in(BASE, head) == expected


def test_a_fault_of_both_runs_is_not_a_difference():
    assert compare(replace(BASE, faults=FAULT), replace(HEAD, faults=FAULT)).exit_code == 0


def test_series_of_a_broken_variant_are_not_listed_as_missing():
    fault = {("tiny", "codegen"): "build: no such operator."}
    head = replace(HEAD, times={}, exact={FLASH: HEAD.exact[FLASH]}, faults=fault)
    assert [item.reason for item in compare(BASE, head).differences] == ["build: no such operator"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modeled": False, "board": "nano33ble"}, "nano33ble is a real board"),
        ({"uid": "emulated-cycles2"}, "board went from emulated-cycles1 to emulated-cycles2"),
        ({"environment": {}}, "compiler went from 12.2.1 to nothing"),
        ({"procedure": 2}, "procedure went from 1 to 2"),
        ({"fault": "upload: qemu is not installed."}, "this run broke: upload: qemu is not installed"),
        ({"times": {}, "exact": {}}, "no series in common"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        compare(BASE, replace(HEAD, **changes))


def clips(**correct: str) -> RunRecord:
    """Variants by id, with a + or - for each of the clips a.wav, b.wav, …: correct or not."""
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
        for name, marks in correct.items()
    ]
    board = BoardRow("emulated", "emulated-1", "Emulated", 64_000_000, "modeled cycles", 1, 1)
    return RunRecord(run={}, code={}, environment={}, board=board, variants=rows)


def test_lost_and_gained_clips_are_listed_for_variants_with_the_same_clips():
    before = clips(tiny="++-+", same="+-", fewer="+-", gone="+")
    after = clips(tiny="-++-", same="+-", fewer="+--", new="-")
    change = ClipChange("tiny", "", lost=("a.wav", "d.wav"), gained=("c.wav",))
    assert clip_changes(before, after) == (change,)


SLOWER = compare(BASE, with_times(HEAD, {INFERENCE: later(157)}))


def test_the_headline_has_the_gravest_change():
    text = as_text(SLOWER).split("\n\n")[0].replace("\n", " ")
    assert "of 4 series: 1 changed." in text
    assert f"{INFERENCE} went from 11,033.5 µs to 11,190.5 µs (+157, +1.423%)." in text


def test_the_table_has_a_line_for_each_difference():
    text = as_text(compare(BASE, with_exact(HEAD, {FLASH: 36_580, CRC: "x"})))
    lines = text.split("\n\n")[1].splitlines()
    assert lines[0].split() == ["Series", "Status", "Before", "After", "By", "Share"]
    assert [line.split()[:2] for line in lines[1:]] == [[str(FLASH), "changed"], [str(CRC), "changed"]]


def test_markdown_is_escaped():
    page = as_markdown(compare(BASE, with_exact(HEAD, {CRC: "a|b\nc <script>"})))
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {CRC}".replace("_", r"\_"))]
    assert r"a\|b<br>c \<script\>" in row
    assert "<script>" not in page
    assert '`earshot baseline accept --board emulated --reason "…"`' in page


def test_long_texts_are_cut_before_their_first_difference():
    base = with_exact(BASE, {CRC: "a" * 200 + "left" + "b" * 200})
    text = as_text(compare(base, with_exact(HEAD, {CRC: "a" * 200 + "right" + "b" * 200})))
    assert f"…{'a' * 20}left" in text and f"…{'a' * 20}right" in text


def test_remarks():
    untimed = as_text(compare(replace(BASE, times={}), replace(HEAD, times={}, dirty=True))).replace(
        "\n", " "
    )
    assert "Times were not compared" in untimed and "uncommitted changes" in untimed
    change = ClipChange("tiny", "codegen", tuple(f"{number}.wav" for number in range(13)), ("c.wav",))
    text = as_text(replace(SLOWER, clips=(change,))).replace("\n", " ")
    assert "Clips of tiny (codegen): lost 0.wav, 1.wav" in text
    assert "9.wav and 3 more; gained c.wav." in text
