"""An executable in place of arduino-cli: answers from a script that a test writes, and notes every call.

It builds and uploads nothing; what our side makes of its answers is what is tested. (The bench that
really compiles, uploads and runs is tests/rehearsal.)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SERIAL_NUMBER = "8B0AC5A7E1B7D3F2"
FQBN = "arduino:mbed_nano:nano33ble"

_PROGRAM = """#!{python} -IS
import json, os, sys, time
folder, call = {folder!r}, sys.argv[1:]
script = json.load(open(folder + "/script.json"))
verb = " ".join(call[:2]) if call[0] in ("board", "core", "lib") else call[0]
path = folder + "/" + verb
with open(path, "a") as calls:
    calls.write(json.dumps(call) + "\\n")
steps = script[verb]
step = steps[min(len(open(path).readlines()), len(steps)) - 1]
open(path + ".busy", "x").close()
time.sleep(step.get("seconds", 0))
os.remove(path + ".busy")
if verb == "compile" and not step.get("status"):
    output = call[call.index("--output-dir") + 1]
    os.makedirs(output, exist_ok=True)
    for suffix in ("elf", "bin", "hex"):
        open(output + "/earshot.ino." + suffix, "w").write(suffix)
sys.stdout.write(json.dumps(step["stdout"]) if "stdout" in step else "")
sys.stderr.write(json.dumps(step["stderr"]) if "stderr" in step else "")
sys.exit(step.get("status", 0))
"""


def usb_port(
    address: str, serial_number: str = SERIAL_NUMBER, pid: str = "0x805a", known: bool = True
) -> dict[str, Any]:
    """An entry of `board list`."""
    boards = [{"name": "Arduino Nano 33 BLE", "fqbn": FQBN}] if known else []
    properties = {"pid": pid, "serialNumber": serial_number, "vid": "0x2341"}
    port = {"address": address, "label": address, "protocol": "serial", "properties": properties}
    return {"matching_boards": boards, "port": port} if boards else {"port": port}


class StandInCli:
    """The executable in a folder; each verb has steps, one a call, of which the last one stays.

    A step has `stdout` and `stderr` (as JSON), `status` and the `seconds` that it takes. It crashes when two
    calls of one verb overlap.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.command = folder / "arduino-cli"
        self.command.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)))
        self.command.chmod(0o755)
        self._script: dict[str, list[dict[str, Any]]] = {}
        self.steps("version", {"stdout": {"Application": "arduino-cli", "VersionString": "1.5.1"}})
        self.lists([])
        self.has_core("4.6.0")
        self.compiles()
        self.steps("upload", {"stdout": {"stdout": "", "stderr": ""}})

    def steps(self, verb: str, *steps: dict[str, Any]) -> None:
        """What a verb answers, call by call, from now on."""
        self._script[verb] = list(steps)
        (self._folder / "script.json").write_text(json.dumps(self._script))
        (self._folder / verb).unlink(missing_ok=True)

    def lists(self, *snapshots: list[dict[str, Any]]) -> None:
        """What `board list` sees, call by call."""
        self.steps("board list", *({"stdout": {"detected_ports": ports}} for ports in snapshots))

    def has_core(self, version: str) -> None:
        """Which version of the core is installed; "" for none."""
        platform = {"id": "arduino:mbed_nano", "installed_version": version, "releases": {version: {}}}
        self.steps("core list", {"stdout": {"platforms": [platform] if version else []}})

    def compiles(self, text: int = 123_456, data: int = 45_678, **step: Any) -> None:
        """Which sizes `compile` answers; a `status` makes it fail."""
        sections = [
            {"name": "text", "size": text, "max_size": 983_040},
            {"name": "data", "size": data, "max_size": 262_144},
        ]
        result = {
            "executable_sections_size": sections,
            "board_platform": {"id": "arduino:mbed_nano", "version": "4.6.0"},
            "build_properties": ["build.mcu=cortex-m4"],
        }
        self.steps("compile", {"stdout": {"builder_result": result, "success": "status" not in step}, **step})

    def calls(self, verb: str) -> list[list[str]]:
        """The arguments of every call of a verb, since its steps were set last."""
        path = self._folder / verb
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
