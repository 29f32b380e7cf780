"""Boards by arduino-cli, from upload to handshake: search, lock, waiting and release."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import serial
from board_locks import is_free
from cli_answers import UPLOAD, UPLOAD_ERROR
from simulated_nano import SimulatedNano, firmware_in
from stand_in_cli import FQBN, SERIAL_NUMBER, StandInCli, usb_port
from started import wait_for_end
from tiny_engine import TinyEngine, tiny_model

from harness.arduino_cli.cli import ArduinoCli
from harness.bench_file import Bench, BoardEntry, SpeakerEntry
from harness.boards import locks
from harness.boards.locks import board_lock
from harness.boards.nano33ble import Nano33Ble
from harness.errors import AcousticFailed, BoardNotFound, ProtocolError, UploadFailed, UsageError
from harness.link.events import Boot
from harness.link.records import RecordParser
from harness.link.transcript import read_transcript
from models.store import Store

BEFORE = "/dev/ttyACM0"  # the board's port before the upload, which nothing opens
REFUSED = {"status": 1, "stderr": UPLOAD_ERROR}


@pytest.fixture(autouse=True)
def locks_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_folder", lambda: tmp_path)


@pytest.fixture
def stand_in(tmp_path):
    return StandInCli(tmp_path / "cli")


@pytest.fixture
def firmware(tmp_path):
    return firmware_in(tmp_path / "image")


@pytest.fixture
def nano(firmware):
    device = SimulatedNano(firmware)
    yield device
    device.close()


@pytest.fixture
def make_board(stand_in, tmp_path):
    boards = []

    def make(patience_s=5.0, speaker=None, **entry):
        cli = ArduinoCli(str(stand_in.command))
        facts = BoardEntry(name="desk", kind="nano33ble", **entry)
        board = Nano33Ble(
            facts, Bench(speaker=speaker), Store(tmp_path / "store"), cli, patience_s=patience_s
        )
        boards.append(board)
        return board

    yield make
    for board in boards:
        board.close()


def boots(transcript):
    parser = RecordParser()
    lines = [timed for timed in read_transcript(transcript) if not timed.from_host]
    events = [event for timed in lines for event in parser.feed(timed.line, timed.at_s)]
    return [event for event in events if isinstance(event, Boot)]


def can_be_opened(port):
    with serial.Serial(port, exclusive=True):
        return True


# Description


def test_the_serial_number_identifies_a_board_at_any_port(stand_in, make_board):
    for address in ("/dev/ttyACM0", "/dev/ttyACM5"):
        stand_in.lists([usb_port(address)])
        row = make_board(revision="Sense Rev2").describe()
        assert (row.name, row.uid, row.clock) == ("nano33ble", SERIAL_NUMBER, "measured")
        assert row.title == "Arduino Nano 33 BLE Sense Rev2"
        assert row.details == {
            "revision": "Sense Rev2",
            "fqbn": FQBN,
            "core": "arduino:mbed_nano 4.6.0",
            "arduino-cli": "1.5.1",
            "instruction cache": "on",
        }


def test_a_board_is_described_without_arduino_cli(tmp_path):
    cli = ArduinoCli(str(tmp_path / "nothing"))
    for number, uid in (("", "nano33ble"), ("AB12", "AB12")):
        row = Nano33Ble(BoardEntry(name="desk", kind="nano33ble", serial_number=number), cli=cli).describe()
        assert (row.uid, row.details["core"]) == (uid, "none: arduino-cli is not installed")


def test_build_returns_sizes_and_image(tmp_path, stand_in, make_board):
    firmware = make_board().build(tiny_model(tmp_path / "model"), TinyEngine())
    assert firmware.image.is_relative_to(tmp_path / "store")
    assert (firmware.flash_bytes, firmware.ram_bytes) == (123_456, 45_678)


def test_each_set_of_flags_has_its_own_cached_core(tmp_path, stand_in, monkeypatch):
    """arduino-cli takes a compiled core from its cache regardless of flags."""
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", str(stand_in.command))
    model, store = tiny_model(tmp_path / "model"), Store(tmp_path / "store")
    for level, flags in (("O2", "-O2"), ("", "-Os"), ("O2", "-O2")):
        entry = BoardEntry(name="desk", kind="nano33ble", optimization=level)
        assert Nano33Ble(entry, store=store).build(model, TinyEngine()).optimization == flags
    assert len(list((tmp_path / "store" / "arduino-cores").glob("*/core.a"))) == 2


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"port": "socket://pi:4000"}, r"through the network port socket://pi:4000 alone.*upload_command"),
        ({"labgrid": "kws-desk-1"}, r"through the labgrid place kws-desk-1 alone.*upload_command"),
        ({"labgrid": "kws-desk-1", "port": "/dev/a"}, r"at /dev/a and the labgrid place kws-desk-1"),
    ],
)
def test_a_remote_board_is_refused_without_what_it_needs(keys, said):
    with pytest.raises(UsageError, match=said):
        Nano33Ble.from_bench(BoardEntry(name="garage", kind="nano33ble", **keys), Bench())


# Upload, and back on the bus


def test_the_board_is_found_at_its_new_port_after_an_upload(stand_in, make_board, firmware, nano, tmp_path):
    stand_in.lists([usb_port(BEFORE)], [usb_port(BEFORE)], [], [usb_port(nano.path)])
    with make_board(serial_number=SERIAL_NUMBER.lower()) as board:
        board.upload(firmware)
        assert board.port == nano.path
        device = board.open(tmp_path / "log")
        assert device.name() == "simulated"
    (call,) = stand_in.calls("upload")
    assert call[call.index("--port") + 1] == BEFORE
    assert call[call.index("--input-dir") + 1] == str(firmware.image.parent)


def test_a_board_of_known_serial_number_is_not_mistaken_for_another(stand_in, make_board, firmware, nano):
    """The only attached board is chosen; then a second one is plugged in."""
    other = usb_port("/dev/ttyACM9", "FFFF")
    choice, upload = [[usb_port(BEFORE)]] * 3, [usb_port(BEFORE)]
    stand_in.lists(*choice, upload, [other], [other, usb_port(nano.path)])
    with make_board() as board:
        board.upload(firmware)
        assert board.port == nano.path


def test_the_board_at_a_named_port_is_followed_to_its_next_port(
    stand_in, make_board, firmware, nano, tmp_path
):
    port = tmp_path / "by-id"
    port.touch()
    other = usb_port("/dev/ttyACM9", "FFFF")
    stand_in.lists(*[[other, usb_port(str(port))]] * 2, [other, usb_port(nano.path)])
    with make_board(port=str(port)) as board:
        board.upload(firmware)
        assert board.port == nano.path


def test_a_named_port_that_arduino_cli_does_not_list_is_used(stand_in, make_board, firmware, nano, tmp_path):
    stand_in.lists([usb_port("/dev/ttyACM9", "FFFF")])
    with make_board(port=nano.path) as board:
        board.upload(firmware)
        assert board.open(tmp_path / "log").name() == "simulated"
        assert not is_free(nano.path), "without a serial number it is reserved by its port"


def test_nothing_is_uploaded_if_two_boards_match(stand_in, make_board, firmware):
    stand_in.lists([usb_port(BEFORE), usb_port("/dev/ttyACM1", "FFFF")])
    with pytest.raises(BoardNotFound, match=f"2 boards.*{SERIAL_NUMBER}.*FFFF"):
        make_board().upload(firmware)
    assert stand_in.calls("upload") == []


def test_a_failed_upload_can_be_repeated(stand_in, make_board, firmware, nano, tmp_path):
    stand_in.lists([usb_port(nano.path)])
    with make_board() as board:
        board.upload(firmware)
        stand_in.steps("upload", REFUSED, {"stdout": UPLOAD})
        with pytest.raises(UploadFailed, match="No device found"):
            board.upload(firmware)
        with pytest.raises(BoardNotFound, match="Upload an image first"):
            board.open(tmp_path / "log")
        board.upload(firmware)
        board.open(tmp_path / "log")
    assert is_free(SERIAL_NUMBER)


def test_a_board_that_does_not_come_back_is_not_opened(stand_in, make_board, firmware, tmp_path):
    stand_in.lists([usb_port(BEFORE)], [usb_port(BEFORE)], [])
    with make_board(patience_s=0.3) as board:
        with pytest.raises(BoardNotFound, match=f"serial number {SERIAL_NUMBER} is attached"):
            board.upload(firmware)
        with pytest.raises(BoardNotFound, match="Upload an image first"):
            board.open(tmp_path / "log")


def test_a_board_that_stays_in_its_bootloader_is_reported(stand_in, make_board, firmware):
    stand_in.lists([usb_port(BEFORE, pid="0x005a")])
    with make_board(patience_s=0.3) as board, pytest.raises(BoardNotFound, match="stays in its bootloader"):
        board.upload(firmware)
    assert len(stand_in.calls("upload")) == 1, "a bootloader can be uploaded to"


def test_other_uploads_wait_until_the_board_is_back(stand_in, make_board, firmware, nano, monkeypatch):
    before, after = ({"stdout": {"detected_ports": [usb_port(port)]}} for port in (BEFORE, nano.path))
    back = stand_in.command.with_name("back")
    waits = {"code": "while not os.path.exists(folder + '/back'): time.sleep(0.01)"}
    stand_in.steps("board list", before, before, after | waits)
    board = make_board(serial_number=SERIAL_NUMBER, patience_s=30)
    uploading = threading.Thread(target=board.upload, args=(firmware,))
    uploading.start()
    while not stand_in.calls("upload"):
        time.sleep(0.01)
    monkeypatch.setattr(locks, "UPLOAD_WAIT_S", 0.0)
    with pytest.raises(BoardNotFound, match="the upload of this host is in use"), locks.upload_lock():
        pass
    back.touch()
    uploading.join()
    with locks.upload_lock():
        assert not is_free(SERIAL_NUMBER), "the board itself stays reserved"


# The link


def test_open_closes_an_earlier_link(stand_in, make_board, firmware, nano, tmp_path):
    stand_in.lists([usb_port(nano.path)])
    with make_board() as board:
        board.upload(firmware)
        first = board.open(tmp_path / "first")
        second = board.open(tmp_path / "second")
        assert second.name() == "simulated"
        with pytest.raises(ProtocolError, match="closed"):
            first.name()
    assert boots(tmp_path / "first") and boots(tmp_path / "second")


def test_another_image_is_refused_and_the_port_released(stand_in, make_board, nano, tmp_path):
    stand_in.lists([usb_port(nano.path)])
    with make_board() as board:
        board.upload(firmware_in(tmp_path / "new", build_id="00000000"))
        with pytest.raises(ProtocolError, match=r"runs another image.*89abcdef.*00000000.*Upload again"):
            board.open(tmp_path / "log")
        assert can_be_opened(nano.path)
    assert boots(tmp_path / "log"), "the transcript is kept"


def test_a_port_that_another_program_opened_is_waited_for(stand_in, make_board, firmware, nano, tmp_path):
    """ModemManager opens each new port, and udev sets its permissions late."""
    stand_in.lists([usb_port(nano.path)])
    with make_board(patience_s=30) as board:
        board.upload(firmware)
        other = serial.Serial(nano.path, exclusive=True)
        threading.Timer(0.3, other.close).start()
        assert board.open(tmp_path / "log").name() == "simulated"


def test_a_port_that_stays_blocked_is_reported(stand_in, make_board, firmware, nano, tmp_path):
    stand_in.lists([usb_port(nano.path)])
    with make_board(patience_s=0.3) as board, serial.Serial(nano.path, exclusive=True):
        board.upload(firmware)
        with pytest.raises(BoardNotFound, match=r"cannot be opened.*no other program uses the port"):
            board.open(tmp_path / "log")


# The instruction cache


@pytest.mark.parametrize(
    ("found", "wanted", "left"),
    [
        ("off", "on", ["off", "on"]),
        ("on", "off", ["on", "off"]),
        ("off", "as-is", ["off"]),
        ("none", "on", ["none"]),
    ],
)
def test_the_cache_is_switched_and_logged(found, wanted, left, stand_in, make_board, firmware, tmp_path):
    nano = SimulatedNano(firmware, icache=found)
    stand_in.lists([usb_port(nano.path)])
    with make_board(icache=wanted) as board:
        board.upload(firmware)
        board.open(tmp_path / "log")
    nano.close()
    assert [boot.icache for boot in boots(tmp_path / "log")] == left


def test_a_cache_that_does_not_switch_is_an_error(stand_in, make_board, firmware, nano, tmp_path):
    nano.obeys = False
    stand_in.lists([usb_port(nano.path)])
    with make_board() as board:
        board.upload(firmware)
        with pytest.raises(ProtocolError, match=r"off after the command to switch it on.*as-is"):
            board.open(tmp_path / "log")


# Locks and release


def test_a_locked_board_is_not_uploaded_to(stand_in, make_board, firmware):
    stand_in.lists([usb_port(BEFORE)])
    with board_lock(SERIAL_NUMBER), pytest.raises(BoardNotFound, match=r"in use \(process \d+ of"):
        make_board().upload(firmware)
    assert stand_in.calls("upload") == []


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, UploadFailed("any failure")], ids=str)
def test_board_and_port_are_released_after_any_exception(
    interruption, stand_in, make_board, firmware, nano, tmp_path
):
    stand_in.lists([usb_port(nano.path)])
    with pytest.raises((KeyboardInterrupt, UploadFailed)), make_board() as board:
        board.upload(firmware)
        board.open(tmp_path / "log")
        assert not is_free(SERIAL_NUMBER)
        reader = next(thread for thread in threading.enumerate() if thread.name == f"read {nano.path}")
        raise interruption
    assert is_free(SERIAL_NUMBER) and can_be_opened(nano.path)
    assert not reader.is_alive()
    board.close()
    board.upload(firmware)
    assert not is_free(SERIAL_NUMBER), "a closed board can be used again"


FLASHES_FOREVER = (  # in a process group of its own, as arduino-cli starts its tools
    "import subprocess\n"
    "tool = subprocess.Popen(['sleep', '1000'], process_group=0)\n"
    "open(folder + '/tool', 'w').write(f'{tool.pid}\\n')\n"
    "tool.wait()\n"
)
UPLOADS = """
import sys
from pathlib import Path
from simulated_nano import firmware_in
from harness.arduino_cli import cli
from harness.bench_file import BoardEntry
from harness.boards import locks
from harness.boards.nano33ble import Nano33Ble
from harness.link.deadline import Deadline

