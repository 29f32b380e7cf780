"""Stands in for arduino-cli: its arguments and its JSON, the emulated board's compiler, the board process.

    python -m rehearsal.stand_in STATE_FOLDER <arguments as arduino-cli 1.x takes them>

What it does not know it refuses, as arduino-cli does. It compiles by the recipes of the emulated platform,
and its flash tool asks the board process. Every call is added to `calls.jsonl` in the state folder.
`faults/<verb>` there makes the calls of a verb (`board`, `compile`, `upload`, …) go wrong: a JSON object with
`kind` fail, hang, crash, nonsense or old, and `times`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import site
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

from cli_answers import (
    CORE,
    FLASH_BYTES,
    FQBN,
    RAM_BYTES,
    VERSION,
    compile_answer,
    core_list,
    sections,
    usb_port,
    weighed,
)

_VERSION = "1.3.1"
_GENERIC = 1  # exit code


class Failed(Exception):
    """A call that ends with an error object on stderr."""

    def __init__(self, error: str, **output: str) -> None:
        self.answer: dict[str, Any] = {"error": error, **({"output": output} if output else {})}


class StandIn:
    """One call of arduino-cli."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def version(self, arguments: argparse.Namespace) -> dict[str, Any]:
        return VERSION | {"VersionString": "0.35.3" if self._fault("version", "old") else version()}

    def board_list(self, arguments: argparse.Namespace) -> dict[str, Any]:
        from harness.boards.plugged.control import ask
        from harness.errors import BoardNotFound

        try:
            port = ask(self._state, do="state")["port"]
        except BoardNotFound:  # unplugged
            port = None
        if port is None:
            return {"detected_ports": []}
        return {"detected_ports": [self._attached(port)]}

    def core_list(self, arguments: argparse.Namespace) -> dict[str, Any]:
        return core_list((self._state / "core_version").read_text())

    def lib_list(self, arguments: argparse.Namespace) -> dict[str, Any]:
        return {"installed_libraries": []}

    def compile(self, arguments: argparse.Namespace) -> dict[str, Any]:
        site.main()  # the recipes need its packages; the many other calls start without
        from recipes import RecipeFailed, compile_sketch, sizes

        sketch, output = Path(arguments.sketch), Path(arguments.output_dir)
        name = f"{sketch.name}.ino"
        if not sketch.is_dir():
            raise Failed(f"Can't open sketch: no such file or directory: {sketch}")
        if not (sketch / name).is_file():
            raise Failed(f"Can't open sketch: main file missing from sketch: {sketch / name}")
        if problem := _problem_with(arguments.fqbn):
            return compile_answer("", "", None, problem)
        if self._fault("compile", "fail"):
            return compile_answer("", "internal compiler error\n", {}, "exit status 1")
        build = self._state / "sketches" / hashlib.md5(str(sketch).encode()).hexdigest()
        shutil.rmtree(build, ignore_errors=True)
        overridden = dict(entry.split("=", 1) for entry in arguments.build_property)
        try:
            image = compile_sketch(sketch, build, extra=overridden)
        except RecipeFailed as failure:
            diagnostics = _diagnostics(str(failure))
            result = {"diagnostics": diagnostics} if diagnostics else {}
            return compile_answer("", str(failure), result, "exit status 1")
        text, data = sizes(image)
        for section, size, limit, said in (
            ("text", text, FLASH_BYTES, "Sketch too big"),
            ("data", data, RAM_BYTES, "Not enough memory"),
        ):
            if size > limit:
                error = f"{section} section exceeds available space in board"
                return compile_answer(weighed(text, data), f"{said}\n", {}, error)
        output.mkdir(parents=True, exist_ok=True)
        for file in build.glob(f"{name}.*"):
            shutil.copy(file, output)
        result = {"executable_sections_size": sections(text, data)}
        return compile_answer(weighed(text, data), "", result, compiler_path="")

    def upload(self, arguments: argparse.Namespace) -> dict[str, Any]:
        from harness.boards.plugged.control import ask

        if (platform := ":".join(arguments.fqbn.split(":")[:2])) != CORE:
            raise Failed(f"Error during Upload: Platform '{platform}' not found: unknown platform {platform}")
        folder = Path(arguments.input_dir)
        images = list(folder.glob("*.ino.elf"))
        if len(images) != 1:
            reason = "could not find a valid build artifact"
            if not folder.exists():
                reason = f"open {folder}: no such file or directory"
            raise Failed(f"Error finding build artifacts: looking for build artifacts: {reason}")
        if self._fault("upload", "fail"):
            stderr = f"No device found on {Path(arguments.port).name}\n"
            raise Failed("Failed uploading: uploading error: exit status 1", stdout="", stderr=stderr)
        tool = [
            sys.executable,
            "-m",
            "rehearsal.flash_tool",
            self._state,
            arguments.port,
            images[0].resolve(),
        ]
        done = subprocess.run(tool, capture_output=True, text=True, process_group=0)
        if done.returncode:
            error = f"Failed uploading: uploading error: exit status {done.returncode}"
            raise Failed(error, stdout=done.stdout, stderr=done.stderr)
        port = ask(self._state, do="state")["port"]
        # Without a new port the given one is said to be the board's.
        updated = self._attached(port or arguments.port)["port"]
        return {"stdout": done.stdout, "stderr": done.stderr, "updated_upload_port": updated}

    def _attached(self, address: str) -> dict[str, Any]:
        return usb_port(address, (self._state / "serial_number").read_text())

    def misbehave(self, verb: str) -> None:
        """Hang, crash or talk nonsense, if a fault says so."""
        if self._fault(verb, "hang"):
            subprocess.run(["sleep", "3600"], process_group=0)  # a tool, as arduino-cli starts them
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
    """Return a version that arduino-cli never has, another one for each state of the emulated platform.

    Images are kept by the version of what compiled them.
    """
    site.main()
    import recipes

    from harness.firmware.arduino_platform import PLATFORM

    digest = hashlib.sha256()
    files = sorted(path for path in PLATFORM.rglob("*") if path.is_file())
    for path in (Path(__file__), Path(recipes.__file__), *files):
        digest.update(path.read_bytes())
    return f"{_VERSION}-rehearsal.{digest.hexdigest()[:8]}"


