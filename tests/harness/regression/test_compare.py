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
    SAMPLES,
    block,
    blocks,
    record,
    row,
    with_exact,
    with_times,
    write_night,
)

from harness import cli
from harness.errors import UsageError
from harness.footprint import FAST
from harness.records.record import (
    BoardRow,
    CalibrationRow,
    ProfileRow,
    RunRecord,
    StackRow,
    StimulusRow,
    VariantRow,
)
from harness.records.verdict import SeriesName
from harness.regression.compare import ClipChange, clip_changes, compare, compare_records
from harness.report.comparison_text import as_markdown, as_text

FAULT = {("ds-cnn", "codegen"): "does-not-fit: the image needs more"}


def found_in(base, head):
    comparison = compare(base, head)
    return [(item.name, item.status) for item in comparison.differences], comparison.exit_code


def test_equal_runs_of_two_commits_have_no_difference():
    comparison = compare(BASE, HEAD)
    assert (comparison.differences, comparison.exit_code, comparison.compared) == ((), 0, 4)
    text = "Nothing changed on emulated from bbbbbbbbbb to eeeeeeeeee: all 4 series are the same."
    assert as_text(comparison).split("\n\n")[0] == text
    assert compare(replace(BASE, faults=FAULT), replace(HEAD, faults=FAULT)).exit_code == 0


def test_modeled_times_have_their_error_on_a_real_board():
    assert "modeled. Not calibrated on your board" in as_text(compare(BASE, HEAD))
    row = CalibrationRow("desk", "Nano", "2026-11-01", {"inference": -0.04})
    text = as_markdown(compare(BASE, replace(HEAD, calibrations=(row,))))
    assert "Against desk (Nano), the modeled time of an inference is off by −4.00\xa0%." in text


def test_one_microsecond_of_one_sample_is_a_change():
    other = (*SAMPLES[:-1], SAMPLES[-1] - 1)
    comparison = compare(BASE, with_times(HEAD, {INFERENCE: blocks(other, other, other)}))
    (found,) = comparison.differences
    assert (found.name, found.status, comparison.exit_code) == (INFERENCE, "changed", 3)
    assert found.value - found.reference == pytest.approx(-1 / 50)
    assert found.change == pytest.approx(-1 / 50 / 11_033.5)


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
        (with_exact(HEAD, {FLASH: 36_572}), ([(FLASH, "changed")], 3)),
        (with_exact(HEAD, {CRC: "dead"}), ([(CRC, "changed")], 3)),
        (replace(HEAD, faults=FAULT), ([(BROKEN, "broken")], 4)),
        (with_exact(replace(HEAD, faults=FAULT), {FLASH: 1}), ([(FLASH, "changed"), (BROKEN, "broken")], 3)),
        (with_times(HEAD, {INFERENCE: blocks(SAMPLES, SAMPLES[::-1])}), ([(INFERENCE, "noisy")], 5)),
        (with_times(HEAD, {INFERENCE: blocks(SAMPLES[:5])}), ([(INFERENCE, "broken")], 4)),
    ],
)
def test_statuses_and_exit_codes(head, expected):
    assert found_in(BASE, head) == expected


