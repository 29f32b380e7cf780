"""Stands in for arduino-cli: its arguments and its JSON, the emulated board's compiler, the board process.

    python -m rehearsal.stand_in STATE_FOLDER <arguments as arduino-cli 1.x takes them>

What it does not know it refuses, as arduino-cli does. Its compiler is that of the emulated board, its upload
asks the board process. Every call is added to `calls.jsonl` in the state folder. `faults/<verb>` there makes
the calls of a verb (`board`, `compile`, `upload`, …, or `any`) go wrong: a JSON object with `kind` fail,
hang, crash, nonsense or old, and `times`. `faults/network` takes the network away.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from rehearsal.arguments import GENERIC, parser

_VERSION = "1.3.1"
FQBN = "arduino:mbed_nano:nano33ble"
CORE, CORE_VERSION = "arduino:mbed_nano", "4.6.0"
_NETWORK, _BAD_ARGUMENT = 5, 7  # exit codes
_PORT_BACK_S = 2.0  # for the new port; the real upload waits 10 s
_TEXT_LIMIT, _DATA_LIMIT = 983_040, 262_144


class Failed(Exception):
    """A call that ends with an error object on stderr."""

    def __init__(self, error: str, status: int = GENERIC, **output: str) -> None:
        self.answer: dict[str, Any] = {"error": error, **({"output": output} if output else {})}
        self.status = status


class StandIn:
    """One call of arduino-cli."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def version(self, arguments: argparse.Namespace) -> dict[str, Any]:
        return {
            "Application": "arduino-cli",
            "VersionString": "0.35.3" if self._fault("version", "old") else version(),
            "Commit": "rehearsal",
            "Status": "",
            "Date": "2026-01-01T00:00:00Z",
        }

    def board_list(self, arguments: argparse.Namespace) -> dict[str, Any]:
        from rehearsal.control import BoardGone, ask

        try:
            port = ask(self._state, do="state")["port"]
        except BoardGone:  # unplugged
            port = None
        if port is None:
            return {"detected_ports": []}
        known = CORE in self._installed("cores")
        boards = [{"name": "Arduino Nano 33 BLE", "fqbn": FQBN}] if known else []
        return {
            "detected_ports": [{**({"matching_boards": boards} if boards else {}), "port": self._port(port)}]
        }

    def core_list(self, arguments: argparse.Namespace) -> dict[str, Any]:
        return {
            "platforms": [
                {"id": name, "installed_version": version, "latest_version": version, "releases": {}}
                for name, version in self._installed("cores").items()
            ]
        }

    def core_install(self, arguments: argparse.Namespace) -> None:
        for wanted in arguments.items:
            self._install("cores", wanted, CORE_VERSION)

    def lib_list(self, arguments: argparse.Namespace) -> dict[str, Any]:
        folder = self._state / "libraries"
        return {
            "installed_libraries": [
                {"library": {"name": name, "version": version, "install_dir": str(folder / name)}}
                for name, version in self._installed("libraries").items()
            ]
        }

    def lib_install(self, arguments: argparse.Namespace) -> None:
        for wanted in arguments.items:
            self._install("libraries", wanted, "1.0.0")

    def compile(self, arguments: argparse.Namespace) -> dict[str, Any]:
        from harness.errors import BuildFailed, DoesNotFit
        from harness.firmware import elf
        from harness.firmware.arm_gcc import build_image, find_compiler

        if CORE not in self._installed("cores"):
            raise Failed(f"Error during build: Platform '{CORE}' not found")
        if self._fault("compile", "fail"):
            raise Failed("Error during build: exit status 1", stderr="internal compiler error")
        sketch = Path(arguments.items[0])
        if not (sketch / f"{sketch.name}.ino").is_file():
            raise Failed(f"Can't open sketch: main file missing from sketch: {sketch}")
        output = Path(arguments.output_dir or sketch / "build")
        output.mkdir(parents=True, exist_ok=True)
        compiler = find_compiler()
        image = output / f"{sketch.name}.ino.elf"
        flags = ["-Os", "-DARDUINO_ARDUINO_NANO33BLE", *_extra_flags(arguments.build_property)]
        answer: dict[str, Any] = {
            "compiler_out": "",
            "compiler_err": "",
            "builder_result": {},
            "success": False,
        }
        try:
            build_image(compiler, sketch, flags, image)
        except DoesNotFit as failure:
            return answer | {
                "compiler_err": str(failure),
                "error": "text section exceeds available space in board",
            }
        except BuildFailed as failure:
            too_large = "overflowed by" in str(failure)
            error = "text section exceeds available space in board" if too_large else "exit status 1"
            return answer | {"compiler_err": str(failure), "error": error}
        text, data = elf.flash_and_ram(elf.section_sizes(image))
        for section, needed, limit in (("text", text, _TEXT_LIMIT), ("data", data, _DATA_LIMIT)):
            if needed > limit:
                return answer | {"error": f"{section} section exceeds available space in board"}
        answer["builder_result"] = {
            "build_path": str(arguments.build_path or output),
            "used_libraries": [],
            "executable_sections_size": [
                {"name": "text", "size": text, "max_size": _TEXT_LIMIT},
                {"name": "data", "size": data, "max_size": _DATA_LIMIT},
            ],
            "board_platform": {"id": CORE, "version": self._installed("cores")[CORE]},
            "build_properties": [
                "build.mcu=cortex-m4",
                f"compiler.path={Path(compiler.path).parent}/",
                f"compiler.cpp.cmd={Path(compiler.path).name}",
                *arguments.build_property,
            ],
            "diagnostics": [],
        }
        return answer | {"success": True}

    def upload(self, arguments: argparse.Namespace) -> dict[str, Any]:
        import serial
        from rehearsal.control import ask

        if not arguments.port or not os.path.lexists(arguments.port):
            raise Failed("Failed uploading: no upload port provided or port not found")
        images = list(Path(arguments.input_dir).glob("*.ino.elf"))
        if len(images) != 1:
            raise Failed(f"Failed uploading: no image in {arguments.input_dir}")
        try:
            serial.Serial(arguments.port, 1200, exclusive=True).close()  # the touch that resets the board
        except (OSError, serial.SerialException) as problem:
            raise Failed("Failed uploading: uploading error: exit status 1", stderr=str(problem)) from problem
        if self._fault("upload", "fail"):
            stderr = f"No device found on {Path(arguments.port).name}\n"
            raise Failed("Failed uploading: uploading error: exit status 1", stdout="", stderr=stderr)
        ask(self._state, do="upload", image=str(images[0].resolve()))
        end = time.monotonic() + _PORT_BACK_S
        while (port := ask(self._state, do="state")["port"]) is None and time.monotonic() < end:
            time.sleep(0.02)
        hint = {"updated_upload_port": self._port(port)} if port else {}
        return {"stdout": "Device       : nRF52840-QIAA\n", "stderr": "", **hint}

    def _port(self, address: str) -> dict[str, Any]:
        serial_number = (self._state / "serial_number").read_text()
        return {
            "address": address,
            "label": address,
            "protocol": "serial",
            "protocol_label": "Serial Port (USB)",
            "properties": {"pid": "0x805A", "serialNumber": serial_number, "vid": "0x2341"},
            "hardware_id": serial_number,
        }

    def misbehave(self, verb: str) -> None:
        """Hangs, crashes or talks nonsense, if a fault says so."""
        if self._fault(verb, "hang") or self._fault("any", "hang"):
            time.sleep(3600)
        if self._fault(verb, "crash") or self._fault("any", "crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if self._fault(verb, "nonsense") or self._fault("any", "nonsense"):
            print("Warnung: {das ist kein JSON")
            sys.exit(0)

    def _fault(self, verb: str, kind: str) -> bool:
        """Whether this call is to go wrong so; counts down how often still."""
        path = self._state / "faults" / verb
        try:
            fault = json.loads(path.read_text())
        except FileNotFoundError:
            return False
        if fault["kind"] != kind or fault["times"] <= 0:
            return False
        path.write_text(json.dumps({**fault, "times": fault["times"] - 1}))
        return True

    def _installed(self, kind: str) -> dict[str, str]:
        path = self._state / f"{kind}.json"
        if path.exists():
            return json.loads(path.read_text())
        return {CORE: CORE_VERSION} if kind == "cores" else {}

    def _install(self, kind: str, wanted: str, latest: str) -> None:
        name, _, version = wanted.partition("@")
        if (self._state / "faults" / "network").exists():
            raise Failed("Error initializing instance: dial tcp: lookup: no such host", _NETWORK)
        if kind == "cores" and name != CORE:
            raise Failed(f"Platform '{wanted}' not found", _BAD_ARGUMENT)
        installed = {**self._installed(kind), name: version or latest}
        (self._state / f"{kind}.json").write_text(json.dumps(installed))
        if kind == "libraries":
            (self._state / "libraries" / name / "src").mkdir(parents=True, exist_ok=True)


def version() -> str:
    """A version that arduino-cli never has, another one for each state of the emulated core.

    Whoever keeps images keeps them by the version of what compiled them.
    """
    from harness.firmware import arm_gcc

    digest = hashlib.sha256()
    for path in (Path(__file__), Path(arm_gcc.__file__), *sorted(arm_gcc.CORE.iterdir())):
        digest.update(path.read_bytes())
    return f"{_VERSION}-rehearsal.{digest.hexdigest()[:8]}"


def _extra_flags(properties: list[str]) -> list[str]:
    """What properties such as compiler.cpp.extra_flags add to the compiler's arguments."""
    return [
        flag
        for name, _, value in (entry.partition("=") for entry in properties)
        if name == "compiler.cpp.extra_flags"
        for flag in value.split()
    ]


def main(state: Path, argv: list[str]) -> int:
    """Answers one call and returns its exit status."""
    with (state / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(argv) + "\n")
    arguments = parser().parse_args(argv)
    stand_in = StandIn(state)
    stand_in.misbehave(arguments.verb)
    if getattr(arguments, "fqbn", None) not in (None, FQBN):
        return _tell(Failed("Error resolving FQBN: unknown board", _BAD_ARGUMENT))
    try:
        answer = getattr(stand_in, arguments.method)(arguments)
    except Failed as failure:
        return _tell(failure)
    if answer is not None:
        print(json.dumps(answer, indent=2))
    return GENERIC if answer and answer.get("success") is False else 0


def _tell(failure: Failed) -> int:
    print(json.dumps(failure.answer), file=sys.stderr)
    return failure.status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
