"""A small git repository whose commits report a figure, in place of Earshot's history."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path

from made_runs import record

from harness.runs.bisection import clean_environment

MODULE = "harness/runs/measure_commit.py"

_ONE_BLOCK = """
import hashlib, json, os, signal, subprocess, sys
from pathlib import Path
figure = Path("figure").read_text().strip()
if figure.startswith("hangs "):
    Path(figure.removeprefix("hangs ")).write_text(str(os.getpid()))
    signal.pause()
if not figure.isdigit():
    sys.exit(f"earshot: build: {figure}.\\nand something of a library's")
record = json.loads(Path("record.json").read_text())
head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
record["code"]["commit"] = Path("claims").read_text() if Path("claims").exists() else head
record["variants"][0]["firmware"]["flash_bytes"] = int(figure)
del record["checksum"]
body = json.dumps(record, indent=1).removesuffix("\\n}")
checksum = hashlib.sha256(body.encode()).hexdigest()
text = f'{body},\\n "checksum": "{checksum}"\\n}}\\n'
Path(sys.argv[sys.argv.index("--output") + 1]).write_text(text)
"""
"""A stand-in for harness.runs.measure_commit that reads the figure from a file."""


def git(folder: Path, *arguments: str | Path) -> str:
    """Call git in a folder, without the variables that lead to another repository, and return its output."""
    identity = ("-c", "user.name=Ann Author", "-c", "user.email=ann@example.org")
    call = ["git", *identity, *arguments]
    return subprocess.run(
        call, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=True
    ).stdout.strip()


class SmallHistory:
    """The repository, with its checkout in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / MODULE).parent.mkdir(parents=True)
        for package in ("harness", "harness/runs"):
            (folder / package / "__init__.py").touch()
        (folder / MODULE).write_text(_ONE_BLOCK)
        (folder / "record.json").write_text(json.dumps({**asdict(record()), "checksum": None}))
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str | Path) -> str:
        return git(self.folder, *arguments)

    def commit(self, figure: int | str, subject: str) -> str:
        """Commit a figure, a reason why it cannot be measured, or "hangs <file>"; return the hash."""
        (self.folder / "figure").write_text(f"{figure}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.git("rev-parse", "HEAD")

    def commits(self, *figures: int | str) -> list[str]:
        """Commit figures with the subjects "commit 0" and so on; return the hashes."""
        return [self.commit(figure, f"commit {number}") for number, figure in enumerate(figures)]

    def state(self) -> tuple[str, ...]:
        """Return files, index, branches, HEAD, worktrees and bisection of the user."""
        listed = [self.git("status", "--porcelain", "--ignored"), self.git("ls-files", "--stage", "--debug")]
        inside = sorted(path for path in (self.folder / ".git").rglob("*") if path.name != "index")
        contents = (f"{path}: {path.read_bytes()!r}" for path in inside if path.is_file())
        return (*listed, *contents)