def _problem_with(fqbn: str) -> str:
    """Return what is wrong with an FQBN, in arduino-cli's words; "" for nothing."""
    parts = fqbn.split(":")
    platform = ":".join(parts[:2])
    if len(parts) != 3:
        return f"Invalid FQBN: not an FQBN: {fqbn}"
    if platform != CORE:
        return f"Platform '{platform}' not found: platform not installed"
    return "" if fqbn == FQBN else f"Invalid FQBN: board {fqbn} not found"


_PLACE = re.compile(r"(?P<file>/[^:]+):(?:(?P<line>\d+):(?P<column>\d+):)? (?P<rest>.*)")
_SEVERITY = re.compile(r"(?:(?P<fatal>fatal) )?error: (?P<message>.*)")


def _diagnostics(stderr: str) -> list[dict[str, Any]]:
    """Return the errors of gcc as arduino-cli reads them: with the source lines, in their function."""
    found: list[dict[str, Any]] = []
    context: dict[str, Any] = {}
    for line in stderr.splitlines():
        place = _PLACE.match(line)
        said = place and _SEVERITY.match(place["rest"])
        if place and said:
            where = {"file": place["file"], "line": int(place["line"]), "column": int(place["column"])}
            severity = "FATAL" if said["fatal"] else "ERROR"
            found.append({"severity": severity, "message": said["message"], **where, **context})
        elif place:
            context = {"context": [{"message": place["rest"], "file": place["file"]}]}
        elif found and line.startswith(" "):
            found[-1]["message"] += f"\n{line}"
    return found


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
        answer = getattr(stand_in, arguments.method)(arguments)
    except Failed as failure:
        print(json.dumps(failure.answer), file=sys.stderr)
        return _GENERIC
    print(json.dumps(answer, indent=2))
    return 0 if answer.get("success", True) else _GENERIC


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
