"""Check the commands, options, markers, make targets and links of the README and docs/."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from harness.cli import _parser
from harness.firmware.codegen.lowering import OPERATORS
from harness.plugin import MARKERS, pytest_addoption

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {path: path.read_text(encoding="utf-8") for path in PAGES}
README = TEXTS[ROOT / "README.md"]
ALL_TEXT = "\n".join(TEXTS.values())


def commands() -> dict[str, argparse.ArgumentParser]:
    actions = (action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(next(actions).choices)


def command_options() -> set[str]:
    def options(parser: argparse.ArgumentParser) -> set[str]:
        found: set[str] = set()
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                found |= {name for sub in action.choices.values() for name in options(sub)}
            found |= {name for name in action.option_strings if name.startswith("--")}
        return found

    return {name for parser in commands().values() for name in options(parser)} - {"--help"}


def plugin_options() -> set[str]:
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    return {name for group in parser._groups for option in group.options for name in option.names()}


def test_the_readme_has_at_most_150_lines():
    assert len(README.splitlines()) <= 150


def test_the_readme_lists_every_command_and_no_other():
    listed = set(re.findall(r"^\| `earshot ([a-z]+)", README, re.M))
    assert listed == set(commands())


def test_every_option_of_a_command_or_the_plugin_is_documented():
    options = command_options() | plugin_options()
    assert [option for option in sorted(options) if not re.search(rf"`{option}\b", ALL_TEXT)] == []


def test_every_documented_option_exists():
    documented = set(re.findall(r"^\| (`--.*?) \|", ALL_TEXT, re.M))
    names = {name for cell in documented for name in re.findall(r"--[a-z][a-z0-9-]*", cell)}
    assert names - command_options() - plugin_options() == set()


def test_every_command_in_an_example_exists():
    used = set(re.findall(r"\bearshot ([a-z]+)(?= [-A-Z`]|`)", ALL_TEXT))
    assert used - set(commands()) == set()


def test_every_operator_of_engine_codegen_is_documented_and_no_other():
    text = TEXTS[ROOT / "docs" / "your-own-model.md"].partition("### Operators")[2]
    listed = re.search(r"^[A-Z][A-Z0-9_, \n]+$", text, re.M)
    assert listed and listed[0].replace("\n", " ").strip().split(", ") == sorted(OPERATORS)


@pytest.mark.parametrize("marker", MARKERS)
def test_every_marker_is_documented(marker):
    assert f"`{marker}`" in ALL_TEXT


def test_every_make_target_is_documented():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)) - {"packages"}
    assert [target for target in sorted(targets) if f"make {target}" not in README] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_local_link_leads_to_a_file(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", TEXTS[page])
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_in_lists_is_code_on_the_site(page):
    # Python-Markdown takes 8 spaces, GitHub 6 or more.
    assert (
        re.findall(r"\n\n {5,7}\S.*", TEXTS[page]) == []
    )  # Python-Markdown takes 8 spaces, GitHub 6 or more


def test_the_readme_links_to_every_page():
    assert [page.name for page in PAGES[1:] if f"](docs/{page.name})" not in README] == []


def test_the_timer_starts_the_service_of_its_name():
    names = {path.name for path in (ROOT / "docs" / "examples").iterdir()}
    assert {"earshot-nightly.service", "earshot-nightly.timer"} <= names
