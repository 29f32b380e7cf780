"""The promised error rates of the rule, on made-up noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from benchmarks import simulation
from made_nights import accepted, night, time_of

from harness.records.verdict import SeriesName
from harness.regression.verdict import judge


def test_at_most_one_night_in_200_has_a_false_alarm():
    regressed, improved = simulation.false_alarms(nights=1000)
    assert regressed <= 5 and improved <= 5


def test_a_slowdown_of_2_percent_is_found_the_same_night():
    assert simulation.power(0.02, trials=300) >= 0.95
    assert simulation.power(0.0, trials=100) == 0
    assert simulation.power(0.02, trials=100, night_sd=0.004) < 0.9


def test_a_creep_is_found_within_15_nights():
    assert np.mean(simulation.creep(0.001, trials=50) <= 15) >= 0.95


def test_judged_nights_agree_with_the_simulation():
    names = [SeriesName(f"variant-{index:02}", "codegen", "inference_us", "clip") for index in range(30)]
    noise = np.random.default_rng(7)

    def measured_night(index, slower=0.0):
        times = simulation.TYPICAL_US * np.exp(noise.normal(0, 0.002, 30))
        times[4] *= 1 + slower
        made = {name: time_of(value) for name, value in zip(names, times, strict=True)}
        return night(index, times=made, exact={})

    for _ in range(3):
        nights = [measured_night(index) for index in range(14)]
        tonight, second = measured_night(14, 0.02), measured_night(14, 0.02)
        verdict = judge(replace(tonight, confirmations=second.times), nights, accepted(nights))
        assert {item.name for item in verdict.series if item.status == "regressed"} == {names[4]}
