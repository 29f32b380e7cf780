"""Run the steps of the example workflow for pull requests, and check its summary and exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from checkouts import LABELS, Checkout, tinyconv_file

from harness.layout import ROOT
from harness.runs.bisection import clean_environment
from models.data.wav import write_wav

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


@pytest.mark.slow
def test_the_summary_lists_the_changes_of_a_pull_request(tmp_path):
    origin = Checkout(tmp_path / "origin")
    origin.git("checkout", "--quiet", "-B", "main")
    origin.cloned_to(tmp_path / "head").add_an_instruction()
    runner = Runner(tmp_path, tinyconv_file(tmp_path), tmp_path / "store")
    assert not runner.run()
    summary = runner.summary.read_text()
    first = next(line for line in summary.splitlines() if "| changed |" in line)
    assert first.startswith(r"| tiny/codegen/inference\_us/")
    assert "earshot baseline accept" in summary
