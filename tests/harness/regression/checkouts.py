"""Copies of this checkout as it is now, committed, and changed: what a pull request brings to the gate."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from pruned_tinyconv import tinyconv

from harness.layout import ROOT
from harness.runs.bisection import clean_environment

LABELS = "silence,unknown,yes,no"
KERNEL = Path("sketches/libraries/EarshotKernels/src/conv_2d.h")
_INNERMOST = "            weights = add_run<Runs::kTaps>("
"""The line of the convolution that is run for every row of a filter."""


def tinyconv_file(folder: Path) -> Path:
    """TinyConv with random weights, which needs no training."""
    path = folder / "tiny.tflite"
    path.write_bytes(tinyconv(conv_zeros=0, fc_zeros=0))
    return path


class Checkout:
    """A git checkout of its own with the files of this one.

    Args:
        folder: is made.
        source: a repository whose HEAD is checked out; None for this checkout with all that is not committed.
    """

    def __init__(self, folder: Path, source: Path | None = None) -> None:
        self.folder = folder
        subprocess.run(
            ["git", "clone", "--quiet", "--shared", source or ROOT, folder],
            check=True,
            env=clean_environment(),
        )
        if source is None:
            self._take_over()
            self.commit("The checkout as it is")

    def cloned_to(self, folder: Path) -> Checkout:
        """The same commit in another folder."""
        return Checkout(folder, self.folder)

    def _take_over(self) -> None:
        """The files of this checkout, those that no commit has among them."""
        listed = self.git("-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, self.folder / name)
            else:
                (self.folder / name).unlink(missing_ok=True)

    def git(self, *arguments: str | Path) -> str:
        identity = ("-c", "user.name=Ann Author", "-c", "user.email=ann@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def commit(self, subject: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.git("rev-parse", "HEAD").strip()

    def remark(self, subject: str) -> str:
        """A commit that changes no instruction."""
        with (self.folder / "README.md").open("a") as stream:
            stream.write(f"\n{subject}\n")
        return self.commit(subject)

    def add_an_instruction(self, subject: str = "One more instruction in an inner loop") -> str:
        """A commit that makes the convolution's inner loop one instruction longer."""
        kernel = self.folder / KERNEL
        source = kernel.read_text()
        assert source.count(_INNERMOST) == 1
        kernel.write_text(source.replace(_INNERMOST, f'            asm volatile("nop");\n{_INNERMOST}'))
        return self.commit(subject)

    def run(self, module: str, *arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
        """A module of this checkout's code in a process of its own, with a store of its own."""
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=clean_environment(PYTHONPATH=str(self.folder), EARSHOT_HOME=str(home)),
            capture_output=True,
            text=True,
        )
