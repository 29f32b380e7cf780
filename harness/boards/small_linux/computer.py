"""A small Linux computer: this host, or one that OpenSSH's client reaches with the user's configuration.

Every step is a shell script that is run there, with its files packed into stdin: no scp is needed.
"""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.boards.locks import board_lock
from harness.boards.small_linux import connection, wheels
from harness.errors import BoardNotFound, ConnectionLost, EarshotError, ProtocolError, Unsupported
from models import progress

T = TypeVar("T")

RUNNER = Path(__file__).with_name("runner.py")

_FOLDER = '"$HOME/.cache/earshot"'
"""Folder of all files of Earshot on a computer, quoted for its shell."""

_MACHINES = ("x86_64", "aarch64")
"""Architectures that ONNX Runtime is published for, as packages of PyPI for Linux."""

_NO_PYTHON, _NO_VENV, _NOT_INSTALLED, _NO_SPACE = 41, 42, 43, 44
"""Exit codes of the scripts."""

_KILLED = 128 + 9
"""Exit code of a shell whose program got SIGKILL."""

_LONGEST_ANSWER = 80
"""Characters of an unexpected answer that are shown."""

_TURN_S = 600.0
"""Wait for a turn, s: others hold a computer for one model at a time."""

_NEEDED_KIB = 200_000
"""Free disk space that an installation needs: an environment of 130 MB, and packages of 26 MB meanwhile."""

_PROBE = f"command -v {{python}} >/dev/null || exit {_NO_PYTHON}; {{python}} -B - --describe"

_CHECK = "{python} -c 'import numpy, onnxruntime; print(onnxruntime.__version__)' 2>/dev/null || true"

_INSTALL = f"""\
set -e
mkdir -p {_FOLDER} && cd {_FOLDER}
set -- $(df -Pk . | tail -n 1)
[ "$4" -ge {_NEEDED_KIB} ] || exit {_NO_SPACE}
rm -rf new wheels && mkdir wheels && tar -xf - -C wheels
python3 -m venv new >&2 || exit {_NO_VENV}
new/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
--retries 1 --timeout 15 {{options}} >&2 || exit {_NOT_INSTALLED}
new/bin/python -c 'import numpy, onnxruntime' >&2 || exit {_NOT_INSTALLED}
rm -rf environment wheels && mv new environment
"""

_RUN = """\
work=$(mktemp -d {template}) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" && tar -xf - && {python} -B {arguments}
"""


class Machine(msgspec.Struct, frozen=True):
    """A computer's description of itself; None for what it does not tell.

    Attributes:
        id: of the installed system; never changes, and is unique.
        title: model of the computer or of its processor.
        host: name in its network.
        system: kernel and its version.
        machine: architecture of its programs, such as "aarch64".
        python: version, such as "3.11".
        cores: that a process may use.
        clock_hz: highest clock of the fastest core.
    """

    id: str
    title: str
    host: str
    system: str
    machine: str
    python: str
    cores: int
    ram_bytes: int | None
    clock_hz: int | None


