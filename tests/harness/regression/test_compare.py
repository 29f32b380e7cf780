"""Two nights of the emulated board: every figure that is not the same is told, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gated_nights import BASE, CRC, FLASH, HASH, HEAD, HEARD, INFERENCE, SAMPLES, blocks, with_times

from harness.errors import UsageError
from harness.records.verdict import SeriesName
from harness.regression.compare import compare


def test_nights_of_two_commits_with_the_same_figures_say_nothing():
    comparison = compare(BASE, HEAD)
    assert (comparison.differences, comparison.exit_code, comparison.compared) == ((), 0, 4)


@pytest.mark.parametrize("step", [1.0, -1.0])
def test_one_microsecond_of_one_sample_is_a_change_in_both_directions(step):
    other = (*SAMPLES[:-1], SAMPLES[-1] + step)
    comparison = compare(BASE, with_times(HEAD, inference=blocks(other, other, other)))
    (found,) = comparison.differences
    assert (found.name, found.status, comparison.exit_code) == (INFERENCE, "changed", 3)
    assert found.by == pytest.approx(step / 50)
    assert found.share == pytest.approx(step / 50 / 11_033.5)


@pytest.mark.parametrize("step", [4, -4])
def test_a_size_that_changed_is_a_change_in_both_directions(step):
    comparison = compare(BASE, replace(HEAD, exact={**HEAD.exact, FLASH: 36_576 + step}))
    (found,) = comparison.differences
    assert (found.name, found.by, comparison.exit_code) == (FLASH, step, 3)


def test_a_checksum_that_changed_has_no_amount():
    (found,) = compare(BASE, replace(HEAD, exact={**HEAD.exact, CRC: "deadbeef"})).differences
    assert (found.name, found.status, found.by, found.share) == (CRC, "changed", None, None)


def test_the_largest_change_comes_first():
    slower = {
        "inference": blocks(tuple(value + 1 for value in SAMPLES)),
        "heard": blocks(tuple(value + 9 for value in SAMPLES)),
    }
    found = compare(BASE, with_times(HEAD, **slower)).differences
    assert [item.name for item in found] == [HEARD, INFERENCE]


def test_a_long_stage_comes_before_a_larger_share_of_a_short_one_and_before_sizes():
    short = SeriesName("tinyconv-int8", "codegen", "postprocess_us", "pcm")
    base = replace(BASE, times={**BASE.times, short: blocks((4.0,) * 50)})
    slower = {INFERENCE: blocks(tuple(value + 9 for value in SAMPLES)), short: blocks((5.0,) * 50)}
    head = replace(HEAD, times={**base.times, **slower}, exact={**HEAD.exact, FLASH: 40_000})
    assert [item.name for item in compare(base, head).differences] == [INFERENCE, short, FLASH]


def test_a_hash_is_of_one_commit():
    assert HASH not in [item.name for item in compare(BASE, HEAD).differences]
    rebuilt = replace(BASE, id="again", exact={**BASE.exact, HASH: "f" * 40})
    assert [item.name for item in compare(BASE, rebuilt).differences] == [HASH]
    assert compare(BASE, replace(rebuilt, dirty=True)).differences == ()


def test_what_is_new_is_told_and_is_no_change():
    added = SeriesName("tinyconv-int4", "codegen", "flash_bytes", "-")
    comparison = compare(BASE, replace(HEAD, exact={**HEAD.exact, added: 1}))
    assert [(item.name, item.status) for item in comparison.differences] == [(added, "new")]
    assert comparison.exit_code == 0


def test_what_is_gone_is_a_change():
    comparison = compare(BASE, replace(HEAD, exact={CRC: HEAD.exact[CRC]}))
    assert [(item.name, item.status) for item in comparison.differences] == [(FLASH, "missing")]
    assert comparison.exit_code == 3


def test_a_variant_that_broke_is_told_once_with_its_reason():
    fault = {("tinyconv-int8", "codegen"): "build: no such operator."}
    head = replace(HEAD, times={}, exact={FLASH: HEAD.exact[FLASH]}, faults=fault)
    comparison = compare(BASE, head)
    assert [(item.status, item.reason) for item in comparison.differences] == [
        ("broken", "build: no such operator")
    ]
    assert comparison.exit_code == 4


def test_a_fault_that_both_have_is_no_difference():
    fault = {("ds-cnn-float32", "codegen"): "does-not-fit: the image needs more"}
    assert compare(replace(BASE, faults=fault), replace(HEAD, faults=fault)).exit_code == 0


def test_a_change_is_graver_than_what_broke():
    fault = {("ds-cnn-float32", "codegen"): "does-not-fit: the image needs more"}
    assert compare(BASE, replace(HEAD, exact={**HEAD.exact, FLASH: 1}, faults=fault)).exit_code == 3


@pytest.mark.parametrize("which", ["base", "head"])
def test_blocks_that_differ_are_undecided(which):
    shaken = blocks(SAMPLES, SAMPLES[::-1], SAMPLES)
    nights = {"base": BASE, "head": HEAD}
    nights[which] = with_times(nights[which], inference=shaken)
    comparison = compare(**nights)
    assert [(item.name, item.status) for item in comparison.differences] == [(INFERENCE, "noisy")]
    assert comparison.exit_code == 5


def test_lost_records_are_broken():
    comparison = compare(BASE, with_times(HEAD, inference=blocks(SAMPLES[:5])))
    assert [(item.name, item.status) for item in comparison.differences] == [(INFERENCE, "broken")]
    assert "5 of 50 samples arrived" in comparison.differences[0].reason
    assert comparison.exit_code == 4


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"modeled": False, "board": "nano33ble"}, "nano33ble is a real board"),
        ({"uid": "emulated-cycles2"}, "board went from emulated-cycles1 to emulated-cycles2"),
        ({"environment": {"compiler": "13.1"}}, "compiler went from 12.2.1 to 13.1"),
        ({"environment": {}}, "compiler went from 12.2.1 to nothing"),
        ({"procedure": 2}, "procedure went from 1 to 2"),
        ({"fault": "upload: qemu is not installed."}, "this run broke: upload: qemu is not installed"),
        ({"times": {}, "exact": {}}, "no series in common"),
    ],
)
def test_nights_that_cannot_be_compared_are_refused_with_a_sentence(changes, told):
    with pytest.raises(UsageError, match=told):
        compare(BASE, replace(HEAD, **changes))


def test_a_base_of_a_real_board_is_refused_as_well():
    with pytest.raises(UsageError, match="nano33ble is a real board"):
        compare(replace(BASE, modeled=False, board="nano33ble"), HEAD)
