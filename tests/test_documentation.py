"""The README is kept true: every command, option and marker stands in it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from harness.cli import _parser
from harness.plugin import MARKERS, pytest_addoption

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def commands() -> dict[str, argparse.ArgumentParser]:
    actions = (action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(next(actions).choices)


@pytest.mark.parametrize("name", commands())
def test_every_command_is_documented(name):
    assert f"`earshot {name}" in README


def test_every_option_is_documented():
    options = {
        option
        for parser in commands().values()
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--") and option != "--help"
    }
    assert [option for option in sorted(options) if f"`{option}" not in README] == []


def test_every_option_of_the_plugin_is_documented():
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    names = {name for group in parser._groups for option in group.options for name in option.names()}
    assert [name for name in sorted(names) if f"`{name}" not in README] == []


@pytest.mark.parametrize("marker", MARKERS)
def test_every_marker_is_documented(marker):
    assert f"`{marker}`" in README


def test_every_make_target_is_documented():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)) - {"packages"}
    assert [target for target in sorted(targets) if f"make {target}" not in README] == []


def test_every_path_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_timer_starts_the_service_of_its_name():
    names = {path.name for path in (ROOT / "docs" / "examples").iterdir()}
    assert {"earshot-nightly.service", "earshot-nightly.timer"} <= names
