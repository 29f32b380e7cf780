"""Calls of arduino-cli. A failed call raises the error class of its verb.

cli = ArduinoCli()
compiled = cli.compile(sketch, "arduino:mbed_nano:nano33ble", output)
cli.upload("arduino:mbed_nano:nano33ble", "/dev/ttyACM0", output)
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.arduino_cli.answers import (
    BoardList,
    CompileAnswer,
    Compiled,
    Core,
    CoreList,
    DetectedPort,
    FailureAnswer,
    Library,
    LibraryList,
    ListAnswer,
    VersionAnswer,
    compiled,
)
from harness.arduino_cli.failures import (
    BY_HAND,
    INSTALL,
    NEEDS_PROGRAMMER,
    failure,
    not_compiled,
    nothing_listed,
    too_large,
)
from harness.errors import BoardNotFound, BuildFailed, EarshotError, NothingListed, UploadFailed, UsageError
from harness.link.deadline import Deadline
from harness.processes.command import Finished, run

MINIMUM_VERSION = "1.2.0"
COMMAND_VARIABLE = "EARSHOT_ARDUINO_CLI"

_VERSION_S = 30.0
_LIST_S = 15.0  # the discovery itself takes 1 s
_INSTALLED_S = 60.0  # `core list` and `lib list` read every installed release
_COMPILE_S = 15 * 60.0  # mbed's core from nothing takes minutes on a slow host

_SIGNALED = 128  # added to a signal's number, as a shell does
_TRIED_PLACES = 100  # in a long output that holds no answer
_JSON = json.JSONDecoder(
    object_pairs_hook=lambda pairs: {key: value for key, value in pairs if value is not None}
)

_ENVIRONMENT = {
    "ARDUINO_LOCALE": "en",
    "CI": "1",  # no question, no update check
    "ARDUINO_UPDATER_ENABLE_NOTIFICATION": "false",
    "ARDUINO_NETWORK_CLOUD_API_SKIP_BOARD_DETECTION_CALLS": "true",  # an unknown USB id stalls offline
    "ARDUINO_NETWORK_CONNECTION_TIMEOUT": "5s",
    "LC_ALL": "C",  # compiler and linker write English, whatever the user's terminal does (`too_large`)
}

_Answer = TypeVar("_Answer")


class ArduinoCli:
    """The arduino-cli of this machine.

    Every call runs with stdin closed in a session of its own, which is killed at the time limit, and when the
    caller is interrupted or ends. The first call checks the version.

    Args:
        command: path or name, which options may follow as in a shell; None for $EARSHOT_ARDUINO_CLI, or
            else `arduino-cli` on the search path.
        build_cache: folder of compiled cores, shared by sketches; None for arduino-cli's own.
    """

    def __init__(self, command: str | None = None, build_cache: Path | None = None) -> None:
        self.command = (command or os.environ.get(COMMAND_VARIABLE, "")).strip() or "arduino-cli"
        self._build_cache = build_cache
        self._version = ""

    def version(self) -> str:
        """Return the version, such as "1.5.1".

        Raises:
            BuildFailed: arduino-cli is missing, older than `MINIMUM_VERSION`, or does not answer.
        """
        self._check_version(BuildFailed)
        return self._version

    def sketchbook(self) -> Path:
        """Return the user's folder of sketches, which need not exist.

        Raises:
            UsageError: the call failed.
        """
        return Path(self._ask(["config", "get", "directories.user"], str, UsageError, _VERSION_S))

    def detected_ports(self) -> list[DetectedPort]:
        """Return the ports of this host, with the boards that installed cores take them for.

        Raises:
            NothingListed: there is no serial port, and arduino-cli names a reason.
            BoardNotFound: the call failed.
        """
        arguments = ["board", "list", "--discovery-timeout", "1s"]
        answer = self._ask(arguments, BoardList, BoardNotFound, _LIST_S)
        ports = [entry.detected() for entry in answer.detected_ports]
        serial = [port for port in ports if port.protocol == "serial"]
        self._check_listed(serial, answer, arguments, NothingListed, "serial port")
        return ports

    def cores(self) -> list[Core]:
        """Return the installed cores.

        Raises:
            BuildFailed: the call failed, or there is none and arduino-cli names a reason.
        """
        answer = self._ask(["core", "list"], CoreList, BuildFailed, _INSTALLED_S)
        cores = [core for core in answer.platforms if core.version]
        self._check_listed(cores, answer, ["core", "list"], BuildFailed, "core")
        return cores

    def libraries(self) -> list[Library]:
        """Return the installed libraries.

        Raises:
            BuildFailed: the call failed, or there is none and arduino-cli names a reason.
        """
        answer = self._ask(["lib", "list"], LibraryList, BuildFailed, _INSTALLED_S)
        libraries = [entry.library for entry in answer.installed_libraries]
        self._check_listed(libraries, answer, ["lib", "list"], BuildFailed, "library")
        return libraries

    def compile(
        self,
        sketch: Path,
        fqbn: str,
        output: Path,
        properties: Mapping[str, str],
        library_folders: Iterable[Path] = (),
    ) -> Compiled:
        """Compile a sketch.

        arduino-cli chooses the folder for objects by the sketch's path: sketches need paths of their own.

        Args:
            sketch: its folder, named like its .ino file.
            fqbn: such as "arduino:mbed_nano:nano33ble".
            output: folder for image, .bin, .hex and .map; created if missing.
            properties: build properties to override, such as {"compiler.cpp.extra_flags": "-O3"}.
            library_folders: folders of libraries, searched before the installed ones.

        Raises:
            DoesNotFit: the image is larger than the board.
            BuildFailed: any other failure.
        """
        arguments = ["compile", "--fqbn", fqbn, "--output-dir", str(output.resolve())]
        for name, value in properties.items():
            arguments += ["--build-property", f"{name}={value}"]
        for folder in library_folders:
            arguments += ["--libraries", _item(str(folder.resolve()))]
        arguments.append(str(sketch.resolve()))
        answer = self._ask(arguments, CompileAnswer, BuildFailed, _COMPILE_S)
        if not answer.success:
            problem = too_large(answer, sketch.name)
            raise problem or not_compiled(BuildFailed, self._line(arguments), answer)
        image = output / f"{sketch.resolve().name}.ino.elf"
        if not image.is_file():
            raise failure(
                BuildFailed,
                f"arduino-cli reported success, but there is no {image.name} in {image.parent}",
                self._line(arguments),
                remedy="Name the sketch's folder like its .ino file.",
            )
        if found := compiled(answer.result, image):
            return found
        raise failure(
            BuildFailed,
            "arduino-cli does not tell the size of the image",
            self._line(arguments),
            remedy="Install the core again: its platform.txt lacks recipe.size.regex.",
        )

    def upload(self, fqbn: str, port: str, input_dir: Path, limit_s: float = 120.0) -> None:
        """Put a compiled sketch on the board at a port; no process may have the port open.

        Args:
            fqbn: such as "arduino:mbed_nano:nano33ble".
            port: such as "/dev/ttyACM0".
            input_dir: the `output` of the compilation, with one sketch in it.
            limit_s: longest time: up to 10 s for the bootloader's port after the touch at 1200 baud, 960 KB
                through it, and 1 to 6 s for the sketch's port.

        Raises:
            UploadFailed: the call failed.
        """
        arguments = ["upload", "--fqbn", fqbn, "--port", port, "--input-dir", str(input_dir.resolve())]
        self._ask(arguments, dict, UploadFailed, limit_s)

    def _check_version(self, kind: type[EarshotError]) -> None:
        if self._version:
            return
        answer = self._call(["version"], VersionAnswer, kind, _VERSION_S)
        numbers = _numbers(answer.version)
        # Developers' builds ("nightly", "git-snapshot", "0.0.0-git") have no numbers, and are taken as new.
        if not answer.version or (any(numbers) and numbers < _numbers(MINIMUM_VERSION)):
            raise failure(
                kind,
                f"arduino-cli {answer.version or 'of an unknown version'} is too old: "
                f"{MINIMUM_VERSION} or later is needed",
                self._line(["version"]),
                remedy="Install a current arduino-cli.",
            )
        self._version = answer.version

    def _check_listed(
        self, items: list[Any], answer: ListAnswer, arguments: list[str], kind: type[EarshotError], item: str
    ) -> None:
        """Refuse an empty list that arduino-cli has warnings about."""
        if not items and answer.warnings:
            raise nothing_listed(kind, item, self._line(arguments), answer.warnings)

    def _ask(
        self, arguments: list[str], answer: type[_Answer], kind: type[EarshotError], limit_s: float
    ) -> _Answer:
        self._check_version(kind)
        return self._call(arguments, answer, kind, limit_s)

    def _call(
        self, arguments: list[str], answer: type[_Answer], kind: type[EarshotError], limit_s: float
    ) -> _Answer:
        """Run one call, in the root folder: a sketch.yaml in the working folder would have a say."""
        line = self._line(arguments)
        program, *options = self._words()
        path = shutil.which(program)
        if path is None:
            raise failure(kind, "arduino-cli is not installed", line, remedy=INSTALL)
        environment = os.environ | _ENVIRONMENT
        if self._build_cache:
            environment["ARDUINO_BUILD_CACHE_PATH"] = str(self._build_cache.resolve())
        command = [str(Path(path).absolute()), *options, *arguments, "--json"]
        try:
            ended = run(command, Deadline(limit_s), environment, Path("/"))
        except OSError as problem:
            what = "arduino-cli cannot be started"
            raise failure(kind, what, line, output=str(problem), remedy=INSTALL) from problem
        if ended.cut_off:
            what = f"arduino-cli was killed: it {ended.cut_off}"
            remedy = "Try the command by hand; without a network a missing index can stall it."
            raise failure(kind, what, line, output=ended.stderr, remedy=remedy)
        found = _decoded(ended.stdout, answer) if ended.status == 0 or answer is CompileAnswer else None
        if found is None:
            raise self._failed(ended, line, kind)
        return found

    def _failed(self, ended: Finished, line: str, kind: type[EarshotError]) -> EarshotError:
        answer = _decoded(ended.stderr, FailureAnswer) or _decoded(ended.stdout, FailureAnswer)
        if answer is None:
            output = ended.stderr.strip() or ended.stdout
            what = (
                "arduino-cli failed"
                if ended.status
                else "arduino-cli's answer is not the JSON that it documents"
            )
            if (ended.status or 0) > _SIGNALED or output.startswith("panic:"):
                what = "arduino-cli crashed"
            return failure(kind, what, line, status=ended.status, output=output)
        needs_programmer = ended.status == NEEDS_PROGRAMMER
        what = "arduino-cli needs a programmer to upload" if needs_programmer else "arduino-cli failed"
        remedy = "Check the fqbn: boards of this kind have a bootloader." if needs_programmer else BY_HAND
        return failure(kind, what, line, status=ended.status, output=str(answer), remedy=remedy)

    def _words(self) -> list[str]:
        """Return the program and its own options; a program may have blanks in its path."""
        choices = [[self.command]]
        with contextlib.suppress(ValueError):  # a quotation mark without its pair
            choices.append(shlex.split(self.command))
        expanded = [[os.path.expanduser(word) for word in words] for words in choices]  # noqa: PTH111, no home
        return next((words for words in expanded if shutil.which(words[0])), expanded[-1])

    def _line(self, arguments: list[str]) -> str:
        return shlex.join([*self._words(), *arguments, "--json"])


def _decoded(text: str, answer: type[_Answer]) -> _Answer | None:
    """Return the answer in an output; None if there is none.

    Cores, plugins and wrappers print lines before and after arduino-cli's JSON. Go writes an empty list, and
    an answer that holds nothing else, as null.
    """
    if answer is str:
        with contextlib.suppress(msgspec.MsgspecError):
            return msgspec.json.decode(text, type=answer)
    for start in islice(re.finditer(r"\{|^\s*(null|\[\s*\])\s*$", text, re.MULTILINE), _TRIED_PLACES):
        with contextlib.suppress(msgspec.MsgspecError, ValueError, RecursionError):
            value = _JSON.raw_decode(text, start.start())[0] if start[0] == "{" else {}
            if answer is dict or not value or value.keys() & set(_names(answer)):
                return msgspec.convert(value, answer, strict=False)
    return None


def _names(answer: Any) -> Iterable[str]:
    return (item.encode_name for item in msgspec.structs.fields(answer))


def _item(value: str) -> str:
    """Return a value as one item of a list, which arduino-cli reads as a line of CSV."""
    quoted = value.replace('"', '""')
    return f'"{quoted}"' if "," in value or '"' in value else value


def _numbers(version: str) -> tuple[int, ...]:
    """Return (1, 5, 1) for "1.5.1" and "1.5.1-rc.2"; () for "nightly"."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    return tuple(map(int, match.groups())) if match else ()
