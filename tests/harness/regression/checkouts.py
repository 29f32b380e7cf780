"""Committed copies of this checkout, with changes such as a pull request makes."""

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
"""The line of the convolution that runs for every row of a filter."""


def tinyconv_file(folder: Path) -> Path:
    """Write TinyConv with random weights."""
    path = folder / "tiny.tflite"
    path.write_bytes(tinyconv(conv_zeros=0, fc_zeros=0))
    return path


class Checkout:
    """A git clone with the files of this checkout.

    Args:
        folder: of the clone.
        source: the repository; None for this checkout with its uncommitted files.
    """

    def __init__(self, folder: Path, source: Path | None = None) -> None:
        self.folder = folder
        subprocess.run(
            ["git", "clone", "--quiet", "--shared", source or ROOT, folder],
            check=True,
            env=clean_environment(),
        )
        if source is None:
            self._copy_files()
            self.commit("The checkout as it is")

    def cloned_to(self, folder: Path) -> Checkout:
        """Clone the commit into another folder."""
        return Checkout(folder, self.folder)

    def _copy_files(self) -> None:
        """Copy the files of this checkout, the uncommitted ones included."""
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

    def add_an_instruction(self, subject: str = "One more instruction in an inner loop") -> str:
        """Commit one more instruction in the inner loop of the convolution."""
        kernel = self.folder / KERNEL
        source = kernel.read_text()
        assert source.count(_INNERMOST) == 1
        kernel.write_text(source.replace(_INNERMOST, f'            asm volatile("nop");\n{_INNERMOST}'))
        return self.commit(subject)

    def run(self, module: str, *arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
        """Run a module of the checkout in a process with a store of its own."""
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=clean_environment(PYTHONPATH=str(self.folder), EARSHOT_HOME=str(home)),
            capture_output=True,
            text=True,
        )
