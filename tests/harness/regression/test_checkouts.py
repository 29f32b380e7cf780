"""Copies of this checkout with changes: measured, bisected, and run through the pull-request workflow."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_models import tinyconv

from harness.layout import ROOT
from harness.records.reading import read_record
from harness.records.verdict import SeriesName
from harness.regression.compare import compare
from harness.regression.from_record import night_of
from harness.regression.nights import Night
from harness.runs.bisection import bisect, clean_environment
from harness.runs.measure_commit import options_of
from harness.runs.selection import Selection
from models.data.wav import write_wav

pytestmark = pytest.mark.slow

LABELS = "silence,unknown,yes,no"
KERNEL = Path("sketches/libraries/EarshotKernels/src/conv_2d.h")
_INNERMOST = "            weights = add_run<Runs::kTaps>("
"""The line of the convolution that runs for every row of a filter."""


class Checkout:
    """A git clone; without a source, of this checkout with its uncommitted files."""

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
        return Checkout(folder, self.folder)

    def _copy_files(self) -> None:
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
        kernel = self.folder / KERNEL
        source = kernel.read_text()
        assert source.count(_INNERMOST) == 1
        kernel.write_text(source.replace(_INNERMOST, f'            asm volatile("nop");\n{_INNERMOST}'))
        return self.commit(subject)


ON_CLIP = SeriesName("tiny", "codegen", "inference_us", "clip")
IMAGE = SeriesName("tiny", "codegen", "image_sha256", "-")
LISTENING = {
    SeriesName("tiny", "codegen", f"{stage}_us", "pcm")
    for stage in ("preprocess", "inference", "postprocess")
}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """TinyConv with random weights."""
    path = tmp_path_factory.mktemp("model") / "tiny.tflite"
    path.write_bytes(tinyconv(conv_zeros=0, fc_zeros=0))
    return path


@pytest.fixture(scope="module")
def base(model, tmp_path_factory) -> tuple[Checkout, Night, Path]:
    """A copy of this checkout, its measurement and its store."""
    folder = tmp_path_factory.mktemp("base")
    checkout = Checkout(folder / "checkout")
    return checkout, one_block(checkout, model, folder / "home"), folder / "home"


def one_block(checkout: Checkout, model: Path, home: Path) -> Night:
    """Measure a checkout with a store of its own."""
    record = home / "run.json"
    options = ("--model", model, "--labels", LABELS, "--output", record)
    done = subprocess.run(
        [sys.executable, "-m", "harness.runs.measure_commit", *options],
        cwd=checkout.folder,
        env=clean_environment(PYTHONPATH=str(checkout.folder), EARSHOT_HOME=str(home)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return night_of(read_record(record))


def test_a_rebuild_in_another_folder_has_the_same_image_and_cycles(base, model, tmp_path):
    first, night, _ = base
    there = first.cloned_to(tmp_path / "elsewhere" / "and deeper")
    again = one_block(there, model, tmp_path / "another home")
    assert again.commit == night.commit and not again.dirty
    assert IMAGE in night.exact
    comparison = compare(night, again)
    assert (comparison.differences, comparison.exit_code) == ((), 0)


def test_one_more_instruction_changes_times_only_and_bisect_finds_it(base, model, tmp_path, monkeypatch):
    first, night, home = base
    checkout = first.cloned_to(tmp_path / "checkout")
    culprit = checkout.add_an_instruction()
    comparison = compare(night, one_block(checkout, model, home))
    by = {item.name: item.by for item in comparison.differences}
    assert comparison.exit_code == 3
    assert comparison.differences[0].name.metric == "inference_us"
    # 25 x 20 pixels, 2 groups of channels, 10 rows of the filter: 10,000 more cycles at 64 MHz
    assert by[ON_CLIP] == pytest.approx(156.25, abs=0.5)
    assert by.keys() <= {ON_CLIP, *LISTENING}

    monkeypatch.setenv("EARSHOT_HOME", str(home))
    bad = checkout.commit("A remark that changes nothing")
    options = options_of(Selection("tiny", None, model, tuple(LABELS.split(","))), "codegen")
    found = bisect(night.commit, bad, ON_CLIP, options, checkout.folder)
    assert [culprit.startswith(line.split()[0]) for line in found] == [True]
    assert checkout.git("status", "--porcelain") == ""
    assert checkout.git("rev-parse", "HEAD").strip() == bad


WORKFLOW = ROOT / "docs" / "examples" / "github-pull-request.yml"

_EARSHOT = """#!/bin/sh
if [ "$1" = nightly ]; then set -- "$@" --model {model} --labels {labels} --rounds 1; fi
PYTHONPATH={checkout} exec {python} -m harness.cli "$@"
"""
"""A stand-in for the installed command: this environment with the checkout's code, on a small model."""


class Runner:
    """A runner of the workflow, without a network; `workspace` has `head` checked out."""

    def __init__(self, workspace: Path, model: Path, store: Path) -> None:
        self.workspace, self.model = workspace, model
        self.summary = workspace / "summary.md"
        words = workspace / "words"
        words.mkdir()
        write_wav(words / "yes_1.wav", np.random.default_rng(0).integers(-9, 9, 16_000).astype(np.int16))
        (workspace / "bench.toml").write_text('recordings = "words"\n')
        self.environment = clean_environment(
            GITHUB_BASE_REF="main",
            GITHUB_STEP_SUMMARY=str(self.summary),
            EARSHOT_HOME=str(store),
            EARSHOT_BENCH=str(workspace / "bench.toml"),
        )

    def run(self) -> bool:
        """Run all steps that need no network; return True if all succeeded."""
        (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
        green = True
        for step in job["steps"]:
            if "run" in step and "gh pr" not in step["run"] and (green or step.get("if") == "always()"):
                green &= self._step(step["run"])
        return green

    def _step(self, script: str) -> bool:
        if script.startswith("make -C "):
            self._set_up(self.workspace / script.split()[2])
            return True
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.workspace,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        print(script, done.returncode, done.stdout, done.stderr, sep="\n")
        return done.returncode == 0

    def _set_up(self, checkout: Path) -> None:
        command = checkout / ".venv" / "bin" / "earshot"
        command.parent.mkdir(parents=True)
        text = _EARSHOT.format(checkout=checkout, python=sys.executable, model=self.model, labels=LABELS)
        command.write_text(text)
        command.chmod(0o755)


def test_the_summary_lists_the_changes_of_a_pull_request(base, model, tmp_path):
    origin = base[0].cloned_to(tmp_path / "origin")
    origin.git("checkout", "--quiet", "-B", "main")
    origin.cloned_to(tmp_path / "head").add_an_instruction()
    runner = Runner(tmp_path, model, base[2])
    assert not runner.run()
    summary = runner.summary.read_text()
    first = next(line for line in summary.splitlines() if "| changed |" in line)
    assert first.startswith(r"| tiny/codegen/inference\_us/")
    assert "earshot baseline accept" in summary
