"""Answers of arduino-cli 1.5.1, retyped: keys and words are real, the board is a Nano 33 BLE Sense.

The words of the linker are GNU ld's with the linker script of ArduinoCore-mbed for that board.
`harness/arduino_cli/test_real_answers.py` compares the keys with real answers where they are at hand.
"""

from __future__ import annotations

import copy
from typing import Any

FQBN = "arduino:mbed_nano:nano33ble"
CORE, CORE_VERSION = "arduino:mbed_nano", "4.6.0"
SERIAL_NUMBER = "0C1B2A3948576675"
FLASH_BYTES, RAM_BYTES = 983_040, 262_144

_DATA = "/home/bench/.arduino15"
_SKETCH = "/home/bench/earshot"
_TOOLS = f"{_DATA}/packages/arduino/tools/arm-none-eabi-gcc/7-2017q4/bin/"
_BUILD = "/home/bench/.cache/arduino/sketches/7E0F5C2B9A3D4E816F2C9B7A5D3E1F08"
_LD = f"{_TOOLS}../lib/gcc/arm-none-eabi/7.2.1/../../../../arm-none-eabi/bin/ld:"
_TIPS = "see https://support.arduino.cc/hc/en-us/articles/360013825179 for tips on reducing"

VERSION = {
    "Application": "arduino-cli",
    "VersionString": "1.5.1",
    "Commit": "01f3d4f2b",
    "Status": "",
    "Date": "2026-06-05T09:39:33Z",
}

_ADDRESS = "/dev/ttyACM0"
_NANO = {
    "matching_boards": [{"name": "Arduino Nano 33 BLE", "fqbn": FQBN}],
    "port": {
        "address": _ADDRESS,
        "label": _ADDRESS,
        "protocol": "serial",
        "protocol_label": "Serial Port (USB)",
        "properties": {"pid": "0x805a", "serialNumber": SERIAL_NUMBER, "vid": "0x2341"},
        "hardware_id": SERIAL_NUMBER,
    },
}
_UART = {
    "address": "/dev/ttyS0",
    "label": "/dev/ttyS0",
    "protocol": "serial",
    "protocol_label": "Serial Port",
}
BOARD_LIST = {"detected_ports": [_NANO, {"port": {**_UART, "properties": {}}}]}
BOARD_LIST_WITHOUT_DISCOVERY = {
    "detected_ports": [],
    "warnings": [
        "Error initializing instance: Error loading hardware platform: "
        "discovery builtin:serial-discovery not found"
    ],
}


def usb_port(address: str, serial_number: str = SERIAL_NUMBER, pid: str = "0x805a") -> dict[str, Any]:
    """Return the board of `board list` at another port, with another identity."""
    entry = copy.deepcopy(_NANO)
    entry["port"] |= {"address": address, "label": address, "hardware_id": serial_number}
    entry["port"]["properties"] |= {"pid": pid, "serialNumber": serial_number}
    return entry


def core_list(version: str = CORE_VERSION) -> dict[str, Any]:
    """Return the answer of `core list`; "" is no core."""
    release = {
        "name": "Arduino Mbed OS Nano Boards",
        "version": version,
        "types": ["Arduino"],
        "installed": True,
        "boards": [{"name": "Arduino Nano 33 BLE", "fqbn": FQBN}],
        "help": {"online": "http://www.arduino.cc/en/Reference/HomePage"},
        "compatible": True,
    }
    core = {"id": CORE, "releases": {version: release}}
    return {
        "platforms": [core | dict.fromkeys(("installed_version", "latest_version"), version)]
        if version
        else []
    }


def library(name: str, version: str, folder: str, header: str) -> dict[str, Any]:
    """Return an entry of `lib list`, and of the libraries that a compilation used."""
    return {
        "name": name,
        "author": "Arduino",
        "maintainer": "Arduino <info@arduino.cc>",
        "sentence": "A library.",
        "website": "http://www.arduino.cc/en/Reference/PDM",
        "category": "Communication",
        "architectures": ["mbed"],
        "install_dir": folder,
        "source_dir": f"{folder}/src",
        "version": version,
        "license": "Unspecified",
        "properties": {},
        "location": "user",
        "layout": "recursive",
        "provides_includes": [header],
        "compatible_with": {},
    }


_TFLM = "Chirale_TensorFlowLite"
LIB_LIST = {
    "installed_libraries": [
        {"library": library(_TFLM, "2.0.0", f"/home/bench/Arduino/libraries/{_TFLM}", f"{_TFLM}.h")}
    ]
}


