"""Stands in for arduino-cli: its arguments and its JSON, the emulated board's compiler, the board process.

    python -m rehearsal.stand_in STATE_FOLDER <arguments as arduino-cli 1.x takes them>

What it does not know it refuses, as arduino-cli does. Its compiler is that of the emulated board, its upload
asks the board process. Every call is added to `calls.jsonl` in the state folder. `faults/<verb>` there makes
the calls of a verb (`board`, `compile`, `upload`, …) go wrong: a JSON object with `kind` fail, hang, crash,
nonsense or old, and `times`.
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
from typing import Any, NoReturn

_VERSION = "1.3.1"
FQBN = "arduino:mbed_nano:nano33ble"
CORE, CORE_VERSION = "arduino:mbed_nano", "4.6.0"
_GENERIC, _BAD_ARGUMENT = 1, 7  # exit codes
_TEXT_LIMIT, _DATA_LIMIT = 983_040, 262_144


class Failed(Exception):
    """A call that ends with an error object on stderr."""

    def __init__(self, error: str, status: int = _GENERIC, **output: str) -> None:
        self.answer: dict[str, Any] = {"error": error, **({"output": output} if output else {})}
        self.status = status


class StandIn:
    """One call of arduino-cli."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def version(self, arguments: argparse.Namespace) -> dict[str, Any]:
        return {"VersionString": "0.35.3" if self._fault("version", "old") else version()}

    def board_list(self, arguments: argparse.Namespace) -> dict[str, Any]:
        from harness.boards.plugged.control import ask
        from harness.errors import BoardNotFound

        try:
            port = ask(self._state, do="state")["port"]
        except BoardNotFound:  # unplugged
            port = None
        if port is None:
            return {"detected_ports": []}
        boards = [{"name": "Arduino Nano 33 BLE", "fqbn": FQBN}]
        return {"detected_ports": [{"matching_boards": boards, "port": self._port(port)}]}

    def core_list(self, arguments: argparse.Namespace) -> dict[str, Any]:
        return {"platforms": [{"id": CORE, "installed_version": CORE_VERSION, "releases": {}}]}

    def lib_list(self, arguments: argparse.Namespace) -> dict[str, Any]:
        return {"installed_libraries": []}

    def compile(self, arguments: argparse.Namespace) -> dict[str, Any]:
        from harness.errors import BuildFailed
        from harness.firmware import elf
        from harness.firmware.arm_gcc import build_image, find_compiler

        if self._fault("compile", "fail"):
            raise Failed("Error during build: exit status 1", stderr="internal compiler error")
        sketch, output = Path(arguments.sketch), Path(arguments.output_dir)
        if not (sketch / f"{sketch.name}.ino").is_file():
            raise Failed(f"Can't open sketch: main file missing from sketch: {sketch}")
        output.mkdir(parents=True, exist_ok=True)
        compiler = find_compiler()
        image = output / f"{sketch.name}.ino.elf"
        flags = ["-Os", "-DARDUINO_ARDUINO_NANO33BLE", *_extra_flags(arguments.build_property)]
        try:
            build_image(compiler, sketch, flags, image)
        except BuildFailed as failure:
            return {"compiler_err": str(failure), "error": "exit status 1", "success": False}
        text, data = elf.flash_and_ram(elf.section_sizes(image))
        sections = [
            {"name": "text", "size": text, "max_size": _TEXT_LIMIT},
            {"name": "data", "size": data, "max_size": _DATA_LIMIT},
        ]
        for section in sections:
            if section["size"] > section["max_size"]:
                error = f"{section['name']} section exceeds available space in board"
                return {"error": error, "success": False}
        result = {
            "used_libraries": [],
            "executable_sections_size": sections,
            "build_properties": [
                "build.mcu=cortex-m4",
                f"compiler.path={Path(compiler.path).parent}/",
                f"compiler.cpp.cmd={Path(compiler.path).name}",
                *arguments.build_property,
            ],
            "diagnostics": [],
        }
        return {"builder_result": result, "success": True}

    def upload(self, arguments: argparse.Namespace) -> dict[str, Any]:
        import serial

        from harness.boards.plugged.control import ask

        if not os.path.lexists(arguments.port):
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
        returns = ask(self._state, do="upload", image=str(images[0].resolve()))["returns"]
        while (port := ask(self._state, do="state")["port"]) is None and returns:
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
        """Hang, crash or talk nonsense, if a fault says so."""
        if self._fault(verb, "hang"):
            time.sleep(3600)
        if self._fault(verb, "crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if self._fault(verb, "nonsense"):
            print("Warnung: {das ist kein JSON")
            sys.exit(0)

    def _fault(self, verb: str, kind: str) -> bool:
        """Return whether this call is to go wrong in this way; count down how often still."""
        path = self._state / "faults" / verb
        try:
            fault = json.loads(path.read_text())
        except FileNotFoundError:
            return False
        if fault["kind"] != kind or fault["times"] <= 0:
            return False
        path.write_text(json.dumps({**fault, "times": fault["times"] - 1}))
        return True


def version() -> str:
    """Return a version that arduino-cli never has, another one for each state of the emulated core.

    Images are kept by the version of what compiled them.
    """
    from harness.firmware import arduino_platform, arm_gcc

    digest = hashlib.sha256()
    files = (path for path in sorted(arduino_platform.PLATFORM.rglob("*")) if path.is_file())
    for path in (Path(__file__), Path(arm_gcc.__file__), *files):
        digest.update(path.read_bytes())
    return f"{_VERSION}-rehearsal.{digest.hexdigest()[:8]}"


def _extra_flags(properties: list[str]) -> list[str]:
    """Return what properties such as compiler.cpp.extra_flags add to the compiler's arguments."""
    return [
        flag
        for name, _, value in (entry.partition("=") for entry in properties)
        if name == "compiler.cpp.extra_flags"
        for flag in value.split()
    ]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"Error: {message}", file=sys.stderr)
        sys.exit(_GENERIC)