def test_series_of_a_broken_variant_are_not_listed_as_missing():
    fault = {("tiny", "codegen"): "build: no such operator."}
    head = replace(HEAD, times={}, exact={FLASH: HEAD.exact[FLASH]}, faults=fault)
    assert [item.sentence for item in compare(BASE, head).differences] == ["build: no such operator"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modeled": False, "board": "nano33ble"}, "nano33ble is a real board"),
        ({"uid": "emulated-cycles2"}, "board went from emulated-cycles1 to emulated-cycles2"),
        ({"environment": {}}, "compiler went from 12.2.1 to nothing"),
        ({"procedure": 2}, "procedure went from 1 to 2"),
        ({"environment": {**BASE.environment, "footprint": "small"}}, "footprint went from fast to small"),
        ({"fault": "upload: qemu is not installed."}, "this run broke: upload: qemu is not installed"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        compare(BASE, replace(HEAD, **changes))


def test_a_default_that_a_summary_leaves_out_is_equal_to_its_value():
    spelled = replace(HEAD, environment={**HEAD.environment, "footprint": FAST})
    assert compare(BASE, spelled).differences == ()


def test_series_that_only_one_run_has_are_counted_among_all():
    text = as_text(compare(BASE, replace(HEAD, times={}, exact={FLASH: 36_576}))).replace("\n", " ")
    assert "of 4 series: 3 missing" in text


PROFILE = SeriesName("tiny", "codegen", "inference_cycles", "profile")


def profiled(cycles: int, *blocks) -> RunRecord:
    stack = StackRow("inference", ["engine_invoke"], cycles)
    return record(*blocks, variants=[row(profile=ProfileRow({"inference": cycles}, [stack], []))])


def test_stages_of_runs_without_blocks_are_compared_in_cycles():
    comparison = compare_records(profiled(358_549), profiled(358_550))
    (found,) = comparison.differences
    assert (found.name, found.reference, found.value) == (PROFILE, 358_549, 358_550)
    assert "compared by the cycles of the profile" in as_text(comparison).replace("\n", " ")
    assert compare_records(profiled(358_549), profiled(358_549)).exit_code == 0


def test_a_night_and_a_run_are_compared_by_what_both_measure():
    night = profiled(358_549, block(11_000, checks={"features_crc": "0badcafe"}))
    assert compare_records(night, profiled(358_549)).differences == ()
    assert [one.name for one in compare_records(night, profiled(358_550)).differences] == [PROFILE]


def test_two_nights_are_compared_by_their_blocks():
    nights = profiled(358_549, block(11_000)), profiled(358_550, block(11_001))
    assert [one.name for one in compare_records(*nights).differences] == [INFERENCE]


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


def test_markdown_is_escaped():
    page = as_markdown(compare(BASE, with_exact(HEAD, {CRC: "a|b\nc <script>"})))
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {CRC}".replace("_", r"\_"))]
    assert r"a\|b<br>c \<script\>" in row
    assert "<script>" not in page
    assert '`earshot baseline accept --board emulated --reason "…"`' in page


@pytest.fixture
def base_folder(tmp_path):
    return write_night(tmp_path / "base", 0)


@pytest.fixture
def head_folder(tmp_path):
    return write_night(tmp_path / "head", 1, inference_us=11_157)


def test_a_change_is_printed_and_sets_the_exit_code(base_folder, head_folder, tmp_path, capsys):
    assert cli.main(["compare", str(base_folder), str(write_night(tmp_path / "equal", 1))]) == 0
    assert cli.main(["compare", str(base_folder), str(head_folder)]) == 3
    text = capsys.readouterr().out.replace("\n", " ")
    assert f"{INFERENCE} went from 11,000 µs to 11,157 µs (+157, +1.43\u00a0%)" in text


def test_markdown_is_appended_to_a_file_or_printed(base_folder, head_folder, tmp_path, capsys):
    summary = tmp_path / "summary.md"
    summary.write_text("# Before\n")
    assert cli.main(["compare", str(base_folder), str(head_folder), "--markdown", str(summary)]) == 3
    assert summary.read_text().startswith("# Before\n# Earshot on the emulated board\n")
    assert r"| tiny/codegen/inference\_us/clip | changed | 11,000 µs | 11,157 µs |" in summary.read_text()
    capsys.readouterr()
    assert cli.main(["compare", str(base_folder), str(head_folder / "run.json"), "--markdown", "-"]) == 3
    assert capsys.readouterr().out.startswith("# Earshot on the emulated board\n")


@pytest.mark.parametrize(
    ("name", "old", "message"),
    [("run.partial.json", "36000", "did not end"), ("run.json", "35000", "checksum"), ("none", "", "2026")],
)
def test_an_unusable_run_is_refused(base_folder, head_folder, capsys, name, old, message):
    text = (head_folder / "run.json").read_text()
    (head_folder / "run.json").unlink()
    (head_folder / name).write_text(text.replace("36000", old))
    assert cli.main(["compare", str(base_folder), str(head_folder)]) == 2
    assert message in capsys.readouterr().err
