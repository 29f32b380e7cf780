import json
import shutil

import pytest
from benchmarks.made_history import write_nights

from harness import layout
from harness.cli import main
from harness.errors import EXIT_CLEAN, EXIT_USAGE


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Twelve nights of two boards, as files."""
    folder = tmp_path_factory.mktemp("made")
    write_nights(folder, nights=12, series=3, samples=9)
    return folder


@pytest.fixture
def bench(tmp_path, made, monkeypatch):
    """Those nights in a folder of their own, and an index beside it."""
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(layout, "NIGHTS", tmp_path / "default")
    shutil.copytree(made, tmp_path / "nights")
    return tmp_path


def page_of(bench, *arguments):
    """The exit code and the index that the command wrote."""
    site = ["--output", str(bench / "site"), "--baselines", str(bench / "baselines")]
    code = main(["history", *map(str, arguments), *site])
    page = bench / "site" / "index.html"
    return code, page.read_text() if page.exists() else ""


def test_nights_of_a_folder_become_pages(bench, capsys):
    code, page = page_of(bench, bench / "nights")
    assert code == EXIT_CLEAN
    assert "All 12 nights" in page
    told = capsys.readouterr()
    assert told.out.strip() == str(bench / "site" / "index.html")
    assert "nights: 24, boards: 2, left out: 0" in told.err


def test_without_a_baseline_the_records_say_what_was_said(bench):
    assert "Nothing changed on emulated: all" in page_of(bench, bench / "nights")[1]


def test_several_folders_are_one_history(bench):
    (bench / "other").mkdir()
    (bench / "nights" / "emulated").rename(bench / "other" / "emulated")
    page = page_of(bench, bench / "nights", bench / "other")[1]
    assert page.count("All 12 nights") == 2


def test_what_cannot_be_read_is_left_out_and_told(bench, capsys):
    record = sorted((bench / "nights" / "emulated").glob("*/run.json"))[3]
    record.write_text(record.read_text()[:500])
    code, page = page_of(bench, bench / "nights")
    assert code == EXIT_CLEAN
    assert "All 11 nights" in page
    assert str(record) in page
    assert "nights: 23, boards: 2, left out: 1" in capsys.readouterr().err


def test_an_edited_record_is_left_out_and_told(bench):
    record = sorted((bench / "nights" / "nano33ble").glob("*/run.json"))[3]
    edited = json.loads(record.read_text())
    edited["run"]["trigger"] = "by hand"
    record.write_text(json.dumps(edited))
    page = page_of(bench, bench / "nights")[1]
    assert "All 11 nights" in page
    assert str(record) in page


def test_nothing_yet_is_told_with_how_to_begin(bench, capsys):
    code, page = page_of(bench)
    assert code == EXIT_CLEAN
    assert "earshot nightly --board emulated" in page
    assert "Left out" not in page
    assert "earshot nightly --board emulated" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_a_mistake_of_the_command(bench, capsys):
    code, page = page_of(bench, bench / "nihgts")
    assert code == EXIT_USAGE
    assert not page
    assert "nihgts" in capsys.readouterr().err


def test_a_damaged_baseline_is_told_and_not_ignored(bench, capsys):
    (bench / "baselines").mkdir()
    (bench / "baselines" / "emulated.toml").write_text("schema = ")
    assert page_of(bench, bench / "nights")[0] == EXIT_USAGE
    assert "emulated.toml" in capsys.readouterr().err
