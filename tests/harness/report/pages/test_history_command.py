"""`earshot history` as a command."""

from dataclasses import replace

import pytest
from benchmarks.made_history import write_nights

from harness import layout
from harness.cli import main
from harness.errors import EXIT_CLEAN, EXIT_USAGE
from harness.records.reading import read_record
from harness.records.record import write_record


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Return a folder for records, with an empty cache."""
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(layout, "NIGHTS", tmp_path / "default")
    return tmp_path


def page_of(bench, *arguments):
    """Return the exit code and the index that the command wrote."""
    site = ["--output", str(bench / "site"), "--baselines", str(bench / "baselines")]
    code = main(["history", *map(str, arguments), *site])
    page = bench / "site" / "index.html"
    return code, page.read_text() if page.exists() else ""


def test_nights_of_several_folders_become_pages_without_unreadable_ones(bench, capsys):
    write_nights(bench / "nights", nights=4, boards=["emulated"], series=3, samples=9)
    write_nights(bench / "other", nights=3, boards=["nano33ble"], series=3, samples=9)
    record = bench / "nights" / "emulated" / "00002" / "run.json"
    record.write_text(record.read_text()[:500])
    code, page = page_of(bench, bench / "nights", bench / "other")
    assert code == EXIT_CLEAN
    assert page.count("3 nights since") == 2
    assert str(record) in page
    assert "Nothing changed on emulated: all" in page  # the recorded verdict, as there is no baseline
    output = capsys.readouterr()
    assert output.out.strip() == str(bench / "site" / "index.html")
    assert "nights: 6, boards: 2, records left out: 1" in output.err


def test_an_empty_history_shows_the_first_command(bench, capsys):
    code, page = page_of(bench)
    assert code == EXIT_CLEAN
    assert "earshot nightly --board emulated" in page
    assert "Left out" not in page
    assert "earshot nightly --board emulated" in capsys.readouterr().err


def test_a_missing_folder_is_a_usage_error(bench, capsys):
    assert page_of(bench, bench / "nihgts") == (EXIT_USAGE, "")
    assert "nihgts" in capsys.readouterr().err


def test_a_damaged_baseline_leaves_the_boards_in_the_pages(bench, capsys):
    write_nights(bench / "nights", nights=1, boards=["emulated", "nano33ble"], series=3, samples=9)
    (bench / "baselines").mkdir()
    (bench / "baselines" / "emulated.toml").write_text("schema = ")
    code, page = page_of(bench, bench / "nights")
    assert code == EXIT_USAGE
    assert "emulated is shown without its baseline: config:" in capsys.readouterr().err
    assert "emulated" in page and "nano33ble" in page


def test_the_records_are_read_in_one_task(bench, capsys):
    write_nights(bench / "nights", nights=3, boards=["emulated"], series=3, samples=9)
    page_of(bench, bench / "nights")
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if line.endswith("…")] == ["read the records …"]


def test_of_boards_of_one_name_the_one_that_was_accepted_has_its_baseline(bench, monkeypatch):
    shown = {}
    monkeypatch.setattr(
        "harness.report.pages.history.render_history",
        lambda history, baselines, *_: shown.update(baselines) or bench / "index.html",
    )
    for name, uid in (("berlin", "F00D"), ("munich", "BEEF")):
        for path in write_nights(bench / name, nights=4, boards=["nano33ble"], series=3, samples=9):
            record = read_record(path)
            run = record.run | {"id": f"{name}-{record.run['id']}", "bench": name}
            write_record(replace(record, run=run, board=replace(record.board, uid=uid)), path)
    accepted = ["baseline", "accept", "--board", "nano33ble", "--reason", "the first", "--history"]
    assert main([*accepted, str(bench / "berlin"), "--baselines", str(bench / "baselines")]) == EXIT_CLEAN
    page_of(bench, bench / "berlin", bench / "munich")
    assert [*shown] == ["nano33ble of berlin"]
