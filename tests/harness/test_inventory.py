"""States of variants, read from the store and the runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_datasets import tone_dataset

from harness import inventory as inventory_module
from harness.inventory import inventory
from harness.layout import RECORD
from harness.records.record import BoardRow, FirmwareRow, ModelRow, RunRecord, VariantRow, write_record
from harness.runs.selection import Selection
from models.errors import ConfigError, DatasetError
from models.pipeline import Steps
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


@dataclass(frozen=True)
class FakeStep:
    done: bool
    path: Path = Path()


@pytest.fixture
def listed(configs, tmp_path, monkeypatch):
    """Lists variants as if the float32 one was prepared and the others trained."""
    described = tmp_path / "described"
    described.mkdir()
    facts = {
        "id": "one-float32",
        "title": "",
        "precision": "float32",
        "labels": [],
        "tflite_sha256": "ab" * 32,
    }
    (described / "model.json").write_text(json.dumps(facts))

    def steps(variants, dataset, store):
        found = {
            item.id: Steps(
                FakeStep(True),
                None,
                FakeStep(item.precision == "float32"),
                FakeStep(False),
                FakeStep(item.precision == "float32", described),
            )
            for item in variants
        }
        return found, {}

    def run(pattern="*"):
        store = Store(tmp_path / "store")
        found = inventory(configs, Selection(pattern), store, tmp_path / "nights")
        return {item.id: item for item in found}

    monkeypatch.setattr(inventory_module, "_steps", steps)
    return run


def run_of(tmp_path, started: str, sha256: str, **fields) -> None:
    model = ModelRow(sha256, 1, "float32", 1, 1, {})
    row = VariantRow("one-float32", "A variant", [], model=model, **fields)
    run = {"id": started, "started": started}
    write_record(RunRecord(run, {}, {}, BOARD, [row]), tmp_path / "nights" / "emulated" / started / RECORD)


def test_without_a_run_the_store_gives_the_state(listed):
    states = {name: item.state for name, item in listed().items()}
    assert states == {"one-float32": "prepared", "one-int8": "trained", "wrong": "refused"}


def test_a_refused_variant_gives_the_reason(listed):
    assert "precision" in listed()["wrong"].detail


def test_the_last_run_that_measured_the_model_is_named(listed, tmp_path):
    for started in ("2024-01-01", "2024-01-03", "2024-01-02"):
        run_of(tmp_path, started, "ab" * 32, firmware=FIRMWARE, stage_us={"inference": [1]})
    item = listed()["one-float32"]
    assert (item.state, item.detail) == ("measured", "emulated, 2024-01-03")


def test_an_image_that_was_never_measured_is_built(listed, tmp_path):
    run_of(tmp_path, "2024-01-01", "ab" * 32, firmware=FIRMWARE)
    assert listed()["one-float32"].state == "built"


def test_a_run_of_another_model_with_the_same_id_does_not_count(listed, tmp_path):
    run_of(tmp_path, "2024-01-01", "cd" * 32, firmware=FIRMWARE, stage_us={"inference": [1]})
    assert listed()["one-float32"].state == "prepared"


def test_an_unreadable_record_is_skipped(listed, tmp_path):
    run_of(tmp_path, "2024-01-01", "ab" * 32, firmware=FIRMWARE, stage_us={"inference": [1]})
    broken = tmp_path / "nights" / "emulated" / "2024-01-02" / RECORD
    broken.parent.mkdir()
    broken.write_text("{")
    assert listed()["one-float32"].state == "measured"


def test_the_pattern_selects_variants(listed):
    assert list(listed("one-i*")) == ["one-int8"]
    with pytest.raises(ConfigError, match="no variant matches"):
        listed("two-*")


def test_without_a_corpus_every_variant_is_described_and_none_is_made(configs, tmp_path):
    found = inventory(configs, Selection("one-*"), Store(tmp_path / "store"), tmp_path / "nights")
    assert [item.state for item in found] == ["described", "described"]
    assert not (tmp_path / "store").exists()


def test_a_variant_of_people_without_a_dataset_says_what_it_lacks(configs, tmp_path):
    selection = Selection("one-*", voices="people")
    found = inventory(configs, selection, Store(tmp_path / "store"), tmp_path / "nights")
    assert [item.state for item in found] == ["described", "described"]
    assert all("need recordings of people" in item.detail for item in found)


def test_a_dataset_that_lacks_the_words_of_one_variant_leaves_the_others(configs, tmp_path):
    (tmp_path / "set").mkdir()
    dataset = tone_dataset(tmp_path / "set", speakers=4)
    (configs / "other.toml").write_text(TOML.format(name="other", precision="int8") + 'words = "yes,maybe"\n')
    found = inventory(configs, Selection("one-int8,other", dataset), Store(tmp_path / "store"), tmp_path)
    assert [item.detail.partition(" (")[0] for item in found] == [
        "",
        'dataset: the dataset has no recording of the wanted word "maybe"',
    ]
    with pytest.raises(DatasetError, match="does not exist"):
        inventory(configs, Selection("one-*", tmp_path / "nowhere"), Store(tmp_path / "store"), tmp_path)
