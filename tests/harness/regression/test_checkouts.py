"""A change of this checkout: run through the pull-request workflow, rebuilt elsewhere, and bisected."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_history import git
from small_models import tinyconv

from harness.layout import ROOT
from harness.records.reading import read_record
from harness.records.verdict import SeriesName
from harness.regression.from_record import night_of
from harness.regression.nights import Night
from harness.runs.bisection import bisect, clean_environment
from harness.runs.measure_commit import main as measure_commit
from harness.runs.measure_commit import options_of
from harness.runs.selection import Selection
from models.data.wav import write_wav

pytestmark = pytest.mark.slow

LABELS = "silence,unknown,yes,no"
KERNEL = Path("sketches/libraries/EarshotKernels/src/sliding_s8.h")
_INNERMOST = "      first += kNextX, filter += kNextFilter, output += kNextOutput;"
"""The line of the convolution that runs for every row of a filter."""


class Checkout:
    """A git clone; without a source, of this checkout with its uncommitted files."""

    def __init__(self, folder: Path, source: Path | None = None) -> None:
        self.folder = folder
        git(ROOT, "clone", "--quiet", "--shared", source or ROOT, folder)
        if source is None:
            self._copy_files()
            self.commit("The checkout as it is")

    def _copy_files(self) -> None:
        listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, self.folder / name)
            else:
                (self.folder / name).unlink(missing_ok=True)

    def git(self, *arguments: str | Path) -> str:
        return git(self.folder, *arguments)

    def commit(self, subject: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.git("rev-parse", "HEAD")

    def add_an_instruction(self) -> str:
        kernel = self.folder / KERNEL
        source = kernel.read_text()
        assert source.count(_INNERMOST) == 1
        kernel.write_text(source.replace(_INNERMOST, f'      asm volatile("nop.w");\n{_INNERMOST}'))
        return self.commit("One more instruction in an inner loop")


WORKFLOW = ROOT / "docs" / "examples" / "github-pull-request.yml"

_EARSHOT = """#!/bin/sh
if [ "$1" = nightly ]; then set -- "$@" --model {model} --labels {labels} --rounds 1; fi
PYTHONPATH={checkout} exec {python} -m harness.cli "$@"
"""
"""A stand-in for the installed command: this environment with the checkout's code, on a small model."""


class Runner:
    """A runner of the workflow, without a network; `workspace` has `head` checked out."""

    def __init__(self, workspace: Path, model: Path) -> None:
        self.workspace, self.model, self.store = workspace, model, workspace / "store"
        self.summary = workspace / "summary.md"
        words = workspace / "words"
        words.mkdir()
        write_wav(
            words / "yes_1.wav", np.random.default_rng(0).integers(-9000, 9000, 16_000).astype(np.int16)
        )
        (workspace / "bench.toml").write_text('recordings = "words"\n')
        self.environment = clean_environment(
            GITHUB_BASE_REF="main",
            GITHUB_STEP_SUMMARY=str(self.summary),
            EARSHOT_HOME=str(self.store),
            EARSHOT_BENCH=str(workspace / "bench.toml"),
        )

    def night(self, checkout: str) -> Night:
        """Return the night that was measured in a checkout."""
        (record,) = (self.workspace / checkout / "reports" / "nights").rglob("run.json")
        return night_of(read_record(record))

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


ON_CLIP = SeriesName("tiny", "codegen", "inference_us", "clip")
IMAGE = SeriesName("tiny", "codegen", "image_sha256", "-")


@pytest.fixture(scope="module")
def pull_request(tmp_path_factory) -> Runner:
    """Run the workflow on one more instruction, with a model of random weights."""
    workspace = tmp_path_factory.mktemp("workspace")
    model = workspace / "tiny.tflite"
    model.write_bytes(tinyconv(conv_zeros=0, fc_zeros=0))
    origin = Checkout(workspace / "origin")
    origin.git("checkout", "--quiet", "-B", "main")
    Checkout(workspace / "head", origin.folder).add_an_instruction()
    runner = Runner(workspace, model)
    assert not runner.run(), "the exit code tells of the change"
    return runner


def test_the_summary_lists_the_changes_of_a_pull_request(pull_request):
    summary = pull_request.summary.read_text()
    first = next(line for line in summary.splitlines() if "| changed |" in line)
    assert first.startswith(r"| tiny/codegen/inference\_cycles/")
    assert "earshot baseline accept" in summary


def test_one_more_instruction_takes_one_more_cycle_each_time(pull_request):
    base, head = (pull_request.night(checkout).times for checkout in ("base", "head"))
    # 25 rows of pixels, 8 channels: 200 more cycles at 64 MHz
    assert head[ON_CLIP].mean_us - base[ON_CLIP].mean_us == pytest.approx(3.125, abs=0.05)


def test_a_commit_is_measured_with_the_build_of_its_series(pull_request, tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_HOME", str(pull_request.store))
    selection = Selection("tiny", None, pull_request.model, tuple(LABELS.split(",")))
    options = options_of(selection, "codegen", "small", "O2")
    assert measure_commit(["--output", str(tmp_path / "run.json"), *options]) == 0
    (row,) = read_record(tmp_path / "run.json").variants
    assert (row.firmware.footprint, row.firmware.optimization) == ("small", "-O2")


def test_a_rebuild_in_another_folder_has_the_same_image_and_cycles(pull_request, tmp_path):
    checkout = Checkout(tmp_path / "elsewhere" / "and deeper", pull_request.workspace / "origin")
    options = ("--model", pull_request.model, "--labels", LABELS, "--output", tmp_path / "run.json")
    done = subprocess.run(
        [sys.executable, "-m", "harness.runs.measure_commit", *options],
        cwd=checkout.folder,
        env=clean_environment(PYTHONPATH=str(checkout.folder), EARSHOT_HOME=str(tmp_path / "home")),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    before, again = pull_request.night("base"), night_of(read_record(tmp_path / "run.json"))
    assert again.commit == before.commit and not again.dirty
    assert again.exact[IMAGE] == before.exact[IMAGE]
    assert again.times[ON_CLIP].value_us == before.times[ON_CLIP].value_us


def test_bisect_finds_the_commit_and_leaves_the_checkout_alone(pull_request, monkeypatch):
    monkeypatch.setenv("EARSHOT_HOME", str(pull_request.store))
    base, head = (pull_request.night(checkout).commit for checkout in ("base", "head"))
    options = options_of(Selection("tiny", None, pull_request.model, tuple(LABELS.split(","))), "codegen")
    folder = pull_request.workspace / "head"
    (found,) = bisect(base, head, ON_CLIP, options, folder)
    assert head.startswith(found.split()[0])
    assert git(folder, "rev-parse", "HEAD") == head
