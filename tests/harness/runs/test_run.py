"""A run from model to report on the emulated board, and its failures."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from emulated_runs import LABELS, Models, NewModels
from reported import reported
from small_models import classifier

from harness.boards.emulated import EmulatedBoard
from harness.errors import UsageError
from harness.firmware.engine import get_engine
from harness.layout import PARTIAL, RECORD
from harness.measure.session import INVOCATIONS
from harness.records.reading import read_record
from harness.runs.folder import RUN, begin, resume
from harness.runs.request import Setup
from harness.runs.run import Run
from models.data.wav import write_wav
from models.errors import ConfigError
from models.model_artifact import ModelArtifact
from models.store import Store
from models.variants import Quantization


@pytest.fixture
def run_of(store, tmp_path):
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    write_wav(
        recordings / "yes_1.wav", np.random.default_rng(0).integers(-9000, 9000, 16_000).astype(np.int16)
    )

    def make(
        *items: Path | ModelArtifact | BaseException,
        resumed: Path | None = None,
        models: type[Models] = Models,
    ) -> Run:
        board = EmulatedBoard()
        setup = Setup(models(*items, store=store), board, get_engine("codegen"), recordings=recordings)
        if resumed:
            folder = resume(RUN, resumed, board.describe())
        else:
            folder = begin(RUN, tmp_path / "nights", board.describe(), {"kind": "run"})
        return Run(setup, folder)

    return make


@pytest.fixture
def lines() -> Iterator[list[str]]:
    with reported() as found:
        yield found


def test_model_is_measured_and_reported(run_of, tmp_path):
    record, page = run_of(classifier(tmp_path / "small.tflite")).run()
    (row,) = record.variants
    assert row.faults == []
    assert len(row.stage_us["inference"]) >= INVOCATIONS
    assert row.parity.outputs_equal == row.parity.clips > 0
    assert {host.runtime for host in row.host} == {"tflite"}
    assert row.transcripts.keys() == {"conformance"}
    assert (page.parent / row.transcripts["conformance"]).stat().st_size > 0
    assert read_record(page.parent / RECORD) == record
    assert 'href="recordings.html"' in page.read_text()
    assert "yes_1.wav" in (page.parent / "recordings.html").read_text()
    assert (tmp_path / "nights" / "latest").resolve() == page.parent


def test_run_that_is_stopped_while_its_report_is_written_is_resumed(run_of, lines, tmp_path, monkeypatch):
    model = classifier(tmp_path / "small.tflite")
    with monkeypatch.context() as patch:
        patch.setattr("harness.runs.run.render_run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        run = run_of(model)
        with pytest.raises(KeyboardInterrupt) as stop:
            run.run()
    assert lines[-1].endswith(f"earshot resume {run.folder.path}")
    assert f"Continue this run with `earshot resume {run.folder.path}`" in stop.value.__notes__[0]
    measured = read_record(run.folder.path / PARTIAL).variants
    record, page = run_of(model, resumed=run.folder.path).run()
    assert record.variants == measured and measured[0].stage_us
    assert record.run["ended"] and page.exists() and read_record(page.parent / RECORD) == record


def test_recording_replaced_during_the_run_costs_its_page_only(run_of, lines, tmp_path):
    run = run_of(classifier(tmp_path / "small.tflite"))
    for model in run.setup.selection.models():
        run.measure(model)
    (tmp_path / "recordings" / "yes_1.wav").write_bytes(b"RIFF....")
    record, page = run.close()
    assert record.variants[0].faults == []
    assert "recordings.html" not in page.read_text()
    assert any("no page of the recordings" in line and "yes_1.wav" in line for line in lines)


def test_session_with_a_modeled_clock_comes_from_the_store_the_second_time(run_of, lines, tmp_path):
    model = classifier(tmp_path / "small.tflite")
    first = run_of(model).run()[0].variants[0]
    lines.clear()
    second = run_of(model).run()[0].variants[0]
    assert second.stage_us == first.stage_us
    assert not any("measure on" in line for line in lines)


def test_several_models_are_measured_in_other_processes(run_of, lines, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.runs.run.measure", lambda *_: pytest.fail("measured in this process"))
    odd = classifier(tmp_path / "odd.tflite", last="LOG_SOFTMAX")
    wide = classifier(tmp_path / "wide.tflite", hidden=6)
    run = run_of(classifier(tmp_path / "small.tflite"), odd, wide, models=NewModels)
    run.store = Store(tmp_path / "store")
    rows = {row.id: row for row in run.run()[0].variants}
    assert rows["small"].faults == rows["wide"].faults == [] and rows["small"].parity.outputs_equal > 0
    assert [fault.failure for fault in rows["odd"].faults] == ["unsupported"]
    assert lines.count("small: measure on emulated …") == 1
    assert sum("LOG_SOFTMAX" in line for line in lines) == 1


def test_failures_become_rows_and_the_other_models_are_measured(run_of, tmp_path):
    wrong = ConfigError("a threshold of 1 leaves nothing", "all-pruned")
    odd = classifier(tmp_path / "odd.tflite", last="LOG_SOFTMAX")
    big = classifier(tmp_path / "big.tflite", elements=1100, hidden=1000)
    record, page = run_of(wrong, odd, big, classifier(tmp_path / "small.tflite")).run()
    rows = {row.id: row for row in record.variants}
    assert {id: [fault.failure for fault in row.faults] for id, row in rows.items()} == {
        "all-pruned": ["config"],
        "odd": ["unsupported"],
        "big": ["does-not-fit"],
        "small": [],
    }
    assert "LOG_SOFTMAX" in rows["odd"].faults[0].message and rows["odd"].stage_us == {}
    assert "983,040" in rows["big"].faults[0].message
    assert "a threshold of 1 leaves nothing" in page.read_text() and "does-not-fit" in page.read_text()


def test_run_of_nothing_but_invalid_variants_raises_the_first_failure(run_of):
    with pytest.raises(ConfigError, match="of one"):
        run_of(ConfigError("of one", "one"), ConfigError("of two", "two")).run()


def test_model_that_no_board_runs_is_a_row_without_measurements(run_of, tmp_path):
    contents = {
        "id": "four-bits",
        "title": "Four bits",
        "deployable": False,
        "precision": "float32",
        "labels": list(LABELS),
        "parameters": 16_652,
        "remaining_parameters": 15_000,
        "macs": 336_000,
        "operators": {},
        "tflite_sha256": None,
        "tflite_bytes": None,
        "epochs": [],
        "accuracy": {"testing": [{"label": "yes", "correct": 3, "total": 4}]},
        "quantization": {"method": "aware", "bits": 4},
        "seed": 1,
        "test_predictions": [2, 2, 2, 0],
        "test_labels": [2, 2, 2, 2],
    }
    (tmp_path / "model.json").write_text(json.dumps(contents))
    record, page = run_of(ModelArtifact.load(tmp_path), classifier(tmp_path / "small.tflite")).run()
    row = record.variants[0]
    assert (row.firmware, row.faults, row.stage_us, row.host) == (None, [], {}, [])
    assert row.model.quantization == Quantization("aware", bits=4)
    assert row.model.test_predictions == [2, 2, 2, 0]
    assert read_record(page.parent / RECORD) == record


def test_interrupted_run_keeps_its_rows_and_a_page_and_is_resumed(run_of, lines, tmp_path):
    first, second = classifier(tmp_path / "small.tflite"), classifier(tmp_path / "second.tflite")
    run = run_of(first, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt) as stop:
        run.run()
    path = run.folder.path
    assert [f"earshot resume {path}" in note for note in stop.value.__notes__] == [True]
    then = read_record(path / PARTIAL)
    assert then.run["ended"] == "" and then.variants[0].stage_us["inference"]
    assert (path / "report.html").exists() and not (path / RECORD).exists()

    now, _ = run_of(first, second, resumed=path).run()
    assert (now.run["id"], [row.id for row in now.variants]) == (then.run["id"], ["small", "second"])
    assert now.variants[0] == then.variants[0]
    assert "small: measured before this run was interrupted" in lines


def test_recordings_that_are_not_used_are_reported_and_noted(run_of, lines, tmp_path):
    run = run_of(classifier(tmp_path / "small.tflite"))
    (tmp_path / "recordings" / "no_1.wav").write_bytes(b"RIFF....")
    noise = (tmp_path / "recordings" / "yes_1.wav").read_bytes()
    (tmp_path / "recordings" / "yesterday.wav").write_bytes(noise[:-2] + bytes(2))  # not the same sound
    (tmp_path / "recordings" / "no_2.m4a").write_bytes(b"no sound")
    (tmp_path / "recordings" / os.fsdecode(b"yes_\xff.wav")).write_bytes(b"no sound")
    record, _ = run.run()
    unused = [line.partition(" (")[0] for line in lines if "is not used" in line]
    assert [line.partition(" is")[0] for line in unused] == ["no_2.m4a", "yes_\\udcff.wav", "no_1.wav"]
    notes = record.variants[0].notes
    assert [note for note in notes if "is not used" in note] == unused
    (doubt,) = (line for line in lines if "yesterday" in line and "taken as" in line)
    assert doubt.removeprefix("small: ") in notes and 'its name has "yes" in it' in doubt


def test_folder_without_a_usable_recording_is_refused_before_anything_is_built(run_of, lines, tmp_path):
    run = run_of(classifier(tmp_path / "small.tflite"))
    (tmp_path / "recordings" / "yes_1.wav").write_bytes(b"RIFF....")
    with pytest.raises(UsageError, match=r"yes_1\.wav"):
        run.run()
    assert not any("build …" in line for line in lines)


def test_the_folder_of_one_word_is_refused_before_a_model_is_prepared(run_of, tmp_path):
    run = run_of(UsageError("prepared"))
    (tmp_path / "recordings" / "yes_1.wav").rename(tmp_path / "recordings" / "anna_1.wav")
    (tmp_path / "recordings").rename(tmp_path / "yes")
    run.setup = replace(run.setup, recordings=tmp_path / "yes")
    with pytest.raises(UsageError, match='the folder of one word, "yes"'):
        run.run()
    assert not run.folder.path.exists()
