"""The emulated board with the real sketch: description, determinism and failures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from host_library import STORE
from reported import reported
from tiny_engine import TinyEngine, tiny_model

from harness.boards.emulated import EmulatedBoard
from harness.boards.qemu import clock
from harness.boards.qemu.clock import TimingParameters
from harness.errors import (
    AcousticFailed,
    BoardNotFound,
    BuildFailed,
    EarshotError,
    ProtocolError,
    UploadFailed,
)
from harness.link.events import End, Inference
from harness.link.transcript import read_transcript
from models.store import Store


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    with EmulatedBoard(STORE) as board:
        return board.build(tiny_model(tmp_path_factory.mktemp("model")), TinyEngine())


@pytest.fixture
def emulated():
    with EmulatedBoard(STORE) as board:
        yield board


@pytest.fixture(scope="module")
def alone(firmware, tmp_path_factory):
    """Events and lines of the board on a host without other work."""
    with EmulatedBoard(STORE) as board:
        return board_lines(board, firmware, tmp_path_factory.mktemp("alone") / "log")


@pytest.fixture
def without_gcc(monkeypatch, tmp_path):
    """A machine whose QEMU has no cycle model."""
    for command in ("qemu-system-arm", "setpriv"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / command).symlink_to(f"/usr/bin/{command}")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


NOISE = (np.random.default_rng(7).standard_normal(5 * 16000) * 3000).astype(np.int16)


def board_lines(emulated, firmware, transcript, sound=NOISE):
    emulated.upload(firmware)
    device = emulated.open(transcript)
    events = list(device.listen(lambda: emulated.listen(sound)))
    device.load_clip(sound[:16000])
    device.infer(3, 1)
    emulated.close()
    return events, [line.line for line in read_transcript(transcript) if not line.from_host]


def test_a_board_is_described_without_an_image(emulated):
    row = emulated.describe()
    assert (row.name, row.clock, row.clock_hz) == ("emulated", "modeled cycles", 64_000_000)
    assert (row.flash_bytes, row.ram_bytes) == (983_040, 262_144)
    assert row.details["instruction cache"] == "on"


def test_each_set_of_parameters_is_a_series_of_its_own():
    timings = [TimingParameters(icache, waits) for icache in (True, False) for waits in (1, 2)]
    assert len({EmulatedBoard(STORE, timing).describe().uid for timing in timings}) == len(timings)


def test_the_real_sketch_hears_the_whole_sound(alone):
    events, _ = alone
    inferences = [event for event in events if isinstance(event, Inference)]
    assert isinstance(events[-1], End)
    assert events[-1].samples == 313 * 256, "whole buffers: the last one ends in silence"
    assert sum(event.new_slices for event in inferences) == (313 * 256 - 480) // 320 + 1
    assert all(event.preprocess_us > 0 for event in inferences)


def test_two_runs_are_equal_at_any_load_of_the_host(alone, emulated, firmware, tmp_path):
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            beside = board_lines(emulated, firmware, tmp_path / "beside")[1]
        finally:
            busy.kill()
    assert alone[1] == beside


def test_blocks_of_sound_equal_one_array(alone, emulated, firmware, tmp_path):
    blocks = np.split(NOISE, [1, 300, 40_001])
    emulated.upload(firmware)
    device = emulated.open(tmp_path / "blocks")
    list(device.listen(lambda: emulated.listen(iter(blocks))))
    lines = [line.line for line in read_transcript(tmp_path / "blocks") if not line.from_host]
    assert lines == alone[1][: len(lines)]
    assert lines[-2].startswith(b"$end")


def test_the_instruction_cache_shows_in_boot_record_and_time(firmware, tmp_path):
    boots, laps = [], []
    for icache in (True, False):
        with EmulatedBoard(STORE, TimingParameters(icache=icache)) as board:
            board.upload(firmware)
            device = board.open(tmp_path / f"{icache}")
            boots.append(device.handshake(firmware).icache)
            laps.append(device.infer(20, 0).lap_us)
    assert boots == ["on", "off"]
    assert laps[1] > laps[0]


def test_instructions_are_counted_without_a_plugin(without_gcc, firmware, tmp_path):
    with EmulatedBoard(STORE, instructions=True) as board:
        board.check()
        assert board.describe().clock == "instructions"
        _, lines = board_lines(board, firmware, tmp_path / "log")
        _, again = board_lines(board, firmware, tmp_path / "again")
    assert lines == again
    assert any(b",none," in line for line in lines), "the instruction cache, in the boot record"


def test_without_a_compiler_for_the_plugin_the_board_cannot_be_used(without_gcc, emulated):
    with pytest.raises(BuildFailed, match="gcc is not installed"):
        emulated.check()
    assert "gcc is not installed" in emulated.describe().details["emulator"]


def test_a_refused_plugin_ends_the_run_with_a_remedy(tmp_path, monkeypatch):
    plugin = tmp_path / "refused.so"
    source = "int qemu_plugin_version = 99; int qemu_plugin_install() { return 0; }"
    command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", plugin]
    subprocess.run(command, input=source, text=True, check=True)
    monkeypatch.setattr("harness.boards.qemu.clock.build_plugin", lambda store, api: plugin)
    with pytest.raises(BuildFailed, match=r"refuses the plugin.*--clock instructions") as failure:
        EmulatedBoard(STORE).check()
    assert str(tmp_path) not in str(failure.value)


def test_the_progress_names_the_interface_that_the_plugin_is_compiled_for(tmp_path, monkeypatch):
    """A QEMU that states an older one has it compiled twice."""
    monkeypatch.setattr(clock, "run_tool", lambda *_: None)
    with reported() as lines:
        for api in (5, 1):
            clock.build_plugin(Store(tmp_path), api)
    assert lines == [f"compile the cycle model for version {api} of QEMU's plugins …" for api in (5, 1)]


_OF_A_VERSION = """#!/bin/sh
if [ "$1" = --version ]; then echo QEMU emulator version 6.0.0; exit; fi
"""


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("no program\0", "qemu-system-arm does not run.*apt-get install"),
        ("#!/bin/sh\n", "qemu-system-arm names no version.*apt-get install"),
        (_OF_A_VERSION + "echo '-plugin: invalid option' >&2; exit 1", "QEMU 6.0.0 refuses .*invalid option"),
        (_OF_A_VERSION + "exit 1", "QEMU 6.0.0 refuses the plugin: it ended with status 1.*--clock"),
    ],
)
def test_a_qemu_that_cannot_load_the_plugin_is_refused(tmp_path, monkeypatch, program, message):
    qemu = tmp_path / "qemu-system-arm"
    qemu.write_text(program)
    qemu.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(EarshotError, match=message):
        EmulatedBoard(STORE).check()


def test_the_link_reports_a_dead_emulator(emulated, firmware, tmp_path):
    emulated.upload(firmware)
    device = emulated.open(tmp_path / "log")
    os.kill(emulated._machine.pid, signal.SIGSEGV)
    with pytest.raises(ProtocolError, match="stopped with status"):
        while True:  # answers that were on their way still arrive
            device.name()


def test_listening_reports_a_dead_emulator(emulated, firmware, tmp_path):
    emulated.upload(firmware)
    device = emulated.open(tmp_path / "log")

    def play_and_kill():
        os.kill(emulated._machine.pid, signal.SIGKILL)
        emulated.listen(NOISE)

    with pytest.raises(ProtocolError, match="stopped with status"):
        list(device.listen(play_and_kill))


def test_sound_needs_a_listening_board_and_int16(emulated, firmware, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.boards.qemu.machine._BEGIN_S", 0.2)
    emulated.upload(firmware)
    device = emulated.open(tmp_path / "log")
    with pytest.raises(AcousticFailed, match="listen%"):
        emulated.listen(NOISE)
    with pytest.raises(TypeError, match="int16"):
        list(device.listen(lambda: emulated.listen(NOISE.astype(np.float32))))


def test_without_qemu_the_package_is_named(emulated, firmware, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UploadFailed, match="apt-get install qemu-system-arm"):
        emulated.upload(firmware)


def test_upload_open_and_close_can_be_repeated(emulated, firmware, tmp_path):
    with pytest.raises(BoardNotFound, match="Upload an image first"):
        emulated.open(tmp_path / "log")
    emulated.upload(replace(firmware, build_id="deadbeef"))
    with pytest.raises(ProtocolError, match="another image"):
        emulated.open(tmp_path / "log")
    emulated.upload(firmware)
    first = emulated.open(tmp_path / "first").name()
    assert emulated.open(tmp_path / "second").name() == first == "earshot-emulated"
    machine = emulated._machine
    emulated.close()
    emulated.close()
    assert not machine.runs


def test_a_full_disk_is_a_failed_upload(emulated, firmware, monkeypatch):
    emulated.describe()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.mkfifo", full)
    with pytest.raises(UploadFailed, match="No space left"):
        emulated.upload(firmware)
