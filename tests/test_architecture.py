"""Import rules: each package and loose module states which others it may import."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

BASE = {
    "models",
    "harness.errors",
    "harness.files",
    "harness.footprint",
    "harness.format",
    "harness.layout",
    "harness.recognizer",
}
"""The modules that nearly every package may import."""

# Bottom up: a unit may import itself and the units named here. An unlisted sub-package belongs to its parent.
ALLOWED: dict[str, set[str]] = {
    "models": set(),
    "harness.errors": {"models"},
    "harness.files": set(),
    "harness.layout": {"models"},
    "harness.recognizer": {"models"},
    "harness.footprint": set(),
    "harness.format": set(),
    "harness.marks": set(),
    "harness.display": {"models"},
    "harness.link": {"harness.errors"},
    "harness.records": BASE,
    "harness.stats": {"harness.records", "harness.recognizer"},
    "harness.bench_file": BASE | {"harness.stats"},
    "harness.processes": {"models", "harness.link"},
    "harness.arduino_cli": {"models", "harness.errors", "harness.link", "harness.processes"},
    "harness.firmware": BASE | {"harness.arduino_cli", "harness.link"},
    "harness.firmware.codegen": {"models", "harness.errors", "harness.firmware", "harness.footprint"},
    "harness.firmware.codegen_sparse": {"harness.firmware.codegen"},
    "harness.firmware.tflm": {"models", "harness.errors", "harness.firmware", "harness.arduino_cli"},
    "harness.meters": {"harness.errors", "harness.bench_file"},
    "harness.sound": BASE | {"harness.link", "harness.bench_file", "harness.records"},
    "harness.boards.qemu": BASE | {"harness.link", "harness.firmware"},
    "harness.boards": BASE
    | {
        "harness.link",
        "harness.records",
        "harness.bench_file",
        "harness.processes",
        "harness.arduino_cli",
        "harness.firmware",
        "harness.sound",
        "harness.boards.qemu",
    },
    "harness.measure": BASE
    | {
        "harness.link",
        "harness.records",
        "harness.stats",
        "harness.bench_file",
        "harness.firmware",
        "harness.sound",
        "harness.meters",
        "harness.boards",
    },
    "harness.regression": BASE | {"harness.records", "harness.stats"},
    "harness.recording_views": BASE | {"harness.sound"},
    "harness.published_runs": {"models", "harness.errors", "harness.files", "harness.layout"},
    "harness.inventory": BASE | {"harness.records", "harness.runs"},
    "harness.report": BASE | {"harness.records", "harness.stats", "harness.regression"},
    "harness.report.pages": BASE
    | {"harness.records", "harness.stats", "harness.regression", "harness.recording_views", "harness.report"},
    "harness.doctor": BASE
    | {
        "harness.bench_file",
        "harness.arduino_cli",
        "harness.sound",
        "harness.meters",
        "harness.boards",
        "harness.boards.qemu",
    },
    "harness.bootstrap": set(),  # runs before anything is installed
    "harness.runs": BASE
    | {
        "harness.processes",
        "harness.link",
        "harness.records",
        "harness.stats",
        "harness.bench_file",
        "harness.firmware",
        "harness.sound",
        "harness.boards",
        "harness.meters",
        "harness.measure",
        "harness.regression",
        "harness.recording_views",
        "harness.report",
        "harness.report.pages",
    },
}
ALLOWED["harness.runs.field"] = ALLOWED["harness.runs"] | {"harness.runs"}
ALLOWED["harness.runs.nightly"] = ALLOWED["harness.runs"] | {"harness.runs"}
ALLOWED["harness.options"] = ALLOWED["harness.runs"] | {"harness.runs"}
ALLOWED["harness.live_view"] = {"models", "harness.link", "harness.measure"}
ALLOWED["harness.runs.measure_commit"] = {  # an entry point: what `earshot bisect` runs of each commit
    *ALLOWED["harness.runs"],
    "harness.runs",
    "harness.runs.nightly",
    "harness.options",
}
ALLOWED["harness.commands"] = set(ALLOWED) - {"harness.marks"}
ALLOWED["harness.plugin"] = {*ALLOWED["harness.runs"], "harness.marks", "harness.runs", "harness.options"}
ALLOWED["harness.cli"] = BASE | {"harness.display", "harness.commands", "harness.runs", "harness.options"}


def module_name(source: Path) -> str:
    return ".".join(source.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


SOURCES = {
    module_name(path): path
    for folder in ("harness", "models")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


@cache
def trees() -> dict[str, ast.Module]:
    """Parse every source, in the worker that runs these tests."""
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}


def unit_of(module: str) -> str | None:
    """Return the listed unit with the longest name that contains a module."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in ALLOWED), None)


def imports_of(module: str) -> set[str]:
    """Return the modules of harness and models that a module imports, within functions as well."""
    names: set[str] = set()
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            names.update(name if name in SOURCES else node.module for name in full)
    return names & set(SOURCES)


def test_every_package_and_loose_module_has_a_rule():
    assert {name for name in SOURCES if unit_of(name) is None} == {"harness"}
    assert {name for name in ALLOWED if name not in SOURCES} == set()


def test_the_rules_have_no_cycle():
    TopologicalSorter(ALLOWED).prepare()


@pytest.mark.parametrize("unit", ALLOWED)
def test_a_unit_imports_only_allowed_units(unit):
    modules = [name for name in SOURCES if unit_of(name) == unit]
    allowed = ALLOWED[unit] | {unit, "harness"}
    wrong = {
        f"{module} imports {name}"
        for module in modules
        for name in imports_of(module)
        if (unit_of(name) or name) not in allowed
    }
    assert wrong == set()


def test_no_type_is_mirrored():
    """Two packages with the same class of three or more fields must share it, where both may import it."""
    places: dict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    for module, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                fields = frozenset(ast.unparse(item) for item in node.body if isinstance(item, ast.AnnAssign))
                if len(fields) >= 3:
                    places[node.name, fields].append(module)
    assert {name: modules for (name, _), modules in places.items() if len(modules) > 1} == {}


def docstrings() -> list[tuple[str, str]]:
    """Return place and text of every docstring, those of constants included."""
    found = []
    for module, tree in trees().items():
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            for item in body if isinstance(body, list) else []:
                text = item.value if isinstance(item, ast.Expr) else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    found.append((f"{module}:{item.lineno}", text.value.split("\n")[0]))
    return found


def test_docstrings_name_their_subject_first():
    """A docstring starts with a verb or a noun; at most 3 % may start with one of these words."""
    riddle = re.compile(r"(What|How|Whether|Where|Of|By|Those|Why|Which|With|From)\b")
    every = docstrings()
    riddles = [f"{place} {text}" for place, text in every if riddle.match(text)]
    assert len(riddles) <= 0.03 * len(every), "\n".join(riddles)


def test_conftest_registers_the_plugin_with_its_short_options_and_nothing_else():
    body = ast.parse((ROOT / "conftest.py").read_text()).body
    assert len(body) == 4, "a docstring, add_short_options, __all__ and pytest_plugins"


def test_test_modules_have_different_names():
    """Folders of tests are no packages, so pytest imports two modules of one name as one."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