class Computer:
    """This host, or a computer over SSH.

    Args:
        host: for ssh, such as "pi@kws-pi"; "" for this host.
        wait_s: longest wait for other processes that measure on it; at least `_TURN_S`.
    """

    def __init__(self, host: str = "", wait_s: float = 0.0) -> None:
        self.host, self._wait_s = host, max(wait_s, _TURN_S)
        self._is_ready = not host
        self._python = f"{_FOLDER}/environment/bin/python" if host else shlex.quote(sys.executable)

    @property
    def name(self) -> str:
        return self.host or "this host"

    @cached_property
    def machine(self) -> Machine:
        """Ask the computer about itself.

        Raises:
            BoardNotFound: it cannot be reached.
            Unsupported: it has no Python, or ONNX Runtime is not published for it.
            ProtocolError: its answer is no description.
        """
        command = _PROBE.format(python="python3" if self.host else self._python)
        answer = self._run(command, RUNNER.read_bytes(), "ask it about itself")
        found = self._decode(answer, Machine)
        if found.machine not in _MACHINES:
            raise Unsupported(
                f"ONNX Runtime is not published for programs of {found.machine}",
                where=f"{self.name}, {found.system}",
                remedy=f"Install a 64-bit system there: {' or '.join(_MACHINES)}.",
            )
        return found

    @property
    def description(self) -> str:
        """Describe the computer and its ONNX Runtime in a line; raises like `machine`."""
        machine, found = self.machine, self.installed() or "not installed"
        return f"{machine.title}, {machine.machine}, Python {machine.python}, ONNX Runtime {found}"

    def installed(self) -> str:
        """Return the installed version of ONNX Runtime; "" without one."""
        return _last_line(self._run(_CHECK.format(python=self._python), b"", "look for ONNX Runtime"))

    def prepare(self, bring: bool = False) -> None:
        """Install ONNX Runtime in the version of this host, unless it is installed already.

        Args:
            bring: download the packages here, for a computer without a network.

        Raises:
            EarshotError: the computer cannot be reached or used, or the packages are not to be had.
        """
        version, machine = wheels.version(), self.machine
        if self.installed() == version:
            self._is_ready = True
            return
        if bring:
            wheels.fill(machine.python, machine.machine)
        files = wheels.kept(machine.python, machine.machine)
        source = "the folder of wheels" if files else "its network"
        with progress.task(f"install ONNX Runtime {version} on {self.name} from {source}"):
            options = [*(["--no-index", "--find-links", "wheels"] if files else []), *wheels.requirements()]
            script = _INSTALL.format(options=shlex.join(options))
            self._run(script, _tar({file.name: file.read_bytes() for file in files}), "install ONNX Runtime")
        self._is_ready = True

    def run_model(self, model: Path, inputs: bytes, options: Sequence[str]) -> dict[str, Any]:
        """Run a model by the runner and return its answer, see `runner.measure`.

        Args:
            model: the .onnx.
            inputs: content of an .npz, see `runner.main`.
            options: of the runner, such as "--threads=1".

        Raises:
            ProtocolError: the runner gave no answer.
            EarshotError: the computer cannot be used, see `prepare`.
        """
        if not self._is_ready:
            self.prepare()
        files = {RUNNER.name: RUNNER.read_bytes(), "model.onnx": model.read_bytes(), "inputs.npz": inputs}
        arguments = shlex.join([RUNNER.name, "--model=model.onnx", "--inputs=inputs.npz", *options])
        template = f"{_FOLDER}/run-XXXXXX" if self.host else ""
        script = _RUN.format(template=template, python=self._python, arguments=arguments)
        with board_lock(f"linux {self.name}", self._wait_s):
            answer = self._run(script, _tar(files), "run the model")
        return self._decode(answer, dict[str, Any])

    def _decode(self, answer: str, kind: type[T]) -> T:
        """Decode the answer of the runner, its last line; a login shell may greet before it."""
        line = _last_line(answer)
        try:
            return msgspec.convert(json.loads(line), kind)  # the runner's JSON may have NaN
        except (ValueError, msgspec.MsgspecError):
            raise ProtocolError(
                f"its answer is not that of Earshot's runner: {line[:_LONGEST_ANSWER] or 'nothing'}",
                where=self.name,
                remedy="Run with --verbose to see the command, and try it by hand.",
            ) from None

    def _run(self, script: str, given: bytes, purpose: str) -> str:
        """Run a shell script there and return its stdout."""
        command = ["sh", "-c", script]
        if self.host:
            command = connection.command(self.host, shlex.join(["exec", *command]))
        progress.detail(shlex.join(command))
        try:
            done = subprocess.run(command, input=given, capture_output=True)
        except OSError as problem:
            raise BoardNotFound(
                f"{command[0]} cannot be run: {problem.strerror}",
                where=self.name,
                remedy="Install OpenSSH's client: apt-get install openssh-client.",
            ) from problem
        if done.returncode:
            raise self._failure(done, purpose)
        return done.stdout.decode(errors="replace")

    def _failure(self, done: subprocess.CompletedProcess[bytes], purpose: str) -> EarshotError:
        said = done.stderr.decode(errors="replace").strip()
        if self.host and done.returncode == connection.FAILED:
            if "machine" in vars(self):
                return ConnectionLost(
                    f"the connection was lost: {connection.last_line(said)}",
                    where=self.name,
                    remedy="Finished models are kept: check its power and network, then resume the run.",
                )
            return connection.failure(self.host, said)
        if done.returncode == _NO_SPACE or "No space left on device" in said:
            return BoardNotFound(
                f"the disk is full there, so Earshot could not {purpose}",
                where=f"{self.name}, ~/.cache/earshot",
                remedy="Free 200 MB there, and run again.",
            )
        if done.returncode == _NO_PYTHON:
            return Unsupported(
                "there is no python3",
                where=self.name,
                remedy="Install it there: apt-get install python3-venv.",
            )
        if done.returncode == _NO_VENV:
            return Unsupported(
                f"Python cannot make an environment there: {connection.last_line(said)}",
                where=self.name,
                remedy="Install its part for that there: apt-get install python3-venv.",
            )
        if done.returncode == _KILLED:
            return ProtocolError(
                f"the runner was killed there while Earshot tried to {purpose}",
                where=self.name,
                remedy="Its memory was probably full: `dmesg` there tells. Choose a smaller model.",
            )
        if done.returncode == _NOT_INSTALLED:
            return BoardNotFound(
                f"ONNX Runtime could not be installed there: {connection.last_line(said)}",
                where=f"{self.name}, Python {self.machine.python} on {self.machine.machine}",
                remedy="If it has no network, run `earshot prepare` for the board: it brings the packages.",
            )
        return ProtocolError(
            f"Earshot could not {purpose}: exit status {done.returncode}, {connection.last_line(said)}",
            where=self.name,
            remedy="Run with --verbose to see the command, and try it by hand.",
        )


def _last_line(answer: str) -> str:
    return answer.strip().rpartition("\n")[2].strip()


def _tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