def parser() -> argparse.ArgumentParser:
    """Return the parser of a command line; `method` is the verb's method of the stand-in."""
    top = _Parser(prog="arduino-cli", allow_abbrev=False)
    verbs = top.add_subparsers(dest="verb", required=True)

    def verb(parent: Any, name: str, method: str, *options: str) -> argparse.ArgumentParser:
        added = parent.add_parser(name, allow_abbrev=False)
        added.set_defaults(method=method)
        added.add_argument("--json", action="store_true", required=True)
        for option in options:
            added.add_argument(option, required=True)
        return added

    def group(name: str) -> Any:
        return verbs.add_parser(name, allow_abbrev=False).add_subparsers(dest="part", required=True)

    verb(verbs, "version", "version")
    verb(group("board"), "list", "board_list", "--discovery-timeout")
    verb(group("core"), "list", "core_list")
    verb(group("lib"), "list", "lib_list")
    compiling = verb(verbs, "compile", "compile", "--fqbn", "--output-dir")
    compiling.add_argument("sketch")
    for option in ("--build-property", "--libraries"):
        compiling.add_argument(option, action="append", default=[])
    verb(verbs, "upload", "upload", "--fqbn", "--port", "--input-dir")
    return top


def main(state: Path, argv: list[str]) -> int:
    """Answer one call and return its exit status."""
    with (state / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(argv) + "\n")
    arguments = parser().parse_args(argv)
    stand_in = StandIn(state)
    stand_in.misbehave(arguments.verb)
    try:
        if getattr(arguments, "fqbn", FQBN) != FQBN:
            raise Failed("Error resolving FQBN: unknown board", _BAD_ARGUMENT)
        answer = getattr(stand_in, arguments.method)(arguments)
    except Failed as failure:
        print(json.dumps(failure.answer), file=sys.stderr)
        return failure.status
    print(json.dumps(answer, indent=2))
    return 0 if answer.get("success", True) else _GENERIC


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
