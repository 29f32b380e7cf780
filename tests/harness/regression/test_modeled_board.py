from __future__ import annotations

from dataclasses import replace

import pytest
from made_nights import AT, FLASH, INT8, accepted, canary, night, of, verdict_on

from harness.regression.acceptance import accept
from harness.regression.series import Block, measured
from harness.regression.verdict import judge

SAMPLES = tuple(float(33_000 + index % 7) for index in range(50))


def modeled(index: int, samples=SAMPLES, blocks=3, **changes):
    made = measured([Block(tuple(samples), 50)] * blocks, "a")
    changes = {"times": {INT8: made}, "canary": canary(4_999.5), **changes}
    return night(index, modeled=True, board="emulated", uid="emulated-1", **changes)


@pytest.fixture
def nights():
    return [modeled(index) for index in range(3)]


@pytest.fixture
def baseline(nights):
    return accepted(nights)


def test_an_equal_night_is_ok_from_the_first_night_on():
    verdict = judge(modeled(1), [modeled(0)], accepted([modeled(0)]))
    assert (of(INT8, verdict).status, of(INT8, verdict).advisory, verdict.exit_code) == ("ok", False, 0)


@pytest.mark.parametrize("step", [1, -1])
def test_one_microsecond_of_one_sample_is_a_change(nights, baseline, step):
    verdict = judge(modeled(3, (*SAMPLES[:-1], SAMPLES[-1] + step)), nights, baseline)
    found = of(INT8, verdict)
    assert (found.status, verdict.exit_code) == ("changed", 3)
    assert f"({'+' if step > 0 else '-'}0.02" in found.sentence
    assert str(INT8) in verdict.sentence


def test_blocks_that_differ_are_noisy(nights, baseline):
    blocks = [Block(SAMPLES, 50), Block(SAMPLES[::-1], 50), Block(SAMPLES, 50)]
    found = verdict_on(modeled(3, times={INT8: measured(blocks, "a")}), nights, baseline)
    assert found.status == "noisy"
    assert "not deterministic" in found.sentence


def test_the_canary_is_exact_too(nights, baseline):
    verdict = judge(modeled(3, canary=canary(4_999.52)), nights, baseline)
    assert of(INT8, verdict).status == "canary-moved"
    assert of(FLASH, verdict).status == "ok"


def test_a_change_is_accepted_for_the_next_night(nights, baseline):
    slower = modeled(3, [sample + 1 for sample in SAMPLES])
    after = accept(baseline, slower, nights, reason="a check that was missing", at=AT)
    assert judge(replace(slower, id="x", digest="x"), [*nights], after).status == "ok"
