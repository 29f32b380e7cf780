"""`earshot energy` with the real sketch: the log of its pins drives the current and the inputs of a kit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_ppk2 import AMPERES, STAGE_PINS, VOLTS, FakePpk2, PinPlay
from rehearsal.board_process import PIN_LOG
from small_models import classifier

from harness.boards.qemu.machine import CLOCK_HZ, PIN_CHANGE
from harness.measure import energy, mlperf
from harness.meters.trace import SAMPLE

pytestmark = pytest.mark.slow

STAGES = {"preprocess": 1, "inference": 3, "postprocess": 2}
SECONDS = 2
SHORTEST_S = 200e-6


@pytest.fixture
def logging_bench(quiet_bench):
    (quiet_bench.state / PIN_LOG).touch()
    return quiet_bench


@pytest.fixture
def desk(trained, logging_bench):
    return logging_bench


def measure(desk, output, *arguments, inputs=(0, 1, 2, 3), **fake):
    with FakePpk2(PinPlay(desk.state / PIN_LOG, inputs), **fake) as kit:
        desk.write_bench_file(meter={"kind": "ppk2", "port": str(kit.port)})
        return desk.earshot_here(
            *(
                "energy",
                "tinyconv-int8",
                "--bench",
                str(desk.file),
                "--board",
                "desk",
                "--output",
                str(output),
            ),
            *("--seconds", str(SECONDS), *arguments),
        )


def truth(log: Path) -> list[tuple[int, float]]:
    """Return value and length in s of each time that the pins were raised."""
    changes = np.fromfile(log, PIN_CHANGE)
    levels, values = [0, 0, 0, 0], []
    for _, pin, is_high in changes.tolist():
        levels[pin] = is_high
        values.append(sum(levels[pin] << n for n, pin in enumerate(STAGE_PINS)))
    lengths = np.diff(changes["cycles"].astype(np.int64)) / CLOCK_HZ
    return [(value, length) for value, length in zip(values, lengths.tolist(), strict=False) if value]


def shown(file: Path) -> list[tuple[int, float]]:
    """Return value and length in s of each time that the meter's inputs show a stage."""
    logic = np.fromfile(file, SAMPLE)["logic"] & 3
    begins = np.flatnonzero(np.diff(logic, prepend=0))
    lengths = np.diff(begins) / 100_000
    return [(int(logic[n]), length) for n, length in zip(begins, lengths.tolist(), strict=False) if logic[n]]


def test_energy_falls_to_the_stages_as_the_board_ran_them(desk, tmp_path):
    answer = measure(desk, tmp_path)
    assert answer.returncode == 0, answer.stderr
    true, found = truth(desk.state / PIN_LOG), shown(tmp_path / "tinyconv-int8" / "samples")
    # The recognizer takes less than one sample, and the front end two or three on some buffers of sound.
    long_true, long_found = ([one for one in spans if one[1] > SHORTEST_S] for spans in (true, found))
    assert [stage for stage, _ in long_found] == [stage for stage, _ in long_true]
    assert [length for _, length in long_found] == pytest.approx(
        [length for _, length in long_true], abs=20e-6
    )
    table = pd.read_csv(tmp_path / "tinyconv-int8" / "stages.csv").set_index("stage")
    inferences = sum(stage == STAGES["inference"] for stage, _ in true)
    assert table.times["inference"] == inferences > 50
    for stage in ("preprocess", "inference"):
        seconds = sum(length for other, length in true if other == STAGES[stage])
        joules = VOLTS * AMPERES[STAGES[stage]] * seconds / inferences
        assert table.per_inference_joules[stage] == pytest.approx(joules, rel=0.005)
    assert table.note["postprocess"].startswith("shorter than two samples, 20.0")


def check_refused(answer, what, output):
    """Check that the answer is one sentence, without any figure; the samples stay."""
    assert answer.returncode == 4
    assert what in answer.stderr
    assert "Energy" not in answer.stdout
    assert not list(output.rglob("*.csv"))
    assert (output / "tinyconv-int8" / "samples").stat().st_size > 0


def test_swapped_stage_pins_are_told(desk, tmp_path):
    answer = measure(desk, tmp_path, inputs=(0, 2, 1, 3))
    check_refused(answer, "inputs 0 and 1 show the stages backwards: the stage pins are swapped", tmp_path)


def test_a_stage_pin_without_a_wire_is_told(desk, tmp_path):
    answer = measure(desk, tmp_path, inputs=(0, 1, 0, 1))
    check_refused(answer, "a stage pin is not wired", tmp_path)


def test_a_meter_that_measures_something_else_is_told(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "BURST_S", 0.2)
    answer = measure(desk, tmp_path, "--no-stages")  # the image leaves the pins alone, and so the current
    check_refused(answer, "mW while the device infers: the meter measures something else", tmp_path)


def test_a_meter_that_is_unplugged_ends_the_measurement(desk, tmp_path):
    check_refused(measure(desk, tmp_path, unplug_at=150_000), "unplugged while it measured", tmp_path)


def test_samples_that_are_lost_end_the_measurement(desk, tmp_path):
    answer = measure(desk, tmp_path, drop=range(150_000, 150_007))
    check_refused(answer, "samples were lost", tmp_path)


LABELS = ("silence", "unknown", "yes", "no")


def benchmark(desk, output, monkeypatch, inputs=(0, 1, 2, 3)):
    monkeypatch.setattr(mlperf, "SHORTEST_S", 0.3)
    model = classifier(output / "small.tflite", 1960, 64)
    with FakePpk2(PinPlay(desk.state / PIN_LOG, inputs, idle=1)) as kit:
        desk.write_bench_file(meter={"kind": "ppk2", "port": str(kit.port)})
        return desk.earshot_here(
            *("mlperf", str(model), "--labels", ",".join(LABELS), "--energy", "--bench", str(desk.file)),
            *("--board", "desk", "--output", str(output)),
        )


def test_the_benchmarks_energy_is_between_its_timestamps(logging_bench, tmp_path, monkeypatch):
    answer = benchmark(logging_bench, tmp_path, monkeypatch)
    assert answer.returncode == 0, answer.stderr
    (file,) = tmp_path.glob("*/mlperf.json")
    windows = json.loads(file.read_text())["windows"]
    assert len(windows) == 5
    # The pulses of the last windows: each has two, and none comes after the last one.
    changes = np.fromfile(logging_bench.state / PIN_LOG, PIN_CHANGE)
    falls = changes["cycles"][changes["is_high"] == 0][-10:].astype(np.int64)
    for window, (begin, end) in zip(windows, falls.reshape(5, 2) / CLOCK_HZ, strict=True):
        assert window["taken_us"] / 1e6 == pytest.approx(end - begin, abs=20e-6)
        pulse = 50e-6 * (AMPERES[1] - AMPERES[0])
        assert window["joules"] == pytest.approx(VOLTS * (AMPERES[1] * (end - begin) - pulse), rel=0.005)
        assert window["invocations"] >= 70
    assert "by the rules of the benchmark's energy mode" in answer.stdout


def test_a_timestamp_pin_without_a_wire_is_told(logging_bench, tmp_path, monkeypatch):
    answer = benchmark(logging_bench, tmp_path, monkeypatch, inputs=(0, 0, 2, 2))
    assert answer.returncode == 4
    assert "input 0 shows 0 of the two timestamps" in answer.stderr
    assert not list(tmp_path.glob("*/mlperf.json"))
