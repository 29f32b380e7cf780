"""A run's record in the making: written, ended, taken up again, and refused to whoever must not have it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.layout import ROOT
from harness.records import provenance
from harness.records.reading import read_record
from harness.records.record import BlockRow, BoardRow, Fault, VariantRow
from harness.records.verdict import RunVerdict
from harness.runs import journal
from harness.runs.journal import (
    PARTIAL,
    RECORD,
    begin,
    latest_interrupted,
    latest_record,
    read_interrupted,
    take_up,
)

BOARD = BoardRow("desk", "F00D", "A board", 1, "measured", 1, 1)
GOOD = VariantRow("good", "Good", ["yes"])
BAD = VariantRow("bad", "Bad", ["yes"], faults=[Fault("upload", "it did not")])


@pytest.fixture
def killed(tmp_path):
    """The folder of a run whose process is gone."""
    run = begin(tmp_path, BOARD, "what was asked for")
    run.rows |= {"bad": BAD, "good": GOOD}
    run.write()
    run.let_go()
    return run.folder


def test_a_run_leaves_nothing_before_it_is_written(tmp_path):
    assert not begin(tmp_path, BOARD).folder.exists()


def test_an_interrupted_run_keeps_folder_id_and_rows(killed):
    run = take_up(killed, BOARD)
    assert (run.folder, list(run.rows), run.kept) == (killed, ["bad", "good"], {"good"})
    then, now = read_record(killed / PARTIAL), run.end()
    assert now.run["id"] == then.run["id"] and now.run["started"] == then.run["started"]
    assert now.run["resumed"] and now.run["ended"] and now.variants == [BAD, GOOD]


def test_an_ended_run_is_whole_and_nothing_else_is_left(killed):
    run = take_up(killed, BOARD)
    run.end()
    run.let_go()
    assert [path.name for path in killed.iterdir()] == [RECORD]


def test_an_ended_run_is_not_taken_up(killed):
    run = take_up(killed, BOARD)
    run.end()
    run.let_go()
    with pytest.raises(UsageError, match="has ended"):
        take_up(killed, BOARD)


def test_a_run_that_goes_on_is_not_taken_up_by_another_process(killed):
    run = take_up(killed, BOARD)
    code = (
        "import sys, pathlib; from harness.run import journal\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "journal.take_up(folder, journal.read_interrupted(folder).board)"
    )
    command = [sys.executable, "-c", code, str(killed)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "another process is at this run" in answer.stderr
    run.let_go()
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0


def test_a_run_of_other_code_is_not_taken_up(killed, monkeypatch):
    monkeypatch.setattr(provenance, "code", lambda: {"commit": "0" * 40})
    with pytest.raises(UsageError, match="code has changed"):
        take_up(killed, BOARD)


def test_a_run_on_another_board_is_not_taken_up(killed):
    with pytest.raises(UsageError, match=r"another board.*F00D.*BEEF"):
        take_up(killed, replace(BOARD, uid="BEEF"))


def test_a_board_that_tells_its_identity_late_is_taken_down(tmp_path):
    run = begin(tmp_path, replace(BOARD, uid="desk"))
    run.measured_by(BOARD)
    run.measured_by(replace(BOARD, uid="desk"))  # off the bus for a moment
    assert run.board == BOARD


def test_a_board_that_was_swapped_meanwhile_is_noticed(tmp_path):
    run = begin(tmp_path, BOARD)
    with pytest.raises(UsageError, match="another board"):
        run.measured_by(replace(BOARD, uid="BEEF"))


def test_what_was_asked_for_stands_in_the_record(killed):
    assert read_interrupted(killed).run[journal.OPTIONS] == "what was asked for"


def test_a_run_says_what_kind_it_is_and_what_is_told_about_it(tmp_path):
    assert begin(tmp_path, BOARD).run["kind"] == "run"
    about = {"kind": "nightly", "board": "desk"}
    told = begin(tmp_path, BOARD, about=about).run
    assert {name: told[name] for name in about} == about


def test_a_run_may_be_of_other_code_than_the_checkouts(tmp_path):
    kept = {"commit": "0" * 40, "dirty": False}
    run = begin(tmp_path, BOARD, code=kept)
    run.write()
    run.let_go()
    assert take_up(run.folder, BOARD, kept).end().code == kept


def test_an_ended_run_knows_its_length_by_the_monotonic_clock(tmp_path):
    run = begin(tmp_path, BOARD)
    assert 0 <= float(run.ended().run["length_s"]) < 60
    assert not run.folder.exists()  # nothing was written yet


def test_a_run_that_was_taken_up_does_not_know_its_length(killed):
    assert take_up(killed, BOARD).end().run["length_s"] == ""


def test_time_goes_on_where_a_run_is_taken_up(killed, monkeypatch):
    monkeypatch.setattr(journal, "_seconds_since", lambda started: 100.0)
    assert 100 <= take_up(killed, BOARD).elapsed_s < 160


def test_blocks_verdict_and_fault_stand_in_the_record(tmp_path):
    run = begin(tmp_path, BOARD)
    run.blocks = [BlockRow("good", "codegen", "round", 1)]
    run.verdict = RunVerdict("1", "desk", "broken", "It broke.", 4)
    run.fault = Fault("enumerate", "gone")
    written = run.end()
    assert read_record(run.folder / RECORD) == written
    assert (written.blocks, written.verdict, written.fault) == (run.blocks, run.verdict, run.fault)


def runs(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({}))


def test_the_latest_record_is_that_of_the_run_that_started_last(tmp_path):
    runs(tmp_path, f"emulated/2026T02/{RECORD}", f"other/2026T03/{PARTIAL}", f"emulated/2026T01/{RECORD}")
    assert latest_record(tmp_path).parent.name == "2026T03"


def test_the_latest_interrupted_run_is_one_without_an_end(tmp_path):
    runs(tmp_path, f"emulated/2026T02/{PARTIAL}", f"other/2026T03/{RECORD}", f"emulated/2026T01/{PARTIAL}")
    assert latest_interrupted(tmp_path).name == "2026T02"


def test_no_run_to_report_is_said(tmp_path):
    with pytest.raises(UsageError, match="no run to report"):
        latest_record(tmp_path)


def test_no_run_to_resume_is_said(tmp_path):
    with pytest.raises(UsageError, match="no run was interrupted"):
        latest_interrupted(tmp_path)
