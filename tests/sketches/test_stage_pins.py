"""The pins that tell a power meter the stage, logged by the emulated board with the cycle of each change."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import pytest
from host_library import STORE, symbols_of
from small_models import classifier

from harness.boards.emulated import EmulatedBoard
from harness.boards.qemu.clock import COUNTERS_FILE
from harness.boards.qemu.machine import CLOCK_HZ, PIN_CHANGE
from harness.firmware.engine import get_engine
from harness.link.events import Inference
from models.model_artifact import ModelArtifact
from models.pipeline import external

pytestmark = pytest.mark.emulated

IDLE, PREPROCESS, INFERENCE, POSTPROCESS = 0, 1, 3, 2
LABELS = ("silence", "unknown", "yes", "no")
NOISE = (np.random.default_rng(7).standard_normal(32_000) * 3000).astype(np.int16)
LAG_US = 2.5  # the clock's own step, and the cycles of a border


@dataclass(frozen=True)
class Listened:
    """What a board did while it listened."""

    inferences: list[Inference]
    changes: np.ndarray
    busy_cycles: int

    @property
    def stages(self) -> list[tuple[int, float]]:
        """Stage by the pins, and its length in µs; the last one has no end."""
        levels = [0, 0, 0, 0]
        value = []
        for change in self.changes:
            levels[change["pin"]] = change["is_high"]
            value.append(levels[2] | levels[3] << 1)
        return list(zip(value, np.diff(self.changes["cycles"]) / CLOCK_HZ * 1e6, strict=False))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> ModelArtifact:
    return external(classifier(tmp_path_factory.mktemp("model") / "m.tflite", 1960, 64), LABELS, STORE)


def listened(model, folder, instrument) -> Listened:
    with EmulatedBoard(STORE, pin_log=folder / f"pins{instrument}") as board:
        board.upload(board.build(model, get_engine("codegen"), instrument=instrument))
        device = board.open(folder / f"log{instrument}")
        events = list(device.listen(lambda: board.listen(NOISE)))
        busy = struct.unpack("<Q", (board._running()._folder / COUNTERS_FILE).read_bytes()[:8])[0]
    found = [event for event in events if isinstance(event, Inference)]
    return Listened(found, np.fromfile(folder / f"pins{instrument}", PIN_CHANGE), busy)


@pytest.fixture(scope="module")
def shown(model, tmp_path_factory) -> Listened:
    return listened(model, tmp_path_factory.mktemp("shown"), "stages")


@pytest.fixture(scope="module")
def plain(model, tmp_path_factory) -> Listened:
    return listened(model, tmp_path_factory.mktemp("plain"), "")


def test_the_pins_change_where_the_stages_do(shown):
    lengths = {stage: [us for other, us in shown.stages if other == stage] for stage in (3, 2)}
    assert lengths[INFERENCE] == pytest.approx([one.inference_us for one in shown.inferences], abs=LAG_US)
    assert lengths[POSTPROCESS] == pytest.approx([one.postprocess_us for one in shown.inferences], abs=LAG_US)
    passes = [
        us
        for (stage, us), (following, _) in zip(shown.stages, shown.stages[1:], strict=False)
        if (stage, following) == (PREPROCESS, INFERENCE)
    ]
    assert passes == pytest.approx([one.preprocess_us for one in shown.inferences], abs=LAG_US)


def test_one_pin_changes_from_stage_to_stage(shown):
    following = {
        (stage, after) for (stage, _), (after, _) in zip(shown.stages, shown.stages[1:], strict=False)
    }
    assert following == {(0, 1), (1, 0), (1, 3), (3, 2), (2, 0)}


def test_an_image_for_timing_leaves_the_pins_alone(plain, shown, model):
    assert len(plain.changes) == 0
    with EmulatedBoard(STORE) as board:
        image = board.build(model, get_engine("codegen")).image
    assert not [line for line in symbols_of(image, "-C") if "show_stage" in line]
    assert len(plain.inferences) == len(shown.inferences)


def test_a_border_takes_less_than_a_tenth_of_a_sample_of_the_meter(plain, shown):
    cycles = (shown.busy_cycles - plain.busy_cycles) / len(shown.changes)
    assert 0 < cycles < 64


def test_a_burst_of_inferences_is_one_stage(model, tmp_path):
    with EmulatedBoard(STORE, pin_log=tmp_path / "pins") as board:
        board.upload(board.build(model, get_engine("codegen"), instrument="stages"))
        lap_us = board.open(tmp_path / "log").infer(100, 3).lap_us
    changes = np.fromfile(tmp_path / "pins", PIN_CHANGE)
    assert changes["is_high"].tolist() == [1, 1, 0, 0]
    up, _, _, down = changes["cycles"].tolist()
    assert (down - up) / CLOCK_HZ * 1e6 == pytest.approx(100 * lap_us, abs=LAG_US)


def test_the_benchmarks_timestamps_are_pulses_in_energy_mode(model, tmp_path):
    with EmulatedBoard(STORE, pin_log=tmp_path / "pins") as board:
        board.upload(board.build(model, get_engine("codegen"), instrument="timestamps"))
        answer = board.open(tmp_path / "log").infer(10, 0)
        assert answer.laps_us == ()
    text = (tmp_path / "log").read_text()
    assert "m-timestamp-mode-energy" in text
    assert "m-lap-us" not in text
    changes = np.fromfile(tmp_path / "pins", PIN_CHANGE)
    assert changes["is_high"].tolist() == [1, 0, 1, 0, 1, 0, 1]  # at reset, then one at boot and two of infer
    low = np.diff(changes["cycles"])[1::2]
    assert (low >= 50 * 64).all()
