"""How far variants are: read from the store and the nights."""

from __future__ import annotations

import json

import pytest

from harness import inventory as inventory_module
from harness.inventory import inventory
from harness.records.record import BoardRow, FirmwareRow, ModelRow, RunRecord, VariantRow, write_record
from harness.runs.journal import RECORD
from models.errors import ConfigError
from models.states import State
from models.store import Store

TOML = """
id = "{name}"
title = "A variant"
network = "tinyconv"
precision = "{precision}"
"""
BOARD = BoardRow("emulated", "uid", "Emulated board", 64_000_000, "modeled cycles", 983_040, 262_144)
FIRMWARE = FirmwareRow("codegen", "reference", "-O2", "gcc", "cafe", 1, 1, 1)


@pytest.fixture
def configs(tmp_path):
    folder = tmp_path / "configs"
    folder.mkdir()
    for name, precision in (("one-float32", "float32"), ("one-int8", "int8"), ("wrong", "int9")):
        (folder / f"{name}.toml").write_text(TOML.format(name=name, precision=precision))
    return folder


@pytest.fixture
def listed(configs, tmp_path, monkeypatch):
    """Lists, with the float32 variant's .tflite as if it was prepared; nothing is trained for that."""
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    (prepared / "model.json").write_text(json.dumps({"tflite_sha256": "ab" * 32}))

    def states(variants, dataset, store):
        return [
            State(
                item,
                True,
                None,
                item.precision == "float32",
                prepared if item.precision == "float32" else None,
            )
            for item in variants
        ]

    def run(pattern="*"):
        store = Store(tmp_path / "store")
        return {item.id: item for item in inventory(configs, pattern, None, store, tmp_path / "nights")}

    monkeypatch.setattr(inventory_module, "states_of", states)
    return run


def night(tmp_path, started: str, sha256: str, **fields) -> None:
    model = ModelRow(sha256, 1, "float32", 1, 1, {})
    row = VariantRow("one-float32", "A variant", [], model=model, **fields)
    run = {"id": started, "started": started}
    write_record(RunRecord(run, {}, {}, BOARD, [row]), tmp_path / "nights" / "emulated" / started / RECORD)


def test_what_no_night_has_is_as_far_as_the_store_tells(listed):
    states = {name: item.state for name, item in listed().items()}
    assert states == {"one-float32": "prepared", "one-int8": "trained", "wrong": "refused"}


def test_what_is_no_variant_says_why(listed):
    assert "precision" in listed()["wrong"].detail


def test_a_night_that_measured_this_very_model_counts_and_the_last_one_is_named(listed, tmp_path):
    for started in ("2024-01-01", "2024-01-03", "2024-01-02"):
        night(tmp_path, started, "ab" * 32, firmware=FIRMWARE, stage_us={"inference": [1]})
    item = listed()["one-float32"]
    assert (item.state, item.detail) == ("measured", "emulated, 2024-01-03")


def test_an_image_that_was_never_measured_is_built(listed, tmp_path):
    night(tmp_path, "2024-01-01", "ab" * 32, firmware=FIRMWARE)
    assert listed()["one-float32"].state == "built"


def test_a_night_of_another_model_of_that_id_does_not_count(listed, tmp_path):
    night(tmp_path, "2024-01-01", "cd" * 32, firmware=FIRMWARE, stage_us={"inference": [1]})
    assert listed()["one-float32"].state == "prepared"


def test_a_night_that_cannot_be_read_is_passed_over(listed, tmp_path):
    night(tmp_path, "2024-01-01", "ab" * 32, firmware=FIRMWARE, stage_us={"inference": [1]})
    broken = tmp_path / "nights" / "emulated" / "2024-01-02" / RECORD
    broken.parent.mkdir()
    broken.write_text("{")
    assert listed()["one-float32"].state == "measured"


def test_the_pattern_chooses(listed):
    assert list(listed("one-i*")) == ["one-int8"]
    with pytest.raises(ConfigError, match="no variant matches"):
        listed("two-*")
