"""What goes wrong between host and board before anything is measured: the class, the reason, the remedy.

Each on the unmodified `nano33ble`, by way of the stand-in for arduino-cli. After each, no process is left and
the board is free for others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import serial
from rehearsal.bench import RehearsalBench, rehearsal_bench
from rehearsal.leftovers import left_over
from rehearsal.wire import Fault
from small_models import classifier

from harness.arduino_cli.cli import ArduinoCli
from harness.bench_file import read_bench
from harness.boards.board import Board
from harness.boards.locks import BoardLock, holder
from harness.boards.nano33ble import Nano33Ble
from harness.errors import BoardNotFound, BuildFailed, EarshotError, ProtocolError, UploadFailed
from harness.firmware.engine import get_engine
from harness.firmware.firmware import Firmware
from harness.layout import store_root
from harness.runs.selection import Selection
from models.pipeline import external
from models.store import Store

LABELS = ("silence", "unknown", "yes", "no")
PATIENCE_S = 1.0  # of the real board 20


@pytest.fixture(scope="module")
def model():
    return next(Selection(pattern="tinyconv-int8").models(lambda line: None))


@pytest.fixture(scope="module")
def image(model) -> Firmware:
    """Compiled by the stand-in, once."""
    patch = pytest.MonkeyPatch()
    with rehearsal_bench() as bench:
        for name, value in bench.environment.items():
            patch.setenv(name, value)
        with board_of(bench) as board:
            built = board.build(model, get_engine("codegen"))
    patch.undo()
    return built


@pytest.fixture
def desk(quiet_bench, monkeypatch) -> Iterator[RehearsalBench]:
    """A bench that this process uses; at the end the board is free, and no process is left."""
    for name, value in quiet_bench.environment.items():
        monkeypatch.setenv(name, value)
    yield quiet_bench
    assert holder(quiet_bench.serial_number) is None
    assert left_over(quiet_bench.environment["EARSHOT_REHEARSAL"]) == {}


def board_of(bench: RehearsalBench, optimization: str = "-O2") -> Board:
    read = read_bench(bench.file)
    return Nano33Ble(read.boards[0], read, patience_s=PATIENCE_S, optimization=optimization)


def explained(failure: EarshotError, *parts: str) -> None:
    """Every message says what happened and what to try."""
    assert failure.remedy
    for part in parts:
        assert part in str(failure)


def test_an_image_goes_onto_the_board_and_proves_itself(desk, image, tmp_path):
    before = desk.port()
    with board_of(desk) as board:
        board.upload(image)
        assert holder(desk.serial_number).pid == os.getpid()
        assert board.port != before
        boot = board.open(tmp_path / "log").handshake(image)
    assert (boot.board, boot.build_id) == ("nano33ble", image.build_id)


def test_an_upload_that_fails_tells_the_command_and_what_it_said(desk, image):
    desk.break_cli("upload", "fail")
    with board_of(desk) as board, pytest.raises(UploadFailed) as failure:
        board.upload(image)
    explained(failure.value, "arduino-cli upload", "No device found on ttyACM0")


def test_a_port_that_another_process_holds_is_an_upload_that_fails(desk, image):
    with (
        serial.Serial(desk.port(), exclusive=True),
        board_of(desk) as board,
        pytest.raises(UploadFailed) as failure,
    ):
        board.upload(image)
    explained(failure.value, "lock")


def test_a_port_that_is_grabbed_after_the_upload_is_said_to_be_busy(desk, image, tmp_path):
    desk.faults(board="grabs")
    with board_of(desk) as board:
        board.upload(image)
        with pytest.raises(BoardNotFound) as failure:
            board.open(tmp_path / "log")
    explained(failure.value, "ModemManager", "ttyACM1")


def test_a_board_that_another_process_uses_is_left_alone_and_its_user_named(desk, image):
    with BoardLock(desk.serial_number), board_of(desk) as board, pytest.raises(BoardNotFound) as failure:
        board.upload(image)
    explained(failure.value, "in use", f"process {os.getpid()}")


def test_a_board_that_is_not_attached_is_said_with_its_serial_number(desk, image):
    desk.pull_out()
    with board_of(desk) as board, pytest.raises(BoardNotFound) as failure:
        board.upload(image)
    explained(failure.value, desk.serial_number, "cable")


def test_a_board_that_does_not_come_back_after_the_upload(desk, image):
    desk.faults(board="stays away")
    with board_of(desk) as board, pytest.raises(BoardNotFound) as failure:
        board.upload(image)
    explained(failure.value, desk.serial_number)


@pytest.mark.slow  # the patience for an answer is 10 s
def test_a_board_that_never_says_ready(desk, image, tmp_path):
    desk.faults(Fault("hang", line=""))
    with board_of(desk) as board:
        board.upload(image)
        with pytest.raises(ProtocolError) as failure:
            board.open(tmp_path / "log")
    explained(failure.value, "did not answer within")
    assert b"boot%" in (tmp_path / "log").read_bytes()


def test_a_board_that_still_runs_the_old_image(desk, image, tmp_path):
    old = external(classifier(tmp_path / "old.tflite"), LABELS, Store(store_root()))
    with board_of(desk) as board:
        board.upload(board.build(old, get_engine("codegen")))
        desk.faults(board="keeps")
        board.upload(image)
        with pytest.raises(ProtocolError) as failure:
            board.open(tmp_path / "log")
    explained(failure.value, "runs another image: variant old", "expected variant tinyconv-int8")
    assert b"$boot," in (tmp_path / "log").read_bytes()


@pytest.mark.parametrize(
    ("kind", "said"),
    [("crash", "crashed"), ("nonsense", "no JSON"), ("fail", "internal compiler error")],
)
def test_an_arduino_cli_that_misbehaves_is_a_failed_build(desk, model, kind, said):
    desk.break_cli("compile", kind)
    with board_of(desk, optimization="-Og") as board, pytest.raises(BuildFailed) as failure:
        board.build(model, get_engine("codegen"))
    explained(failure.value, said)


def test_an_arduino_cli_that_is_too_old_is_said_with_the_version_that_is_needed(desk, model):
    desk.break_cli("version", "old")
    with board_of(desk) as board, pytest.raises(BuildFailed) as failure:
        board.build(model, get_engine("codegen"))
    explained(failure.value, "0.35.3", "1.0.0")


def test_an_arduino_cli_that_hangs_is_killed_with_all_that_it_started(desk):
    desk.break_cli("board", "hang")
    with pytest.raises(BoardNotFound) as failure:
        ArduinoCli().detected_ports(limit=1.0)
    explained(failure.value, "did not end within 1 s")


def test_without_a_network_nothing_can_be_installed_and_everything_that_is_there_works(desk, model):
    desk.take_network()
    with pytest.raises(BuildFailed) as failure:
        ArduinoCli().install_core("arduino:mbed_nano@4.5.0")
    explained(failure.value, "network", "no such host")
    with board_of(desk) as board:
        assert board.build(model, get_engine("codegen")).image.is_file()


def test_an_arduino_cli_that_is_missing(desk, model):
    desk.command.unlink()
    with board_of(desk) as board, pytest.raises(BuildFailed) as failure:
        board.build(model, get_engine("codegen"))
    explained(failure.value, "not installed", "EARSHOT_ARDUINO_CLI")
