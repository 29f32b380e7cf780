"""The workflows, of docs/ and Earshot's own: they parse, and every command, option and make target exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from harness.cli import _parser
from harness.layout import ROOT
from harness.plugin import pytest_addoption

EXAMPLES = ROOT / "docs" / "examples"
WORKFLOWS = [*sorted(EXAMPLES.glob("*.yml")), ROOT / ".github" / "workflows" / "ci.yml"]
OTHERS_OPTIONS = {"-m", "--junitxml"}  # of pytest itself


def steps(workflow: Path) -> list[dict]:
    jobs = yaml.safe_load(workflow.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def calls(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the programs of .venv/bin that a script or a unit calls, with their arguments."""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        for call in re.findall(r"(?<!\S)(?:Exec\w+=)?\S*\.venv/bin/[^|&;>]*", line):
            words = shlex.split(call)
            yield Path(words[0]).name, words[1:]


def every_call() -> list[tuple[str, str, list[str]]]:
    found = [
        (path.name, *call)
        for path in WORKFLOWS
        for step in steps(path)
        for call in calls(step.get("run", ""))
    ]
    service = EXAMPLES / "earshot-nightly.service"
    return found + [(service.name, *call) for call in calls(service.read_text())]


@pytest.mark.parametrize(("where", "program", "arguments"), every_call())
def test_commands_and_options_exist(where, program, arguments):
    if program == "earshot":
        parsed = _parser().parse_args(arguments)
        assert parsed.command == arguments[0]
    else:
        assert program == "pytest"
        parser = pytest.Parser(_ispytest=True)
        pytest_addoption(parser)
        known = {name for group in parser._groups for option in group.options for name in option.names()}
        given = {word.split("=")[0] for word in arguments if word.startswith("-")}
        assert given <= known | OTHERS_OPTIONS


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_make_targets_and_hashed_files_exist(workflow):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    called = [step["run"].split()[-1] for step in steps(workflow) if step.get("run", "").startswith("make ")]
    assert called and set(called) <= set(targets)
    for path in re.findall(r"'(?:head/)?([\w.]+)(?:/\*\*)?'", workflow.read_text()):
        assert (ROOT / path).exists()
