"""A run from model to report on the emulated board: what is kept, and what becomes of what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from small_models import classifier

from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.measure.session import INVOCATIONS
from harness.records.reading import read_record
from harness.runs.journal import PARTIAL, RECORD
from harness.runs.night import Night
from models.data.wav import write_wav
from models.errors import ConfigError, DatasetError
from models.model_artifact import ModelArtifact
from models.pipeline import external
from models.store import Store

LABELS = ("silence", "unknown", "yes", "no")


class Models:
    """A selection of .tflite files and models. An exception among them is raised in its turn, a ConfigError
    is told before anything else."""

    def __init__(self, items: Iterable[Path | ModelArtifact | BaseException], store: Store) -> None:
        self.items, self.store = items, store

    def models(self, say, failed) -> Iterable[ModelArtifact]:
        for item in self.items:
            if isinstance(item, ConfigError):
                failed(item.where, item)
        for item in (item for item in self.items if not isinstance(item, ConfigError)):
            if isinstance(item, BaseException):
                raise item
            yield item if isinstance(item, ModelArtifact) else external(item, LABELS, self.store)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A store of its own, so that these tests neither find nor leave anything in the usual one."""
    folder = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("EARSHOT_HOME", str(folder))
    yield folder
    patch.undo()


@pytest.fixture
def night_of(home, tmp_path):
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    write_wav(recordings / "yes_1.wav", np.random.default_rng(0).integers(-9, 9, 16_000).astype(np.int16))
    said: list[str] = []

    def make(*items: Path | ModelArtifact | BaseException) -> Night:
        night = Night(
            Models(items, Store(home)),
            EmulatedBoard(),
            get_engine("codegen"),
            recordings=recordings,
            output=tmp_path / "nights",
            say=said.append,
        )
        night.said = said
        return night

    return make


def test_a_model_is_measured_and_reported(night_of, tmp_path):
    record, page = night_of(classifier(tmp_path / "small.tflite")).run()
    (row,) = record.variants
    assert row.faults == []
    assert len(row.stage_us["inference"]) >= INVOCATIONS
    assert row.parity["outputs_equal"] == row.parity["clips"] > 0
    assert {host.runtime for host in row.host} == {"tflite"}
    assert row.transcripts.keys() == {"parity"}
    assert (page.parent / row.transcripts["parity"]).stat().st_size > 0
    assert read_record(page.parent / RECORD) == record


def test_the_report_leads_to_a_page_of_the_recordings(night_of, tmp_path):
    _, page = night_of(classifier(tmp_path / "seen.tflite")).run()
    assert 'href="recordings.html"' in page.read_text()
    assert "yes_1.wav" in (page.parent / "recordings.html").read_text()


def test_a_recording_that_is_replaced_meanwhile_does_not_cost_the_report(night_of, tmp_path):
    night = night_of(classifier(tmp_path / "any.tflite"))
    for model in night.selection.models(night.say, lambda *_: None):
        night.measure(model)
    (tmp_path / "recordings" / "yes_1.wav").write_bytes(b"RIFF....")
    record, page = night.close()
    assert record.variants[0].faults == []
    assert "recordings.html" not in page.read_text()
    assert any("no page of the recordings" in line and "yes_1.wav" in line for line in night.said)


def test_a_session_on_the_emulated_board_is_not_measured_twice(night_of, tmp_path):
    model = classifier(tmp_path / "twice.tflite", elements=41)
    first = night_of(model).run()[0].variants[0]
    again = night_of(model)
    again.said.clear()
    second = again.run()[0].variants[0]
    assert second.stage_us == first.stage_us
    assert not any("measuring" in line for line in again.said)


def test_an_operator_that_the_engine_lacks_is_named_and_the_other_models_are_measured(night_of, tmp_path):
    odd, fine = classifier(tmp_path / "odd.tflite", last="LOG_SOFTMAX"), classifier(tmp_path / "fine.tflite")
    record, _ = night_of(odd, fine).run()
    assert [fault.failure for fault in record.variants[0].faults] == ["build"]
    assert "LOG_SOFTMAX" in record.variants[0].faults[0].message
    assert record.variants[0].stage_us == {}
    assert record.variants[1].faults == []


def test_a_model_that_is_too_big_for_the_board_is_a_row(night_of, tmp_path):
    big = classifier(tmp_path / "big.tflite", elements=1100, hidden=1000)
    record, page = night_of(big).run()
    assert [fault.failure for fault in record.variants[0].faults] == ["does-not-fit"]
    assert "983,040" in record.variants[0].faults[0].message
    assert "does-not-fit" in page.read_text()


def test_a_variant_that_is_none_is_a_row_and_the_others_are_measured(night_of, tmp_path):
    wrong = ConfigError("a threshold of 1 leaves nothing", "all-pruned")
    record, page = night_of(wrong, classifier(tmp_path / "fine.tflite")).run()
    assert [(row.id, [fault.failure for fault in row.faults]) for row in record.variants] == [
        ("all-pruned", ["config"]),
        ("fine", []),
    ]
    assert "a threshold of 1 leaves nothing" in page.read_text()


def test_a_run_of_nothing_but_failures_ends_with_the_first(night_of):
    with pytest.raises(ConfigError, match="of one"):
        night_of(ConfigError("of one", "one"), ConfigError("of two", "two")).run()


def test_what_no_board_runs_is_a_row_without_a_fault_and_without_figures_of_one(night_of, tmp_path):
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
    record, page = night_of(ModelArtifact.load(tmp_path), classifier(tmp_path / "fine.tflite")).run()
    row = record.variants[0]
    assert (row.firmware, row.faults, row.stage_us, row.host) == (None, [], {}, [])
    assert row.model.quantization == contents["quantization"]
    assert row.model.test_heard == [2, 2, 2, 0]
    assert read_record(page.parent / RECORD) == record


def test_an_interrupted_run_keeps_what_was_measured(night_of, tmp_path):
    night = night_of(classifier(tmp_path / "first.tflite"), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        night.run()
    record = read_record(night.folder / PARTIAL)
    assert record.run["ended"] == ""
    assert record.variants[0].stage_us["inference"]
    assert (night.folder / "report.html").exists()
    assert not (night.folder / RECORD).exists()


def test_a_broken_recording_is_named_before_anything_is_built(night_of, tmp_path):
    night = night_of(classifier(tmp_path / "any.tflite"))
    (tmp_path / "recordings" / "no_1.wav").write_bytes(b"RIFF....")
    with pytest.raises(DatasetError, match=r"no_1\.wav"):
        night.run()
    assert not any("building" in line for line in night.said)
