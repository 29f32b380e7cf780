"""The figures of the Nano 33 BLE Sense equal those of ArduinoCore-mbed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.boards.nano33ble import Nano33Ble
from harness.firmware.elf import FLASH_LIMIT_BYTES, RAM_LIMIT_BYTES

CORE = os.environ.get("EARSHOT_ARDUINO_CORE", "")


@pytest.fixture(scope="module")
def core():
    """The board's properties in boards.txt."""
    if not CORE:
        pytest.skip("EARSHOT_ARDUINO_CORE does not name a copy of ArduinoCore-mbed")
    lines = (line.strip() for line in (Path(CORE) / "boards.txt").read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line.startswith("nano33ble."))
    return {key.removeprefix("nano33ble."): value for key, _, value in pairs}


def test_memory_sizes_are_arduino_clis_limits(core):
    assert Nano33Ble.flash_bytes == int(core["upload.maximum_size"])
    assert Nano33Ble.ram_bytes == int(core["upload.maximum_data_size"])


def test_usb_ids_are_the_cores(core):
    ids = {(int(core[f"vid.{i}"], 16), int(core[f"pid.{i}"], 16)) for i in range(4)}
    assert Nano33Ble.title == core["name"]
    assert set(Nano33Ble.usb_ids) == ids and "vid.4" not in core
    assert set(Nano33Ble.bootloader_ids) < ids


def test_an_upload_takes_the_first_new_port_of_the_host(core):
    """This is why uploads of a host exclude each other (`ArduinoBoard.upload`)."""
    assert core["upload.use_1200bps_touch"] == core["upload.wait_for_upload_port"] == "true"


def test_the_emulated_board_has_the_same_memory():
    assert (Nano33Ble.flash_bytes, Nano33Ble.ram_bytes) == (FLASH_LIMIT_BYTES, RAM_LIMIT_BYTES)