def compile_answer(
    out: str, err: str, result: dict[str, Any] | None, error: str = "", **properties: str
) -> dict[str, Any]:
    """Return the answer of `compile`.

    Args:
        out, err: what the tools wrote.
        result: keys that only this compilation has; None for one that found no core.
        error: arduino-cli's reason, "" for a success.
        properties: build properties to replace, with `_` for each dot.
    """
    platform = {"id": CORE, "version": CORE_VERSION, "install_dir": f"{_DATA}/packages/arduino/hardware"}
    all_properties = {
        "build.mcu": "cortex-m4",
        "compiler.cpp.cmd": "arm-none-eabi-g++",
        "compiler.path": _TOOLS,
        "recipe.size.regex": r"^(?:\.data|\.text|\.rodata)\S*?\s+([0-9]+).*",
        "upload.maximum_data_size": str(RAM_BYTES),
        "upload.maximum_size": str(FLASH_BYTES),
        **{name.replace("_", "."): value for name, value in properties.items()},
    }
    built = (
        result
        if result is None
        else {
            "build_path": _BUILD,
            "board_platform": platform,
            "build_platform": platform,
            "build_properties": [f"{name}={value}" for name, value in all_properties.items()],
            **result,
        }
    )
    answer = {"compiler_out": out, "compiler_err": err, "builder_result": built, "upload_result": {}}
    return answer | {"success": not error} | ({"error": f"Error during build: {error}"} if error else {})


def weighed(text: int, data: int) -> str:
    """Return what arduino-cli writes about an image that links."""
    return (
        f"Sketch uses {text} bytes ({text * 100 // FLASH_BYTES}%) of program storage space. "
        f"Maximum is {FLASH_BYTES} bytes.\n"
        f"Global variables use {data} bytes ({data * 100 // RAM_BYTES}%) of dynamic memory, leaving "
        f"{RAM_BYTES - data} bytes for local variables. Maximum is {RAM_BYTES} bytes.\n"
    )


def sections(text: int, data: int) -> list[dict[str, Any]]:
    """Return the sizes of an image; one of 0 has no key."""
    limits = {"text": (text, FLASH_BYTES), "data": (data, RAM_BYTES)}
    return [
        {"name": name, **({"size": size} if size else {}), "max_size": limit}
        for name, (size, limit) in limits.items()
    ]


def compiled(text: int = 242_336, data: int = 71_632) -> dict[str, Any]:
    """Return the answer of a successful compilation with one library."""
    pdm = library("PDM", "1.0", f"{_DATA}/packages/arduino/hardware/mbed_nano/4.6.0/libraries/PDM", "PDM.h")
    result = {"used_libraries": [pdm], "executable_sections_size": sections(text, data)}
    return compile_answer(weighed(text, data), "", result)


_SAID = "'Model' was not declared in this scope"
_SHOWN = "    9 |   Model model;\n      |   ^~~~~"
COMPILE_ERROR = compile_answer(
    "",
    f"{_SKETCH}/engine.cpp: In function 'void invoke()':\n"
    f"{_SKETCH}/engine.cpp:9:3: error: {_SAID}\n{_SHOWN}\n",
    {
        "diagnostics": [
            {
                "severity": "ERROR",
                "message": f"{_SAID}\n{_SHOWN}",
                "file": f"{_SKETCH}/engine.cpp",
                "line": 9,
                "column": 3,
                "context": [{"message": "In function 'void invoke()':", "file": f"{_SKETCH}/engine.cpp"}],
            }
        ]
    },
    "exit status 1",
)
TOO_LARGE = compile_answer(
    weighed(1_031_284, 71_632),
    f"Sketch too big; {_TIPS} it.\n",
    {},
    "text section exceeds available space in board",
)
FLASH_OVERFLOW = compile_answer(
    "",
    f"{_LD} {_BUILD}/earshot.ino.elf section `.text' will not fit in region `FLASH'\n"
    f"{_LD} region `FLASH' overflowed by 12 bytes\ncollect2: error: ld returned 1 exit status\n",
    {},
    "exit status 1",
)
RAM_OVERFLOW = compile_answer(
    "",
    f"{_LD}{_BUILD}/linker_script.ld:138 cannot move location counter backwards (from 20040210 to 2003fc00)\n"
    "collect2: error: ld returned 1 exit status\n",
    {},
    "exit status 1",
)
UNKNOWN_BOARD = compile_answer("", "", None, "Invalid FQBN: board arduino:mbed_nano:nonsense not found")

UPLOAD = {
    "stdout": "Device       : nRF52840-QIAA\nWrite 242344 bytes to flash (60 pages)\n"
    "\r[==============================] 100% (60/60 pages)\nDone in 9.651 seconds\n",
    "stderr": "",
    "updated_upload_port": usb_port("/dev/ttyACM1")["port"],
}
UPLOAD_ERROR = {
    "error": "Failed uploading: uploading error: exit status 1",
    "output": {"stdout": "", "stderr": "No device found on ttyACM0\n"},
}
