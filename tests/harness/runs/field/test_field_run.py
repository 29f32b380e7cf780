"""A field run from a folder of words to the page: faults, interruptions, and reading it again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cluster_site import ONE, Site, hiding
from emulated_runs import LABELS, Models
from reported import reported
from small_models import classifier

from harness.bench_file import Bench
from harness.boards.emulated import EmulatedBoard
from harness.errors import BoardNotFound, UploadFailed, UsageError
from harness.firmware.engine import get_engine
from harness.layout import store_root
from harness.recognizer import DEFAULT, Recognizer
from harness.records.field_record import FieldRecord, read_field, write_field
from harness.runs.field.host import Host
from harness.runs.field.paths import FieldPaths
from harness.runs.field.playing import Player
from harness.runs.field.publishing import read_again
from harness.runs.field.run import FieldRun, begin_folder, describe_plan
from harness.runs.folder import FIELD, resume
from harness.runs.request import Setup
from harness.sound.playback_plan import read_plan, write_plan
from models.cluster import Cluster, scheduler
from models.errors import ConfigError
from models.pipeline import external
from models.progress import Report, Task, sent_to
from models.store import Store


@pytest.fixture
def run_of(plan, store, tmp_path):
    """Make a run of the small plan with these models."""

    def make(*models, board=None, own_store=store, resumed=None, recognizer=DEFAULT) -> FieldRun:
        board = board or EmulatedBoard()
        bench = Bench(recognizer={model.id: recognizer for model in models if recognizer != DEFAULT})
        setup = Setup(Models(*models, store=store), board, get_engine("codegen"), bench)
        if resumed:
            folder = resume(FIELD, resumed, board.describe())
        else:
            folder = begin_folder(tmp_path / "field", setup, plan, None, {"kind": "field"})
        return FieldRun(plan, setup, folder, store=own_store)

    return make


def rows_of(record: FieldRecord) -> list:
    return json.loads(json.dumps([replace(variant).__dict__ for variant in record.variants], default=vars))


def test_plan_becomes_a_record_and_a_page(run_of, model, plan):
    run = run_of(model)
    record, page = run.run()
    path = run.folder.path
    (row,) = record.variants
    assert (row.faults, row.route) == ([], "pcm")
    assert len(row.stimuli) == len(row.clips) == 3
    assert all(clip.board_equals_host for clip in row.clips)
    assert row.reference.equal == row.reference.inferences > 500
    assert row.timing.inferences == row.reference.inferences
    assert {segment.transcript for segment in row.segments} == {
        f"transcripts/{model.id}/segment-{segment.number:04d}.log" for segment in plan.segments
    }
    assert read_field(path / FIELD.name) == record
    assert not (path / FIELD.partial).exists()
    assert "yes/gene.wav" in page.read_text()
    assert FIELD.latest(path.parents[1]).parent == path
    assert (path.parents[1] / "latest").resolve() == path
    assert read_plan(FieldPaths(path).plan) == plan
    assert record.plan["words"] == 3
    assert [each.name for each in record.conditions] == ["as recorded"]
    with pytest.raises(UsageError, match="has ended"):
        resume(FIELD, path, EmulatedBoard().describe())


def test_the_boards_detections_are_those_of_the_benchs_recognizer(run_of, model):
    tuned = Recognizer("exponential", 200, 2, 60, {"yes": 40, "silence": 250}, suppression_ms=300)
    run = run_of(model, recognizer=tuned)
    record, page = run.run()
    (row,) = record.variants
    assert row.recognizer == row.firmware.recognizer == tuned
    assert len(row.false_accepts) + sum(one.detected is not None for one in row.stimuli) > 5
    assert row.notes == []  # none says that the board's detections differ from the replayed ones
    assert "threshold is 60, yes 40, silence 250." in page.read_text()
    default, _ = run_of(model).run()
    assert default.variants[0].firmware.recognizer == DEFAULT
    assert default.variants[0].firmware.build_id != row.firmware.build_id


def test_reading_again_gives_the_same_rows_or_those_of_another_threshold(run_of, model, plan):
    run = run_of(model)
    first, _ = run.run()
    low, page = read_again(run.folder.path, 60)
    assert low.threshold == 60 and page.exists()
    high, _ = read_again(run.folder.path, 255)
    detected = [sum(bool(one.detected) for one in each.variants[0].stimuli) for each in (low, high)]
    assert detected[0] >= detected[1] == 0
    back, _ = read_again(run.folder.path, 200)
    assert rows_of(back) == rows_of(first)
    file = FieldPaths(run.folder.path).plan
    write_plan(moved := replace(plan, folder=Path("gone")), file)
    write_field(replace(back, plan=describe_plan(moved, file)), FIELD.find(run.folder.path))
    with reported() as lines:
        read_again(run.folder.path, None)
    assert any("clips of missed keywords cannot be written" in line for line in lines)


def test_model_that_cannot_listen_is_a_row_with_the_reason(run_of, store, tmp_path, model):
    deaf = external(classifier(tmp_path / "deaf.tflite", 41), LABELS, store)
    broken = ConfigError("a threshold of 1 leaves nothing", "all-pruned")
    record, page = run_of(broken, deaf, model).run()
    rows = {row.id: row for row in record.variants}
    assert [fault.failure for fault in rows["all-pruned"].faults] == ["config"]
    assert "front end micro" in rows["deaf"].faults[0].message
    assert rows[model.id].faults == []
    assert "a threshold of 1 leaves nothing" in page.read_text()


def test_interrupted_run_keeps_its_segments_and_is_resumed(run_of, model, tmp_path):
    def interrupt_at_the_second_segment(report: Report) -> None:
        if isinstance(report, Task) and "segment 2 of 2" in report.name:
            raise KeyboardInterrupt

    run = run_of(model, own_store=Store(tmp_path / "own"))  # no segment is cached
    with sent_to(interrupt_at_the_second_segment), pytest.raises(KeyboardInterrupt):
        run.run()
    path, partial = run.folder.path, run.folder.record
    assert not (path / FIELD.name).exists() and partial.run["ended"] == ""
    (row,) = partial.variants
    assert [segment.complete for segment in row.segments] == [True, False]
    assert len(row.stimuli) == 3 and not any(word.excluded for word in row.stimuli)
    assert "1 of 2 segments were not played." in row.notes
    assert "were not played" in (path / "field.html").read_text()
    paths = FieldPaths(path)
    first = paths.transcript(model.id, 1).read_bytes()
    assert not paths.facts(model.id, 2).exists()

    again = run_of(model, resumed=path)
    with reported() as lines:
        record, _ = again.run()
    assert paths.transcript(model.id, 1).read_bytes() == first
    assert any("segment 1 of 2" in line and "played before" in line for line in lines)
    assert record.variants[0].segments[1].complete
    assert record.variants[0].notes == []
    assert record.run["id"] == partial.run["id"] and record.run["resumed"]


class FailingBoard(EmulatedBoard):
    """Its first uploads fail."""

    def __init__(self, failure: Exception, times: int) -> None:
        super().__init__()
        self.failure, self.times = failure, times

    def upload(self, firmware) -> None:
        self.times -= 1
        if self.times >= 0:
            raise self.failure
        super().upload(firmware)


def test_run_without_its_board_is_resumed_when_the_board_is_back(run_of, model, tmp_path):
    scratch = Store(tmp_path / "store")
    away = run_of(model, board=FailingBoard(BoardNotFound("the board is gone"), 9), own_store=scratch)
    record, _ = away.run()
    assert [fault.failure for fault in record.variants[0].faults] == ["enumerate"]
    again = run_of(model, own_store=scratch, resumed=away.folder.path)
    assert again.folder.record.run["ended"] == "" and not (away.folder.path / FIELD.name).exists()
    record, _ = again.run()
    assert record.variants[0].faults == [] and record.run["ended"]


def test_retried_uploads_are_in_the_notes(run_of, model, tmp_path):
    board = FailingBoard(UploadFailed("the port was busy"), 2)
    record, _ = run_of(model, board=board, own_store=Store(tmp_path / "store")).run()
    (row,) = record.variants
    assert row.faults == []
    assert len(row.notes) == 2 and "the port was busy" in row.notes[0]


def test_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="there is no run"):
        FIELD.latest(tmp_path)
    with pytest.raises(UsageError, match="field record"):
        read_again(tmp_path, None)


@pytest.fixture
def in_tasks(monkeypatch):
    """Play ahead in two processes also what is short; return the names of the tasks."""
    monkeypatch.setattr("harness.runs.field.run._WORTH_TASKS_S", 0.0)
    monkeypatch.setattr("models.cluster.os.cpu_count", lambda: 2)
    names, submit = [], Cluster.submit

    def note(self, name, *rest, **options):
        names.append(name)
        return submit(self, name, *rest, **options)

    monkeypatch.setattr(Cluster, "submit", note)
    return names


def transcripts_of(path: Path) -> dict[str, list[bytes]]:
    """Return what the board said, without the host's times, by path."""
    return {
        str(log.relative_to(path)): [
            line.partition(b"\t")[2] for line in log.read_bytes().splitlines() if b">\t" not in line
        ]
        for log in path.rglob("*.log")
    }


