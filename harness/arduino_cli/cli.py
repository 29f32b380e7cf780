"""arduino-cli's verbs as typed calls; every failure is of its verb's class and explains itself.

cli = ArduinoCli()
compiled = cli.compile(sketch, "arduino:mbed_nano:nano33ble", None, output)
cli.upload("arduino:mbed_nano:nano33ble", "/dev/ttyACM0", output)
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.arduino_cli import answers, failures
from harness.arduino_cli.answers import Core, DetectedPort, Library
from harness.arduino_cli.call import call
from harness.arduino_cli.compiled import Compiled, Uploaded, compiled
from harness.arduino_cli.failures import Trouble
from harness.arduino_cli.too_large import too_large
from harness.errors import BoardNotFound, BuildFailed, EarshotError, UploadFailed
from harness.link.deadline import Deadline

MINIMUM_VERSION = "1.0.0"
"""The first arduino-cli with `--json` and the answers that stand in its documentation."""

COMMAND_VARIABLE = "EARSHOT_ARDUINO_CLI"

VERSION_S = 30.0
LIST_S = 15.0  # the discovery itself takes 1 s
INSTALLED_S = 60.0  # `core list` and `lib list` read every installed release
COMPILE_S = 15 * 60.0  # mbed's core from nothing takes minutes on a slow host
UPLOAD_S = 2 * 60.0  # 10 s until the bootloader's port is there, then up to 960 KB through it
INSTALL_S = 30 * 60.0  # the mbed core brings its compiler, hundreds of megabytes

_DISCOVERY = Path("packages", "builtin", "tools", "serial-discovery")


class ArduinoCli:
    """The arduino-cli of this machine.

    Every call runs with stdin closed in a process group of its own, which is killed at the time limit and
    when the caller is interrupted. A limit is a `Deadline`, or seconds from the call on. The first call
    asks for the version.

    Args:
        command: path or name; None for $EARSHOT_ARDUINO_CLI, or else `arduino-cli` on the search path.
        build_cache: where compiled cores are kept and shared between sketches; None for arduino-cli's own.

    Attributes:
        warnings: what arduino-cli warned of in its last answer, such as an index it could not load offline.
    """

    def __init__(self, command: str | None = None, build_cache: Path | None = None) -> None:
        self.command = command or os.environ.get(COMMAND_VARIABLE) or "arduino-cli"
        self.warnings: tuple[str, ...] = ()
        self._build_cache = build_cache
        self._version = ""

    def version(self, limit: Deadline | float = VERSION_S) -> str:
        """The version, such as "1.5.1".

        Raises:
            BuildFailed: arduino-cli is missing, older than `MINIMUM_VERSION`, or does not answer.
        """
        self._check_version(BuildFailed, _deadline(limit))
        return self._version

    def detected_ports(self, limit: Deadline | float = LIST_S) -> list[DetectedPort]:
        """The ports of this host, with the boards that installed cores take them for.

        Raises:
            BoardNotFound: the call failed, or arduino-cli has no serial discovery.
        """
        arguments, deadline = ["board", "list", "--discovery-timeout", "1s"], _deadline(limit)
        ports = answers.detected_ports(self._ask(arguments, BoardNotFound, deadline))
        if not ports and (warnings := self.warnings):
            folder = self._ask(["config", "get", "directories.data"], BoardNotFound, deadline)
            self.warnings = warnings
            if not Path(str(folder), _DISCOVERY).is_dir():
                raise failures.incomplete(self._line(arguments), warnings).as_error(BoardNotFound)
        return ports

    def cores(self, limit: Deadline | float = INSTALLED_S) -> list[Core]:
        """The installed cores.

        Raises:
            BuildFailed: the call failed.
        """
        return answers.cores(self._ask(["core", "list"], BuildFailed, _deadline(limit)))

    def install_core(self, core: str, limit: Deadline | float = INSTALL_S) -> Core:
        """Installs a core and makes sure that it is there.

        Args:
            core: id and version, such as "arduino:mbed_nano@4.6.0"; without a version the newest one.

        Raises:
            BuildFailed: the call failed, or it installed nothing.
        """
        arguments, deadline = ["core", "install", core], _deadline(limit)
        self._ask(arguments, BuildFailed, deadline, may_be_silent=True)
        name, _, version = core.partition("@")
        for found in self.cores(deadline):
            if found.id == name and version in ("", found.version):
                return found
        raise failures.not_there(self._line(arguments), core).as_error(BuildFailed)

    def libraries(self, limit: Deadline | float = INSTALLED_S) -> list[Library]:
        """The installed libraries, with their folders.

        Raises:
            BuildFailed: the call failed.
        """
        return answers.libraries(self._ask(["lib", "list"], BuildFailed, _deadline(limit)))

    def install_library(self, library: str, limit: Deadline | float = INSTALL_S) -> Library:
        """Installs a library and what it depends on, and makes sure that it is there.

        Args:
            library: name and version, such as "Chirale_TensorFlowLite@2.0.0"; without one the newest.

        Raises:
            BuildFailed: the call failed, or it installed nothing.
        """
        arguments, deadline = ["lib", "install", library], _deadline(limit)
        self._ask(arguments, BuildFailed, deadline, may_be_silent=True)
        name, _, version = library.partition("@")
        for found in self.libraries(deadline):
            if found.name.casefold() == name.casefold() and version in ("", found.version):
                return found
        raise failures.not_there(self._line(arguments), library).as_error(BuildFailed)

    def compile(
        self,
        sketch: Path,
        fqbn: str,
        build_path: Path | None,
        output: Path,
        properties: Mapping[str, str] | None = None,
        library_folders: Iterable[Path] = (),
        limit: Deadline | float = COMPILE_S,
    ) -> Compiled:
        """Compiles a sketch.

        Args:
            sketch: its folder, named like its .ino file.
            fqbn: such as "arduino:mbed_nano:nano33ble".
            build_path: for objects. None lets arduino-cli choose by the sketch's path, so that two variants
                at one path collide; but only then it takes a compiled core from the build cache.
            output: where image, .bin, .hex and .map go; made when it is not there.
            properties: build properties to override, such as {"compiler.cpp.extra_flags": "-O3"}.
            library_folders: folders of libraries, searched before the installed ones.

        Raises:
            DoesNotFit: the image is larger than the board (too_large.py).
            BuildFailed: anything else.
        """
        arguments = ["compile", "--fqbn", fqbn, "--output-dir", str(output.resolve())]
        if build_path:
            arguments += ["--build-path", str(build_path.resolve())]
        for name, value in (properties or {}).items():
            arguments += ["--build-property", f"{name}={value}"]
        for folder in library_folders:
            arguments += ["--libraries", str(folder.resolve())]
        arguments.append(str(sketch.resolve()))
        started = time.time()
        answer = answers.compile_answer(self._ask(arguments, BuildFailed, _deadline(limit)))
        if problem := too_large(answer, started, sketch.name):
            raise problem
        if not answer.success:
            raise failures.not_compiled(self._line(arguments), answer).as_error(BuildFailed)
        image = output / f"{sketch.resolve().name}.ino.elf"
        if not image.is_file():
            raise failures.no_image(self._line(arguments), image).as_error(BuildFailed)
        return compiled(answer, image)

    def upload(self, fqbn: str, port: str, input_dir: Path, limit: Deadline | float = UPLOAD_S) -> Uploaded:
        """Puts a compiled sketch on the board at a port; nobody may have the port open.

        Args:
            fqbn: such as "arduino:mbed_nano:nano33ble".
            port: such as "/dev/ttyACM0".
            input_dir: the `output` of the compilation, with one sketch in it.

        Raises:
            UploadFailed: the call failed.
        """
        arguments = ["upload", "--fqbn", fqbn, "--port", port, "--input-dir", str(input_dir.resolve())]
        answer = self._ask(arguments, UploadFailed, _deadline(limit))
        return Uploaded(answers.port_hint(answer))

    def _ask(
        self, arguments: list[str], kind: type[EarshotError], deadline: Deadline, may_be_silent: bool = False
    ) -> Any:
        """The answer to a call, once the version is known to be one that answers so."""
        self._check_version(kind, deadline)
        answer = call(self.command, [*arguments, "--json"], deadline, self._build_cache)
        if answer is None and not may_be_silent:
            answer = failures.crashed(self._line(arguments), 0, "")
        if isinstance(answer, Trouble):
            raise answer.as_error(kind)
        self.warnings = answers.warnings(answer)
        return answer

    def _check_version(self, kind: type[EarshotError], deadline: Deadline) -> None:
        if self._version:
            return
        answer = call(self.command, ["version", "--json"], deadline, None)
        if isinstance(answer, Trouble):  # those that are too old know no --json
            answer_of_old = call(self.command, ["version", "--format", "json"], deadline, None)
            answer = answer if isinstance(answer_of_old, Trouble) else answer_of_old
        if isinstance(answer, Trouble):
            raise answer.as_error(kind)
        version = answers.version(answer)
        numbers = answers.version_numbers(version)
        is_development = bool(version) and numbers is None
        if not is_development and (numbers or ()) < (answers.version_numbers(MINIMUM_VERSION) or ()):
            raise failures.too_old(self._line(["version"]), version, MINIMUM_VERSION).as_error(kind)
        self._version = version

    def _line(self, arguments: list[str]) -> str:
        return shlex.join([self.command, *arguments, "--json"])


def _deadline(limit: Deadline | float) -> Deadline:
    return limit if isinstance(limit, Deadline) else Deadline(limit)
