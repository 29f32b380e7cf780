from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.records import provenance


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """A checkout with one commit."""
    (tmp_path / "code.py").write_text("1\n")
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=n@example.org", "commit", "-qm", "one"],
    ):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    return tmp_path


def test_a_commit_without_changes_is_clean(checkout):
    code = provenance.code()
    assert len(code["commit"]) == 40 and not code["dirty"]


@pytest.mark.parametrize("name", ["code.py", "another.py", "models/another.toml"])
def test_an_uncommitted_change_is_dirty(checkout, name):
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("2\n")
    assert provenance.code()["dirty"]


def test_an_uncommitted_baseline_is_not_dirty(checkout):
    (checkout / "reports" / "baselines").mkdir(parents=True)
    (checkout / "reports" / "baselines" / "emulated.toml").write_text("schema = 1\n")
    assert not provenance.code()["dirty"]


def test_changes_that_git_does_not_tell_in_time_are_dirty(checkout, monkeypatch):
    answer = subprocess.run

    def run(command, **options):
        if "status" in command:
            raise subprocess.TimeoutExpired(command, 20)
        return answer(command, **options)

    monkeypatch.setattr(subprocess, "run", run)
    code = provenance.code()
    assert len(code["commit"]) == 40 and code["dirty"]


def test_outside_git_the_commit_is_unknown_and_dirty(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    code = provenance.code()
    assert (code["commit"], code["dirty"]) == ("unknown", True)
