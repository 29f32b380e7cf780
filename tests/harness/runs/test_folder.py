"""The folder of a run: its record, its lock, and resuming."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.errors import UsageError
from harness.layout import PARTIAL, RECORD, ROOT
from harness.records import provenance
from harness.records.reading import read_record
from harness.records.record import BoardRow, Fault, VariantRow
from harness.runs import folder as folder_module
from harness.runs.folder import RUN, begin, resume

BOARD = BoardRow("desk", "F00D", "A board", 1, "measured", 1, 1)
GOOD = VariantRow("good", "Good", ["yes"])
BAD = VariantRow("bad", "Bad", ["yes"], faults=[Fault("upload", "it did not")])


def begun(output, **fields):
    return begin(RUN, output, BOARD, {"kind": "run", "request": "{}"}, **fields)


def test_a_run_with_an_argument_that_is_not_utf_8_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["earshot", "run", "\udcff"])
    run = begun(tmp_path)
    run.write(variants=[GOOD])
    run.release()
    assert read_record(run.path / PARTIAL).run["command"] == "earshot run \ufffd"


def ended(run):
    with run.ending():
        pass
    return run.record


@pytest.fixture
def killed(tmp_path):
    """The folder of a run whose process is gone."""
    run = begun(tmp_path)
    run.write(variants=[BAD, GOOD])
    run.release()
    return run.path


@pytest.fixture
def clock(monkeypatch):
    """The time in seconds; may be changed."""
    found = SimpleNamespace(now_s=5000.0)
    monkeypatch.setattr(folder_module, "time", SimpleNamespace(monotonic=lambda: found.now_s))
    return found


def test_nothing_is_on_the_disk_before_the_first_write(tmp_path, clock):
    run = begun(tmp_path)
    clock.now_s += 7.5
    assert run.ended().run["length_s"] == "7.500"
    assert not run.path.exists()


def test_resumed_run_keeps_folder_id_and_rows(killed):
    run = resume(RUN, killed, BOARD)
    assert (run.path, run.complete) == (killed, {"good"})
    then, now = read_record(killed / PARTIAL), ended(run)
    assert (now.run["id"], now.run["started"]) == (then.run["id"], then.run["started"])
    assert now.run["resumed"] and now.run["ended"] and now.variants == [BAD, GOOD]
    assert now.run["length_s"] == ""  # unknown: nobody measured the time between


def test_ended_run_leaves_its_record_only_and_cannot_be_resumed(killed):
    run = resume(RUN, killed, BOARD)
    ended(run)
    run.release()
    assert [path.name for path in killed.iterdir()] == [RECORD]
    with pytest.raises(UsageError, match="has ended"):
        resume(RUN, killed, BOARD)


def test_an_ended_night_names_the_command_that_begins_a_new_one(tmp_path):
    run = begin(RUN, tmp_path, BOARD, {"kind": "nightly"})
    ended(run)
    run.release()
    with pytest.raises(UsageError, match="Begin a new one with `earshot nightly`"):
        resume(RUN, run.path, BOARD)


def test_another_process_cannot_resume_a_run_in_progress(killed):
    run = resume(RUN, killed, BOARD)
    code = (
        "import sys, pathlib; from harness.runs.folder import RUN, resume\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "resume(RUN, folder, RUN.read(RUN.find(folder)).board)"
    )
    command = [sys.executable, "-c", code, str(killed)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "another process is using this run" in answer.stderr
    run.release()
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0


def test_another_commit_or_board_cannot_resume(killed, monkeypatch):
    with pytest.raises(UsageError, match=r"another board.*F00D.*BEEF"):
        resume(RUN, killed, replace(BOARD, uid="BEEF"))
    monkeypatch.setattr(provenance, "code", lambda: {"commit": "0" * 40})
    with pytest.raises(UsageError, match="code has changed"):
        resume(RUN, killed, BOARD)


def test_board_may_tell_its_identity_late_but_not_change_it(tmp_path):
    run = begin(RUN, tmp_path, replace(BOARD, uid="desk"), {})
    run.set_board(BOARD)
    run.set_board(replace(BOARD, uid="desk"))  # off the bus for a moment
    assert run.record.board == BOARD
    with pytest.raises(UsageError, match="another board"):
        run.set_board(replace(BOARD, uid="BEEF"))


def test_run_of_other_code_than_the_checkout(tmp_path):
    code = {"commit": "0" * 40, "dirty": False, "harness_version": "0", "procedure_version": 1}
    run = begun(tmp_path, code=code)
    run.write()
    run.release()
    assert ended(resume(RUN, run.path, BOARD, code)).code == code


def test_elapsed_time_continues_after_a_resume(killed, monkeypatch, clock):
    monkeypatch.setattr(folder_module, "_seconds_since", lambda started: 100.0)
    run = resume(RUN, killed, BOARD)
    clock.now_s += 7.5
    assert run.elapsed_s == 107.5


def test_leftovers_of_killed_runs_are_removed_by_the_next_one(tmp_path):
    names = ("20260101T000000Z-01234567", "20260101T000001Z-01234567", "of somebody else")
    dead, early, other = (tmp_path / "desk" / name for name in names)
    for folder, files in ((dead, [PARTIAL]), (early, ["plan.json"]), (other, [])):
        folder.mkdir(parents=True)
        for name in (".running", *files):
            (folder / name).touch()
    running = begun(tmp_path)
    running.lock()
    begun(tmp_path).lock()
    assert [path.name for path in dead.iterdir()] == [PARTIAL]
    assert not early.exists() and (other / ".running").exists() and (running.path / ".running").exists()


def test_nothing_beside_a_renamed_run_is_searched(killed, tmp_path):
    renamed = killed.rename(killed.with_name("monday"))
    dead = killed.with_name("20260101T000000Z-01234567")
    dead.mkdir()
    (dead / ".running").touch()
    resume(RUN, renamed, BOARD)
    assert (dead / ".running").exists()


def test_half_written_files_of_a_killed_run_are_removed_when_it_is_resumed(killed):
    for name in (".run.partial.json-123", ".latest-123"):
        (killed / name).touch()
    resume(RUN, killed, BOARD)
    assert {path.name for path in killed.iterdir()} == {PARTIAL, ".running"}


@pytest.mark.parametrize("own", ["file", "folder", "link", "link to a run elsewhere"])
def test_latest_of_the_user_stays_and_is_no_failure(tmp_path, own):
    latest, run = tmp_path / "latest", begun(tmp_path)
    if own == "file":
        latest.write_text("mine")
    elif own == "folder":
        latest.mkdir()
    else:
        latest.symlink_to("mine" if own == "link" else tmp_path.parent / "desk/20260101T000000Z-01234567")
    before = latest.lstat()
    run.write()
    run.point_latest()
    after = latest.lstat()  # whose time of access may differ: that of a link changes when it is followed
    assert (after.st_ino, after.st_mode, after.st_mtime_ns) == (
        before.st_ino,
        before.st_mode,
        before.st_mtime_ns,
    )
    assert {path.name for path in tmp_path.iterdir()} == {"latest", BOARD.name}


def test_latest_moves_from_run_to_run_even_if_the_first_is_gone(tmp_path):
    for run in (begun(tmp_path), begun(tmp_path)):
        run.write()
        run.point_latest()
        assert (tmp_path / "latest").resolve() == run.path
        run.path.rename(tmp_path / "elsewhere")
        (tmp_path / "elsewhere").rename(tmp_path / run.path.name)


def test_a_run_that_was_copied_elsewhere_gets_no_link(killed, tmp_path):
    copy = tmp_path / "of somebody else" / "copied"
    copy.parent.mkdir()
    killed.rename(copy)
    resume(RUN, copy, BOARD).point_latest()
    assert not (tmp_path / "latest").is_symlink()


def test_a_file_system_without_links_is_no_failure(tmp_path, monkeypatch):
    run = begun(tmp_path)
    run.write()
    monkeypatch.setattr("os.symlink", lambda *_: (_ for _ in ()).throw(PermissionError("no links")))
    run.point_latest()
    assert not (tmp_path / "latest").exists()


def test_latest_run_is_the_one_that_started_last(tmp_path):
    with pytest.raises(UsageError, match="there is no run"):
        RUN.latest(tmp_path)
    for name in (f"a/2026T02/{PARTIAL}", f"b/2026T03/{RECORD}", f"a/2026T01/{RECORD}"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps({}))
    assert RUN.latest(tmp_path).parent.name == "2026T03"
    assert RUN.latest(tmp_path, interrupted=True).parent.name == "2026T02"


def test_a_record_is_found_by_its_run_its_board_or_the_folder_of_all_runs(tmp_path):
    for name in ("a/2026T01", "a/2026T02", "b/2026T03"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / RECORD).touch()
    (tmp_path / "latest").symlink_to("a/2026T01")
    places = {"": "b/2026T03", "a": "a/2026T02", "a/2026T01": "a/2026T01", f"a/2026T01/{RECORD}": "a/2026T01"}
    for place, run in places.items():
        assert RUN.locate(tmp_path / place) == tmp_path / run / RECORD
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="there is no run"):
        RUN.locate(tmp_path / "empty")
