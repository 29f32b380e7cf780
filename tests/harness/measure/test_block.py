"""One block: upload, check, warm-ups and samples."""

from __future__ import annotations

import os
import re
import signal
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_ppk2 import AMPERES, VOLTS, FakePpk2, PinPlay
from host_library import STORE
from measured_models import build, small_model
from simulated_room import BoardInAnEmptyRoom, Room

from harness.boards.emulated import EmulatedBoard
from harness.errors import BoardNotFound, ProtocolError, UsageError
from harness.firmware.engine import get_engine
from harness.firmware.firmware import Firmware
from harness.layout import RECORDINGS
from harness.measure import energy
from harness.measure.block import BlockResult, BlockTarget, image_sha256, measure_block
from harness.meters.ppk2 import Ppk2
from models.data.features import feature_crc, micro_features
from models.data.wav import read_wav

SAMPLES = 8


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    return read_wav(RECORDINGS / "yes" / "gene.wav")[0][:16_000]


@pytest.fixture(scope="module")
def hearing(firmware, clip) -> BlockTarget:
    return BlockTarget("hearing", firmware, image_sha256(firmware.image), clip)


@pytest.fixture(scope="module")
def deaf(tmp_path_factory) -> BlockTarget:
    firmware = build(small_model(tmp_path_factory.mktemp("deaf"), 40))
    return BlockTarget("deaf", firmware, image_sha256(firmware.image), bytes(range(40)))


class AwayBoard(EmulatedBoard):
    """Its first uploads fail."""

    def __init__(self, failures: int) -> None:
        super().__init__(STORE)
        self.failures, self.uploads = failures, 0

    def upload(self, firmware: Firmware) -> None:
        self.uploads += 1
        if self.uploads <= self.failures:
            raise BoardNotFound("the board is away", remedy="Wait.")
        super().upload(firmware)


def block_of(board: EmulatedBoard, target: BlockTarget, folder: Path, **options) -> BlockResult:
    result = BlockResult()
    with board:
        measure_block(board, target, result, folder / "block.log", SAMPLES, **options)
    return result


@pytest.fixture(scope="module")
def timed(hearing, tmp_path_factory) -> tuple[BlockResult, str]:
    """A block of a model that hears, and its transcript."""
    folder = tmp_path_factory.mktemp("timed")
    return block_of(EmulatedBoard(STORE), hearing, folder), (folder / "block.log").read_text()


def test_model_that_hears_is_timed_in_both_modes(timed, clip):
    result, _ = timed
    keys = {"inference_us/clip", "preprocess_us/pcm", "inference_us/pcm", "postprocess_us/pcm"}
    assert set(result.samples_us) == set(result.lost) == keys
    assert all(len(samples) == SAMPLES for samples in result.samples_us.values())
    assert not any(result.lost.values())
    assert result.checks["features_crc"] == f"{feature_crc(micro_features(clip)):08x}"
    assert len(result.checks["output"].split(", ")) == 4
    assert result.observations["icache"] == "on"


def test_five_warm_ups_are_dropped_in_each_mode(timed):
    result, lines = timed
    assert lines.count("infer 1 0%") == 5 + SAMPLES
    fields_of = [line.partition("$inf,")[2].split(",") for line in lines.splitlines() if "$inf," in line]
    assert result.samples_us["preprocess_us/pcm"] == [int(fields[3]) for fields in fields_of[5 : 5 + SAMPLES]]


def test_model_without_sound_is_timed_in_command_mode_only(deaf, tmp_path):
    result = block_of(EmulatedBoard(STORE), deaf, tmp_path)
    assert set(result.samples_us) == {"inference_us/clip"}
    assert result.checks["input_crc"] == f"{zlib.crc32(bytes(range(40))):08x}"


def test_canary_need_not_listen(hearing, tmp_path):
    assert set(block_of(EmulatedBoard(STORE), hearing, tmp_path, listens=False).samples_us) == {
        "inference_us/clip"
    }


def test_every_block_of_an_image_is_the_same(timed, hearing, tmp_path):
    again = block_of(EmulatedBoard(STORE), hearing, tmp_path)
    assert (again.samples_us, again.checks) == (timed[0].samples_us, timed[0].checks)


