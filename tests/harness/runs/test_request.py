"""Requests, stored in a record and read from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.records.record import BoardRow
from harness.runs.folder import RUN, begin
from harness.runs.request import FieldRequest, NightlyRequest, RunRequest, load_request
from harness.runs.selection import Selection
from harness.sound.conditions import Condition
from harness.sound.playback_plan import PlanOptions
from models.errors import ConfigError

BOARD = BoardRow("desk", "F00D", "A board", 1, "measured", 1, 1)


def loaded(request: RunRequest, folder: Path) -> RunRequest:
    run = begin(RUN, folder, BOARD, {"request": request.dump()})
    run.write()
    run.release()
    return load_request(run.path)


def test_request_survives_its_record_with_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = RunRequest(
        Selection(model_file=Path("a.tflite"), labels=("yes", "no")),
        "desk",
        engine="codegen",
        bench=Path("bench.toml"),
        port="/dev/ttyACM0",
        footprint="small",
        nightly=NightlyRequest(
            tmp_path / "base", tmp_path, (tmp_path / "nights",), rounds=2, same_images=True
        ),
        field=FieldRequest(options=PlanOptions(conditions=(Condition("2 m", distance_m=2.0),)), check=True),
    )
    found = loaded(request, tmp_path)
    assert found.selection == Selection(model_file=tmp_path / "a.tflite", labels=("yes", "no"))
    assert (found.bench, found.port) == (tmp_path / "bench.toml", "/dev/ttyACM0")
    assert found.footprint == "small"
    assert (found.nightly, found.field) == (request.nightly, request.field)


def test_a_record_names_the_dataset_of_its_test_set(tmp_path):
    folder = tmp_path / "people"
    folder.mkdir()
    described = [RunRequest(Selection(dataset=one), "emulated").about("field") for one in (None, folder)]
    assert [one["test set"] for one in described] == ["the synthetic corpus", "people"]


def test_speech_commands_names_of_silence_and_unknown_mean_those():
    labels = ("_silence_", "_unknown_", "größe", "_on_")
    chosen = Selection(model_file=Path("a.tflite"), labels=labels)
    assert chosen.labels == ("silence", "unknown", "größe", "_on_")


def test_record_without_a_valid_request_is_refused(tmp_path):
    run = begin(RUN, tmp_path, BOARD, {"request": '{"selection": {}, "board": 7}'})
    run.write()
    with pytest.raises(ConfigError, match=r"request, board"):
        load_request(run.path)
    with pytest.raises(UsageError, match="nowhere"):
        load_request(tmp_path / "nowhere")
