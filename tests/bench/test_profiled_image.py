"""The profile of an image: by function and by operator, equal to the board's own count."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from other_qemu import newer_qemu

from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.measure.profile import counted_profile, profile
from harness.records.record import ProfileRow
from models.store import Store


@pytest.fixture
def found(board, firmware, model, tmp_path) -> ProfileRow:
    if board.describe().clock != "modeled cycles":
        pytest.skip("this board cannot count the cycles of code")
    row = profile(board, firmware, get_engine(firmware.engine), model, Store(tmp_path))
    assert row
    return row


def test_the_functions_of_a_stage_add_up_to_its_cycles_without_a_profile(board, firmware, found, tmp_path):
    board.upload(firmware)
    cycles = board.open(tmp_path / "log").stage_cycles()
    assert found.stage_cycles == cycles
    for stage, count in cycles.items():
        assert sum(stack.cycles for stack in found.stacks if stack.stage == stage) == count


def test_each_operator_has_its_cycles_and_the_rest_is_little(firmware, model, found):
    expected = [one.index for one in get_engine(firmware.engine).operators(model.tflite)]
    assert [one.index for one in found.operators] == expected
    assert sum(one.macs or 0 for one in found.operators) == model.macs
    inference = found.stage_cycles["inference"]
    assert 0 <= inference - sum(one.cycles for one in found.operators) < 0.001 * inference


def test_functions_lie_under_their_callers(found):
    paths = {tuple(stack.functions) for stack in found.stacks}
    assert (
        "Listener::count_cycles",
        "Listener::take_sound",
        "FrontEnd::process",
        "Spectrum::compute",
    ) in paths


def test_the_processors_counter_adds_the_same_to_each_operator(board, firmware, model, found, tmp_path):
    engine = get_engine(firmware.engine)
    image = board.build(model, engine, instrument="operators")
    assert image.build_id != firmware.build_id
    counted = counted_profile(board, image, engine, model, tmp_path / "log")
    added = {
        ours.cycles - theirs.cycles for ours, theirs in zip(counted.operators, found.operators, strict=True)
    }
    assert len(added) == 1
    assert 0 < added.pop() < 64


def test_another_qemu_counts_the_same(firmware, model, found, tmp_path, monkeypatch):
    qemu = newer_qemu()
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(qemu.path).parent), os.environ["PATH"]]))
    with EmulatedBoard() as other:
        assert qemu.version in other.describe().details["emulator"]
        again = profile(other, firmware, get_engine(firmware.engine), model, Store(tmp_path / "other"))
    assert again == found
