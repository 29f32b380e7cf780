"""A stand-in for arduino-cli: a real executable that prints recorded answers, and misbehaves on demand."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

RECORDED = Path(__file__).with_name("recorded")

HANGS_WITH_A_CHILD = (
    "child = subprocess.Popen(['sleep', '1000'])\n"
    "Path(here, 'pids').write_text(f'{os.getpid()} {child.pid}')\n"
    "time.sleep(1000)\n"
)

_PROGRAM = """#!{python} -SE
import json, os, subprocess, sys, time
from pathlib import Path
here = os.path.dirname(os.path.abspath(__file__))
call = dict(arguments=sys.argv[1:], environment=dict(os.environ), folder=os.getcwd(), stdin=sys.stdin.read())
with open(os.path.join(here, "calls"), "a") as calls:
    print(json.dumps(call), file=calls)
plan = json.loads(Path(here, "plan").read_text())
words = [word for word in sys.argv[1:] if not word.startswith("-")]
verb = next(verb for verb in (" ".join(words[:n]) for n in (3, 2, 1)) if verb in plan)
stdout, stderr, status, code = plan[verb]
sys.stdout.write(stdout)
sys.stderr.write(stderr)
sys.stdout.flush()
sys.stderr.flush()
exec(code)
sys.exit(status)
"""


def recorded(name: str) -> str:
    """A recorded answer, as it stands in its file."""
    return (RECORDED / f"{name}.json").read_text()


class StandIn:
    """An arduino-cli in a folder of its own that answers `version`, and what it is told to answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._plan: dict[str, tuple[str, str, int, str]] = {}
        program = folder / "arduino-cli"
        program.write_text(_PROGRAM.format(python=sys.executable))
        program.chmod(0o755)
        self.command = str(program)
        self.answers("version", recorded("version"))

    def answers(self, verb: str, stdout: str = "", stderr: str = "", status: int = 0, code: str = "") -> None:
        """What it prints for a verb such as "board list", runs then, and ends with."""
        self._plan[verb] = (stdout, stderr, status, code)
        (self._folder / "plan").write_text(json.dumps(self._plan))

    @property
    def calls(self) -> list[dict]:
        """Its calls so far: arguments, environment, folder and what was on stdin."""
        return [json.loads(line) for line in (self._folder / "calls").read_text().splitlines()]

    @property
    def hangs(self) -> bool:
        """Whether it has come to `HANGS_WITH_A_CHILD`."""
        file = self._folder / "pids"
        return file.is_file() and len(file.read_text().split()) == 2

    def pids(self) -> list[int]:
        """Of `HANGS_WITH_A_CHILD`: itself and its child, once they are there."""
        until(lambda: self.hangs)
        return [int(pid) for pid in (self._folder / "pids").read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def until(condition, seconds: float = 60.0) -> None:
    """Waits for a condition, and fails if it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.01)
