"""A field run from a folder of words to the page: faults, interruptions, kills, and reading it again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from board_text import board_text
from small_models import classifier

from harness.bench_file import Bench
from harness.boards.emulated import EmulatedBoard
from harness.errors import BoardNotFound, UploadFailed, UsageError
from harness.firmware.engine import get_engine
from harness.layout import ROOT
from harness.records.field_record import FieldRecord, read_field
from harness.runs.field.asked import FieldRequest, request_of
from harness.runs.field.folder import PARTIAL, RECORD, FieldFolder, latest, take_up
from harness.runs.field.publishing import read_again
from harness.runs.field.run import FieldRun
from harness.runs.selection import Selection
from models.errors import ConfigError
from models.pipeline import external
from models.store import Store

LABELS = ("silence", "unknown", "yes", "no")


class Models:
    """A selection of models; an exception among them is told as that of a variant."""

    def __init__(self, *items) -> None:
        self.items = items

    def models(self, say, failed):
        for item in self.items:
            if isinstance(item, ConfigError):
                failed(item.where, item)
            else:
                yield item


@pytest.fixture
def run_of(plan, store, folder_of):
    """Makes a run of the small plan with these models."""
    said: list[str] = []

    def make(*models, say=said.append) -> FieldRun:
        board = EmulatedBoard()
        engine = get_engine("codegen")
        run = FieldRun(
            Models(*models), board, engine, Bench(), plan, folder_of(plan, board), say, store=store
        )
        run.said = said
        return run

    return make


def without_files(record: FieldRecord) -> dict:
    """What follows from the logs."""
    return json.loads(json.dumps([replace(variant).__dict__ for variant in record.variants], default=vars))


def test_a_plan_becomes_a_record_and_a_page(run_of, model, plan):
    run = run_of(model)
    record, page = run.run()
    (row,) = record.variants
    assert row.faults == []
    assert row.route == "pcm"
    assert len(row.stimuli) == len(row.clips) == 3
    assert all(clip.board_equals_host for clip in row.clips)
    assert row.reference["equal"] == row.reference["inferences"] > 500
    assert row.timing.inferences == row.reference["inferences"]
    assert {segment.transcript for segment in row.segments} == {
        f"transcripts/{model.id}/segment-{segment.number:04d}.log" for segment in plan.segments
    }
    assert read_field(run.folder.path / RECORD) == record
    assert not (run.folder.path / PARTIAL).exists()
    assert "yes/gene.wav" in page.read_text()
    assert latest(run.folder.path.parents[1]) == run.folder.path


def test_the_plan_stands_in_the_folder_and_can_be_played_again(run_of, model, plan):
    run = run_of(model)
    record, _ = run.run()
    assert run.folder.plan == plan
    assert record.plan["words"] == 3
    assert [each["name"] for each in record.conditions] == ["as recorded"]


def test_read_again_it_is_the_same_and_at_another_threshold_another(run_of, model):
    run = run_of(model)
    first, _ = run.run()
    told: list[str] = []
    again, _ = read_again(run.folder.path, None, told.append)
    assert without_files(again) == without_files(first)
    low, page = read_again(run.folder.path, 60, told.append)
    assert low.threshold == 60
    assert page.exists()
    high, _ = read_again(run.folder.path, 255, told.append)
    assert not any(one.detected for one in high.variants[0].stimuli)
    announced = [sum(bool(one.detected) for one in each.variants[0].stimuli) for each in (low, high)]
    assert announced[0] >= announced[1] == 0
    back, _ = read_again(run.folder.path, 200, told.append)
    assert without_files(back) == without_files(first)
    assert told == []


def test_what_cannot_listen_is_a_row_that_says_why(run_of, store, tmp_path, model):
    deaf = external(classifier(tmp_path / "deaf.tflite", 41), LABELS, store)
    big = external(classifier(tmp_path / "big.tflite", 1960, hidden=1000), LABELS, store)
    broken = ConfigError("a threshold of 1 leaves nothing", "all-pruned")
    record, page = run_of(broken, deaf, big, model).run()
    rows = {row.id: row for row in record.variants}
    assert [fault.failure for fault in rows["all-pruned"].faults] == ["config"]
    assert "micro features" in rows["deaf"].faults[0].message
    assert [fault.failure for fault in rows["big"].faults] == ["does-not-fit"]
    assert rows[model.id].faults == []
    assert "does-not-fit" in page.read_text()


def test_an_interrupted_run_tells_what_was_heard_and_goes_on_where_it_was(run_of, model, plan, store):
    def interrupt_after_the_first_segment(line: str) -> None:
        if "segment 1 of 2" in line:
            raise KeyboardInterrupt

    run = run_of(model, say=interrupt_after_the_first_segment)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    partial = run.folder.record
    assert not (run.folder.path / RECORD).exists()
    assert partial.run["ended"] == ""
    (row,) = partial.variants
    assert [segment.complete for segment in row.segments] == [True, False]
    assert len(row.stimuli) == 3 and not any(word.excluded for word in row.stimuli)
    assert "1 of 2 segments were not played." in row.notes
    assert "were not played" in (run.folder.path / "field.html").read_text()
    first = run.folder.transcript(model.id, 1).read_bytes()
    assert not run.folder.facts(model.id, 2).exists()

    board = EmulatedBoard()
    folder = take_up(run.folder.path, board.describe())
    said: list[str] = []
    again = FieldRun(
        Models(model), board, get_engine("codegen"), Bench(), plan, folder, said.append, store=store
    )
    record, _ = again.run()
    assert run.folder.transcript(model.id, 1).read_bytes() == first
    assert any("segment 1 of 2" in line and "heard before" in line for line in said)
    assert record.variants[0].segments[1].complete
    assert record.variants[0].notes == []
    assert record.run["id"] == partial.run["id"]
    assert record.run["resumed"]


def test_a_run_that_has_ended_is_not_taken_up(run_of, model):
    run = run_of(model)
    run.run()
    with pytest.raises(UsageError, match="has ended"):
        take_up(run.folder.path, EmulatedBoard().describe())


class BoardThatIsAway(EmulatedBoard):
    """Nothing can be uploaded to it."""

    def upload(self, firmware) -> None:
        raise BoardNotFound("the board is gone")


def test_a_run_that_ended_for_want_of_its_board_goes_on_when_that_is_back(plan, model, store, folder_of):
    away = BoardThatIsAway()
    folder = folder_of(plan, away)
    how = (get_engine("codegen"), Bench(), plan)
    scratch = Store(folder.path / "store")
    record, _ = FieldRun(Models(model), away, *how, folder, lambda line: None, store=scratch).run()
    assert [fault.failure for fault in record.variants[0].faults] == ["enumerate"]
    back = EmulatedBoard()
    again = take_up(folder.path, back.describe())
    assert again.record.run["ended"] == "" and not (folder.path / RECORD).exists()
    record, _ = FieldRun(Models(model), back, *how, again, lambda line: None, store=scratch).run()
    assert record.variants[0].faults == []
    assert record.run["ended"]


class BoardThatIsAwayAtFirst(EmulatedBoard):
    """The first uploads fail."""

    failures = 2

    def upload(self, firmware) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise UploadFailed("the port was busy")
        super().upload(firmware)


def test_uploads_that_had_to_be_tried_again_stand_in_the_notes(plan, model, folder_of):
    board = BoardThatIsAwayAtFirst()
    folder = folder_of(plan, board)
    scratch = Store(folder.path / "store")
    how = (get_engine("codegen"), Bench(), plan, folder, lambda line: None)
    record, _ = FieldRun(Models(model), board, *how, store=scratch).run()
    (row,) = record.variants
    assert row.faults == []
    assert len(row.notes) == 2 and "the port was busy" in row.notes[0]


def test_two_processes_are_never_at_one_run(run_of, model):
    run = run_of(model)
    with pytest.raises(UsageError, match="another process is at this run"):
        FieldFolder(run.folder.path).take()


def test_another_commit_or_board_is_another_run(run_of, model):
    run = run_of(model)
    run.folder.let_go()
    board = EmulatedBoard().describe()
    with pytest.raises(UsageError, match="begun on another board"):
        take_up(run.folder.path, replace(board, uid="other"))
    record = run.folder.record
    run.folder.write(replace(record, code={**record.code, "commit": "0" * 40}))
    with pytest.raises(UsageError, match="the code has changed"):
        take_up(run.folder.path, board)


def test_a_request_comes_back_from_its_record(my_words, tmp_path, home):
    tflite = classifier(tmp_path / "asked.tflite", 1960)
    asked = FieldRequest(
        Selection(model_file=tflite, labels=LABELS),
        "emulated",
        recordings=my_words,
        threshold=180,
        check=True,
    )
    run = asked.begin(tmp_path / "field", lambda line: None)
    kept = request_of(run.folder.path)
    assert kept.selection == asked.selection
    assert (kept.board, kept.threshold, kept.check) == ("emulated", 180, True)
    run.folder.let_go()


def test_a_folder_without_a_run_is_told(tmp_path):
    with pytest.raises(UsageError, match="field"):
        latest(tmp_path)
    with pytest.raises(UsageError, match=r"plan|field record"):
        read_again(tmp_path, None, lambda line: None)


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_with_the_segments_that_are_whole(my_words, tmp_path):
    """The command itself, by SIGKILL; in new processes it goes on, by --resume and called once more."""
    tflite = classifier(tmp_path / "killed.tflite", 1960)
    command = [sys.executable, "-m", "harness.cli", "field", "--model", str(tflite)]
    environment = {**os.environ, "EARSHOT_HOME": str(tmp_path / "home")}
    output = tmp_path / "field"
    how = {"cwd": ROOT, "env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    begin = [*command, "--labels", ",".join(LABELS), "--recordings", str(my_words), "--repeat", "8"]
    begin += ["--snr", "20,10,0", "--output", str(output)]
    killed = subprocess.Popen(begin, **how)
    deadline = time.monotonic() + 120
    while not (whole := list(output.glob("emulated/*/transcripts/killed/segment-0001.json"))):
        assert killed.poll() is None, killed.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    folder = FieldFolder(whole[0].parents[2])
    before = folder.transcript("killed", 1).read_bytes()
    assert not folder.facts("killed", 3).exists()
    assert len(read_again(folder.path, None, lambda line: None)[0].variants) == 1

    resumed = subprocess.run(
        [sys.executable, "-m", "harness.cli", "field", "--resume", str(folder.path)], **how, text=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert re.search("segment 1 of 3, .* heard before", resumed.stderr)
    assert folder.transcript("killed", 1).read_bytes() == before
    record = folder.record
    assert record.run["ended"] and all(segment.complete for segment in record.variants[0].segments)

    anew = subprocess.run(begin, **how, text=True)  # the same command once more: all of it from the store
    assert anew.returncode == 0, anew.stderr
    other = FieldFolder(latest(output))
    assert other.path != folder.path
    for number in (1, 2, 3):
        assert board_text(other.transcript("killed", number)) == board_text(
            folder.transcript("killed", number)
        )
    assert other.record.variants[0].stimuli == record.variants[0].stimuli
    assert not Path(other.path / PARTIAL).exists()
