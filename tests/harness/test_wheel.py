"""The built wheel, outside the checkout: commands find their data, and the cache is the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.layout import ROOT

pytestmark = pytest.mark.slow

_FOLDERS = ("harness", "models", "sketches", "recordings")
_FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Build a wheel of a copy of the checkout, and unpack it as an installation does."""
    checkout, target = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("installed")
    for folder in _FOLDERS:
        # Other processes write bytecode meanwhile.
        shutil.copytree(ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in _FILES:
        shutil.copyfile(ROOT / file, checkout / file)
    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, target], cwd=checkout, check=True, capture_output=True)
    (wheel,) = target.glob("earshot-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


@pytest.fixture
def earshot(installed, tmp_path):
    """Return a function that calls the installed command in an empty folder; it returns what is printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EARSHOT_")}
    environment |= {"PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def call(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_variants_are_package_data(earshot):
    assert "tinyconv-int8 " in earshot("variants")


def test_doctor_builds_the_cycle_model_in_the_users_cache(earshot, tmp_path):
    text = earshot("doctor")
    assert "loads it" in text
    assert f"free for {tmp_path / 'cache' / 'earshot'}" in text
    assert list((tmp_path / "cache" / "earshot" / "cycle_model").glob("*/cycle_model.so"))


@pytest.mark.parametrize("folder", ["sketches", "recordings"])
def test_sketches_and_recordings_are_package_data(installed, folder):
    def files(root: Path) -> set[Path]:
        found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
        return {path for path in found if path.suffix != ".pyc" and path.name != "make_tables.py"}

    assert files(installed / "harness" / "data" / folder) == files(ROOT / folder)
