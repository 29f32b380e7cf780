"""An executable in place of arduino-cli that prints the answers that a test scripts, call by call.

It builds and uploads nothing. The stand-in that really compiles, uploads and runs is in tests/rehearsal.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cli_answers
from cli_answers import CORE_VERSION, FQBN, SERIAL_NUMBER, usb_port

__all__ = ["CORE_VERSION", "FQBN", "SERIAL_NUMBER", "StandInCli", "usb_port"]

_PROGRAM = """#!{python} -IS
import json, os, sys, time
folder, call = {folder!r}, sys.argv[1:]
script = json.load(open(folder + "/script.json"))
verb = " ".join(call[:2]) if call[0] in ("board", "core", "lib") else call[0]
path = folder + "/" + verb
details = dict(arguments=call, environment=dict(os.environ), folder=os.getcwd(), stdin=sys.stdin.read())
with open(path, "a") as calls:
    calls.write(json.dumps(details) + "\\n")
steps = script[verb]
step = steps[min(len(open(path).readlines()), len(steps)) - 1]
if "seconds" in step:
    open(path + ".busy", "x").close()
    time.sleep(step["seconds"])
    os.remove(path + ".busy")
if verb == "compile" and not step.get("status") and not step.get("makes_nothing"):
    output = call[call.index("--output-dir") + 1]
    os.makedirs(output, exist_ok=True)
    for suffix in ("elf", "bin", "hex"):
        open(output + "/earshot.ino." + suffix, "w").write(suffix)
    if cache := os.environ.get("ARDUINO_BUILD_CACHE_PATH"):
        os.makedirs(cache, exist_ok=True)
        open(cache + "/core.a", "w").close()
for stream in ("stdout", "stderr"):
    text = step.get(stream, "")
    getattr(sys, stream).write(text if isinstance(text, str) else json.dumps(text))
    getattr(sys, stream).flush()
exec(step.get("code", ""))
sys.exit(step.get("status", 0))
"""


class StandInCli:
    """The executable in a folder; each verb has one step per call, and the last step repeats.

    A step has `stdout` and `stderr` (text, or values to print as JSON), `status`, `code` to execute, and
    `seconds` that the call takes; during these, another call of the verb crashes the stand-in.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.command = folder / "arduino-cli"
        self.command.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)))
        self.command.chmod(0o755)
        self._script: dict[str, list[dict[str, Any]]] = {}
        self.has_version(cli_answers.VERSION["VersionString"])
        self.lists([])
        self.has_core(CORE_VERSION)
        self.compiles()
        self.steps("upload", {"stdout": cli_answers.UPLOAD})

    def steps(self, verb: str, *steps: dict[str, Any]) -> None:
        """Set the answers of a verb, call by call."""
        self._script[verb] = list(steps)
        (self._folder / "script.json").write_text(json.dumps(self._script))
        (self._folder / verb).unlink(missing_ok=True)

    def has_version(self, version: str) -> None:
        """Set the version of arduino-cli."""
        self.steps("version", {"stdout": cli_answers.VERSION | {"VersionString": version}})

    def lists(self, *snapshots: list[dict[str, Any]]) -> None:
        """Set the attached ports, call by call."""
        self.steps("board list", *({"stdout": {"detected_ports": ports}} for ports in snapshots))

    def has_core(self, version: str) -> None:
        """Set the version of the installed core; "" for none."""
        self.steps("core list", {"stdout": cli_answers.core_list(version)})

    def compiles(self, text: int = 123_456, data: int = 45_678, **step: float) -> None:
        """Set the sizes that `compile` answers, and the `seconds` that it takes."""
        self.steps("compile", {"stdout": cli_answers.compiled(text, data), **step})

    def calls(self, verb: str) -> list[list[str]]:
        """Return the arguments of every call of a verb since its steps were set."""
        return [call["arguments"] for call in self.details(verb)]

    def details(self, verb: str) -> list[dict[str, Any]]:
        """Return arguments, environment, working folder and stdin of every call of a verb."""
        path = self._folder / verb
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
