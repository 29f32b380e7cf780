"""The Arduino Nano 33 BLE Sense, first revision and Rev2: nRF52840, a Cortex-M4F at 64 MHz."""

from __future__ import annotations

from harness.boards.arduino import ArduinoBoard

_ARDUINO = 0x2341  # USB vendor


class Nano33Ble(ArduinoBoard):
    """An Arduino Nano 33 BLE Sense; its revision cannot be read over USB and stands in the bench file.

    Source of the figures: ArduinoCore-mbed 4.6, boards.txt.
    """

    name = "nano33ble"
    summary = "an Arduino Nano 33 BLE Sense on USB; needs arduino-cli with its core, and a loudspeaker"
    title = "Arduino Nano 33 BLE"
    fqbn = "arduino:mbed_nano:nano33ble"
    known_core = "arduino:mbed_nano@4.6.0"
    bootloader_ids = ((_ARDUINO, 0x005A),)
    usb_ids = ((_ARDUINO, 0x805A), *bootloader_ids, (_ARDUINO, 0x015A), (_ARDUINO, 0x025A))
    clock_hz = 64_000_000
    flash_bytes = 983_040
    ram_bytes = 262_144
