"""Data flows one way: what each room may import, read from the sources."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What a room may import of Earshot, beside itself and harness.errors.
ALLOWED = {
    "models": set(),
    "harness/link": set(),
    "harness/results": set(),
    "harness/bench": {"models", "harness.layout", "harness.results"},
    "harness/arduino_cli": {"harness.link"},
    "harness/audio": {"models", "harness.bench"},
    "harness/scenes": {"models", "harness.audio", "harness.results"},
    "harness/firmware": {"models", "harness.layout", "harness.arduino_cli"},
    "harness/boards": {
        "models",
        "harness.layout",
        "harness.arduino_cli",
        "harness.audio",
        "harness.bench",
        "harness.firmware",
        "harness.link",
        "harness.results",
    },
    "harness/measure": {
        "models",
        "harness.layout",
        "harness.audio",
        "harness.bench",
        "harness.boards",
        "harness.firmware",
        "harness.link",
        "harness.results",
    },
    "harness/report": {"harness.results", "harness.layout"},
    "harness/runs/studies": {"models", "harness.layout", "harness.records.provenance", "harness.results"},
    "harness/history": {"harness.layout", "harness.results", "harness.report"},
    "harness/runs/nightly": {
        "models",
        "harness.layout",
        "harness.bench",
        "harness.boards",
        "harness.firmware",
        "harness.history",
        "harness.measure",
        "harness.report",
        "harness.results",
        "harness.run",
        "harness.records.provenance",
    },
    "harness/runs/field": {
        "models",
        "harness.layout",
        "harness.audio",
        "harness.bench",
        "harness.boards",
        "harness.firmware",
        "harness.measure",
        "harness.report",
        "harness.results",
        "harness.run",
        "harness.scenes",
        "harness.records.provenance",
        "harness.options",
    },
    "harness/gate": {
        "models",
        "harness.layout",
        "harness.options",
        "harness.bench",
        "harness.boards",
        "harness.firmware",
        "harness.measure",
        "harness.history",
        "harness.runs.nightly",
        "harness.report",
        "harness.results",
        "harness.run",
    },
    "harness/doctor": {"harness.layout", "harness.arduino_cli", "harness.audio", "harness.bench"},
}


def imported_modules(source: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in names if name.split(".")[0] in ("harness", "models")}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_lies_below_it(room):
    own = room.replace("/", ".")
    allowed = ALLOWED[room] | {own, "harness.errors"}
    for source in sorted((ROOT / room).rglob("*.py")):
        for name in imported_modules(source):
            assert any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed), (
                f"{source.relative_to(ROOT)} imports {name}"
            )


def test_conftest_registers_the_plugin_and_nothing_else():
    body = ast.parse((ROOT / "conftest.py").read_text()).body
    assert len(body) == 2, "a docstring and pytest_plugins"
