"""What Earshot knows of the Nano 33 BLE Sense is what ArduinoCore-mbed says of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.bench_file import Bench, BoardEntry
from harness.boards.nano33ble import Nano33Ble
from harness.boards.registry import board_kinds
from harness.firmware.elf import FLASH_LIMIT_BYTES, RAM_LIMIT_BYTES

CORE = os.environ.get("EARSHOT_ARDUINO_CORE", "")


@pytest.fixture(scope="module")
def core_says():
    """boards.txt, the board's lines as key and value."""
    if not CORE:
        pytest.skip("EARSHOT_ARDUINO_CORE does not name a copy of ArduinoCore-mbed")
    lines = (line.strip() for line in (Path(CORE) / "boards.txt").read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line.startswith("nano33ble."))
    return {key.removeprefix("nano33ble."): value for key, _, value in pairs}


def test_the_memory_is_what_arduino_cli_compares_with(core_says):
    assert Nano33Ble.flash_bytes == int(core_says["upload.maximum_size"])
    assert Nano33Ble.ram_bytes == int(core_says["upload.maximum_data_size"])


def test_it_is_known_under_every_usb_identity_of_the_core(core_says):
    ids = {(int(core_says[f"vid.{i}"], 16), int(core_says[f"pid.{i}"], 16)) for i in range(4)}
    assert set(Nano33Ble.usb_ids) == ids and "vid.4" not in core_says
    assert set(Nano33Ble.bootloader_ids) < ids


def test_the_upload_is_one_that_takes_the_first_new_port_on_the_host(core_says):
    """The reason for the lock around it (`ArduinoBoard.upload`)."""
    assert core_says["upload.use_1200bps_touch"] == core_says["upload.wait_for_upload_port"] == "true"


def test_its_title_is_what_people_read_on_the_box(core_says):
    assert Nano33Ble.title == core_says["name"]


def test_the_emulated_board_stands_for_it():
    assert (Nano33Ble.flash_bytes, Nano33Ble.ram_bytes) == (FLASH_LIMIT_BYTES, RAM_LIMIT_BYTES)


def test_it_is_one_of_the_kinds_of_boards():
    kind = board_kinds()["nano33ble"]
    assert kind is Nano33Ble
    assert (kind.marker, kind.default_engine, kind.acoustic) == ("hardware", "tflm", True)


def test_an_entry_without_anything_is_enough():
    entry = BoardEntry(name="nano33ble", kind="nano33ble", serial_number="AB12")
    assert Nano33Ble.from_bench(entry, Bench()).describe().title == "Arduino Nano 33 BLE"
