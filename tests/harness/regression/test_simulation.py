"""What the shipped rule is worth: the figures that were promised, on made-up noise."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
from benchmarks import simulation
from made_nights import accepted, night, time_of

from harness.records.verdict import SeriesName
from harness.regression.verdict import judge


def test_at_most_one_night_in_200_has_a_false_alarm():
    alarms = simulation.false_alarms(nights=1000, series=30, night_sd=0.002)
    assert alarms.nights == 1000
    assert alarms.regressed <= 5
    assert alarms.improved <= 5


def test_a_slowdown_of_2_percent_is_found_the_same_night():
    assert simulation.power(0.02, trials=1000, series=30, night_sd=0.002) >= 0.95


def test_without_a_slowdown_nothing_is_found():
    assert simulation.power(0.0, trials=200) == 0


def test_a_creep_is_found_within_15_nights():
    assert np.mean(simulation.creep(0.001, trials=100, series=30, night_sd=0.002) <= 15) >= 0.95


def test_twice_the_noise_costs_power():
    assert simulation.power(0.02, trials=200, night_sd=0.004) < 0.9


def test_whole_nights_are_judged_like_the_simulated_ones():
    names = [SeriesName(f"variant-{index:02}", "codegen", "inference_us", "pcm") for index in range(30)]
    noise = np.random.default_rng(7)

    def measured_night(index, slower=0.0):
        times = simulation.TYPICAL_US * np.exp(noise.normal(0, 0.002, 30))
        times[4] *= 1 + slower
        made = {name: time_of(value) for name, value in zip(names, times, strict=True)}
        return night(index, times=made, exact={})

    for _ in range(5):
        nights = [measured_night(index) for index in range(14)]
        tonight, second = measured_night(14, 0.02), measured_night(14, 0.02)
        verdict = judge(replace(tonight, confirmations=second.times), nights, accepted(nights))
        found = {item.name for item in verdict.series if item.status == "regressed"}
        assert found == {names[4]}


def test_the_published_command_prints_the_table():
    module = [sys.executable, "-m", "benchmarks.simulation"]
    done = subprocess.run(
        [*module, "--benches", "1", "--nights", "10", "--trials", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "0.2%" in done.stdout
