"""This host as a small Linux computer: the runner in a process of its own."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import ProtocolError

RUNNER = Path(__file__).with_name("runner.py")

_RUN = """\
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" && tar -xf - && {python} {arguments}
"""


class Computer:
    """This host."""

    title = "this host"
    python = sys.executable

    def run_model(self, model: Path, inputs: bytes, options: Sequence[str]) -> dict[str, Any]:
        """Run a model by the runner and return its answer.

        Args:
            inputs: an .npz, see `harness.boards.small_linux.runner`.
            options: of the runner.

        Raises:
            ProtocolError: the runner gave no answer.
        """
        files = {RUNNER.name: RUNNER.read_bytes(), "model.onnx": model.read_bytes(), "inputs.npz": inputs}
        arguments = shlex.join(["-B", RUNNER.name, "model.onnx", "inputs.npz", *options])
        script = _RUN.format(python=shlex.quote(self.python), arguments=arguments)
        lines = self._shell(script, _tar(files)).splitlines()
        try:
            return json.loads(lines[-1])
        except (IndexError, ValueError):
            raise ProtocolError(
                "the runner ended without a result",
                where=self.title,
                remedy="Its memory may be full: look into the kernel's messages with `dmesg` there.",
            ) from None

    def _shell(self, script: str, given: bytes) -> str:
        done = subprocess.run(["sh", "-c", script], input=given, capture_output=True)
        return done.stdout.decode(errors="replace")


def _tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
