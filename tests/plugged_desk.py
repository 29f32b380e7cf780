"""A desk with plugged-in emulated boards, and the platform's tools."""

from __future__ import annotations

import json
import os
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from started import dies_with_its_parent

from harness.boards.plugged.control import FOLDER_VARIABLE
from harness.firmware.arduino_platform import PLATFORM, expand, properties
from harness.layout import ROOT

WAIT_S = 120.0


class Tool:
    """A tool of the platform, started as platform.txt says, that is asked line by line."""

    def __init__(self, recipe: str, environment: dict[str, str]) -> None:
        command = shlex.split(
            expand(properties()[recipe], properties() | {"runtime.platform.path": str(PLATFORM)})
        )
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.next()

    def next(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready = select.select([self._process.stdout], [], [], WAIT_S)[0]
        assert ready, "the tool is silent"
        return json.loads(self._process.stdout.readline())

    def ended(self) -> bool:
        return self._process.wait(WAIT_S) == 0

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class Desk:
    """A folder of plugged-in boards, and `earshot emulate` and the tools run with it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="earshot-"))  # short: a socket's path is, too
        self.environment = {**os.environ, FOLDER_VARIABLE: str(self.folder / "boards")}
        self._running: list[Any] = []

    def emulate(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*dies_with_its_parent(), sys.executable, "-m", "harness.cli", "emulate", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def plug_in(self, *arguments: str) -> tuple[subprocess.Popen[str], str]:
        """Return the process and its first line, which names the port."""
        process = self.emulate(*arguments)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "is plugged in at" in line, process.communicate()[1]
        return process, line

    def tool(self, recipe: str) -> Tool:
        tool = Tool(recipe, self.environment)
        self._running.append(tool)
        return tool

    def upload(self, port: str, image: Path) -> subprocess.CompletedProcess[str]:
        values = properties() | {
            "runtime.platform.path": str(PLATFORM),
            "upload.port.address": port,
            "build.path": str(image.parent),
            "build.project_name": image.stem,
        }
        command = shlex.split(expand(values["tools.earshot.upload.pattern"], values))
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=WAIT_S)

    def board(self, number: str = "EARSHOT1") -> Path:
        return self.folder / "boards" / number

    def close(self) -> None:
        for process in self._running:
            if isinstance(process, Tool):
                process.close()
            else:
                process.kill()
                process.communicate()
        shutil.rmtree(self.folder)
