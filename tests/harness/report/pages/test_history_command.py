"""`earshot history` as a command."""

import shutil

import pytest
from benchmarks.made_history import write_nights

from harness import layout
from harness.cli import main
from harness.errors import EXIT_CLEAN, EXIT_USAGE


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Write twelve nights of two boards."""
    folder = tmp_path_factory.mktemp("made")
    write_nights(folder, nights=12, series=3, samples=9)
    return folder


@pytest.fixture
def bench(tmp_path, made, monkeypatch):
    """Return a folder with a copy of the nights, and an empty cache."""
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(layout, "NIGHTS", tmp_path / "default")
    shutil.copytree(made, tmp_path / "nights")
    return tmp_path


def page_of(bench, *arguments):
    """Return the exit code and the index that the command wrote."""
    site = ["--output", str(bench / "site"), "--baselines", str(bench / "baselines")]
    code = main(["history", *map(str, arguments), *site])
    page = bench / "site" / "index.html"
    return code, page.read_text() if page.exists() else ""


def test_nights_of_a_folder_become_pages(bench, capsys):
    code, page = page_of(bench, bench / "nights")
    assert code == EXIT_CLEAN
    assert "12 nights</a> since" in page
    output = capsys.readouterr()
    assert output.out.strip() == str(bench / "site" / "index.html")
    assert "nights: 24, boards: 2, left out: 0" in output.err


def test_without_a_baseline_the_recorded_verdict_is_shown(bench):
    assert "Nothing changed on emulated: all" in page_of(bench, bench / "nights")[1]


def test_several_folders_are_one_history(bench):
    (bench / "other").mkdir()
    (bench / "nights" / "emulated").rename(bench / "other" / "emulated")
    page = page_of(bench, bench / "nights", bench / "other")[1]
    assert page.count("12 nights</a> since") == 2


def test_an_unreadable_record_is_left_out_and_listed(bench, capsys):
    record = sorted((bench / "nights" / "emulated").glob("*/run.json"))[3]
    record.write_text(record.read_text()[:500])
    code, page = page_of(bench, bench / "nights")
    assert code == EXIT_CLEAN
    assert "11 nights</a> since" in page
    assert str(record) in page
    assert "nights: 23, boards: 2, left out: 1" in capsys.readouterr().err


def test_an_empty_history_shows_the_first_command(bench, capsys):
    code, page = page_of(bench)
    assert code == EXIT_CLEAN
    assert "earshot nightly --board emulated" in page
    assert "Left out" not in page
    assert "earshot nightly --board emulated" in capsys.readouterr().err


def test_a_missing_folder_is_a_usage_error(bench, capsys):
    code, page = page_of(bench, bench / "nihgts")
    assert code == EXIT_USAGE
    assert not page
    assert "nihgts" in capsys.readouterr().err


def test_a_damaged_baseline_is_a_usage_error(bench, capsys):
    (bench / "baselines").mkdir()
    (bench / "baselines" / "emulated.toml").write_text("schema = ")
    assert page_of(bench, bench / "nights")[0] == EXIT_USAGE
    assert "emulated.toml" in capsys.readouterr().err