def test_board_in_a_room_is_timed_on_the_sound_of_the_room(hearing, tmp_path):
    result = block_of(BoardInAnEmptyRoom(STORE, Room()), hearing, tmp_path)
    assert {key.partition("/")[2] for key in result.samples_us} == {"clip", "room"}
    assert all(len(samples) == SAMPLES for samples in result.samples_us.values())


def test_missing_board_is_retried_and_the_retries_are_recorded(deaf, tmp_path):
    result = block_of(AwayBoard(2), deaf, tmp_path)
    assert "away" in result.observations["retry 1"] and "away" in result.observations["retry 2"]
    assert len(result.samples_us["inference_us/clip"]) == SAMPLES


def test_board_that_stays_away_is_given_up(deaf, tmp_path):
    board = AwayBoard(99)
    with pytest.raises(BoardNotFound):
        block_of(board, deaf, tmp_path)
    assert board.uploads == 3


def test_changed_image_file_is_not_uploaded(deaf, tmp_path):
    board = AwayBoard(0)
    with pytest.raises(UsageError, match="has changed"):
        block_of(board, replace(deaf, image_sha256="0" * 64), tmp_path)
    assert board.uploads == 0


def test_image_of_another_build_is_not_measured(deaf, tmp_path):
    strange = replace(deaf, firmware=replace(deaf.firmware, build_id="00000000"))
    result = BlockResult()
    with EmulatedBoard(STORE) as board, pytest.raises(ProtocolError, match="another image"):
        measure_block(board, strange, result, tmp_path / "block.log", SAMPLES)
    assert result.samples_us == {}


def test_samples_before_a_fault_are_kept(hearing, tmp_path):
    class DiesListening(EmulatedBoard):
        def listen(self, sound) -> None:
            os.kill(self._machine.pid, signal.SIGKILL)
            super().listen(sound)

    result = BlockResult()
    with DiesListening(STORE) as board, pytest.raises(ProtocolError, match="stopped with status"):
        measure_block(board, hearing, result, tmp_path / "block.log", SAMPLES)
    assert len(result.samples_us["inference_us/clip"]) == SAMPLES
    assert len(result.samples_us["inference_us/pcm"]) < SAMPLES


def metered(tmp_path, tiny, monkeypatch, **kit) -> tuple[BlockResult, Path]:
    """Measure a block of an image whose pins drive a meter."""
    monkeypatch.setattr(energy, "BURST_S", 0.2)
    monkeypatch.setattr(energy, "BURSTS", 2)
    log = tmp_path / "pins"
    log.touch()
    with EmulatedBoard(STORE, pin_log=log) as board, FakePpk2(PinPlay(log), **kit) as fake:
        firmware = board.build(tiny, get_engine("codegen"), instrument="stages")
        target = BlockTarget("deaf", firmware, image_sha256(firmware.image), bytes(range(40)))
        result, meter = BlockResult(), Ppk2(VOLTS, supplies=True, port=str(fake.port))
        measure_block(board, target, result, tmp_path / "block.log", SAMPLES, meter=meter)
    return result, tmp_path / "block.samples"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("metered"), 40)


def test_a_meter_adds_the_energy_of_an_inference(tmp_path, tiny, monkeypatch):
    result, samples = metered(tmp_path, tiny, monkeypatch)
    inference_s = np.median(result.samples_us["inference_us/clip"]) / 1e6
    found = result.samples_nj["inference_nj/clip"]
    assert len(found) == 2
    assert found == pytest.approx([AMPERES[3] * VOLTS * inference_s * 1e9] * 2, rel=0.02)  # the clock's 1 µs
    assert not samples.exists()


def test_a_meter_that_fails_costs_the_block_its_energy_only(tmp_path, tiny, monkeypatch):
    result, samples = metered(tmp_path, tiny, monkeypatch, unplug_at=30_000)
    assert result.samples_nj == {}
    # On a fast machine the block ends before the driver notices; then the trace is too short.
    assert re.search("unplugged while it measured|the trace ends before", result.observations["energy"])
    assert len(result.samples_us["inference_us/clip"]) == SAMPLES
    assert samples.stat().st_size > 0