def timeless(record: FieldRecord) -> list:
    """Return the rows without the time that the host took."""
    rows = rows_of(record)
    for row in rows:
        for segment in row["segments"]:
            segment.pop("wall_s")
    return rows


@pytest.mark.slow
def test_segments_in_tasks_give_the_same_rows_and_transcripts(run_of, model, tmp_path, request):
    alone = run_of(model, own_store=Store(tmp_path / "alone"))
    record, _ = alone.run()
    names = request.getfixturevalue("in_tasks")
    run = run_of(model, own_store=Store(tmp_path / "tasks"))
    with reported() as lines:
        again, _ = run.run()
    assert names == [f"play-{model.id}-1", f"play-{model.id}-2"]
    assert timeless(again) == timeless(record)
    assert transcripts_of(run.folder.path) == transcripts_of(alone.folder.path)
    assert sum("play segment" in line for line in lines) == 2  # each once
    third = run_of(model, own_store=Store(tmp_path / "tasks"))
    assert timeless(third.run()[0]) == timeless(record) and len(names) == 2


@pytest.mark.slow
def test_a_run_that_is_interrupted_while_tasks_play_is_resumed(
    run_of, model, tmp_path, monkeypatch, in_tasks
):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    store = Store(tmp_path / "own")
    run = run_of(model, own_store=store)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Host, "listen", interrupt)  # called when this process has a segment
        run.run()
    path = run.folder.path
    assert FieldPaths(path).facts(model.id, 1).exists() and not FieldPaths(path).facts(model.id, 2).exists()
    record, _ = run_of(model, own_store=store, resumed=path).run()
    assert all(segment.complete for segment in record.variants[0].segments)
    assert record.variants[0].notes == []


@pytest.mark.slow
def test_a_worker_with_a_store_of_its_own_plays_segments(
    run_of, model, store, tmp_path, monkeypatch, in_tasks
):
    (tmp_path / "shared").mkdir()
    (tmp_path / "site").mkdir()
    monkeypatch.setenv("EARSHOT_STORE", str(tmp_path / "shared"))
    monkeypatch.setattr(Player, "_play_now", lambda *_: pytest.fail("played in this process"))
    site, home = Site(tmp_path / "site"), tmp_path / "there"
    try:
        site.start_scheduler()
        site.start_worker(*ONE, prefix=hiding(store.root), EARSHOT_HOME=str(home))
        with scheduler(site.address, store_root):
            record, _ = run_of(model, recognizer=Recognizer("mean", 300)).run()
    finally:
        site.stop()
    assert record.variants[0].faults == [] and record.variants[0].reference.equal > 500
    assert [name for name in in_tasks if name.startswith("play-")] == [f"play-{model.id}-{n}" for n in (1, 2)]
    assert len([path for path in home.glob("field-segment/*") if path.is_dir()]) == 2