folder, command, is_late = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "time-out"
tool = Path(command).with_name("tool")
locks._folder = lambda: folder
cli.Deadline = lambda seconds: Deadline(seconds, lambda: 1000.0 if is_late and tool.exists() else 0.0)
board = Nano33Ble(BoardEntry(name="desk", kind="nano33ble"), cli=cli.ArduinoCli(command))
board.upload(firmware_in(folder / "image"))
"""


@pytest.mark.parametrize("end", ["time-out", signal.SIGINT, signal.SIGKILL], ids=str)
def test_an_upload_that_ends_early_leaves_no_flash_tool_and_no_lock(end, stand_in, tmp_path):
    stand_in.lists([usb_port(BEFORE)])
    stand_in.steps("upload", {"code": FLASHES_FOREVER})
    uploading = subprocess.Popen(
        [sys.executable, "-c", UPLOADS, tmp_path, stand_in.command, str(end)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    tool = stand_in.command.with_name("tool")
    while not (tool.exists() and tool.read_text().endswith("\n")):
        assert uploading.poll() is None, uploading.communicate()
        time.sleep(0.01)
    if isinstance(end, signal.Signals):
        uploading.send_signal(end)
    _, told = uploading.communicate(timeout=300)
    assert {"time-out": "did not end within", signal.SIGINT: "KeyboardInterrupt"}.get(end, "") in told
    wait_for_end(int(tool.read_text()))
    assert is_free(SERIAL_NUMBER)
    with locks.upload_lock():
        pass


# Sound


@pytest.mark.parametrize(
    ("speaker", "message"),
    [
        (None, r"no loudspeaker.*no bench file.*\[speaker\]"),
        (SpeakerEntry(device="Living Room"), r"no loudspeaker|sound device for output|Living Room"),
    ],
)
def test_sound_goes_to_the_benchs_loudspeaker(make_board, speaker, message):
    with pytest.raises(AcousticFailed, match=message):
        make_board(speaker=speaker).listen([np.zeros(160, np.int16)])
