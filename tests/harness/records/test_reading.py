from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import made_runs
import pytest

from harness.errors import UsageError
from harness.records.checksum import dump_with_checksum
from harness.records.reading import read_record
from harness.records.record import SCHEMA, StimulusRow, write_record

HEARD = StimulusRow("yes", "yes", "yes/annie.wav", 1.0, 1.5, "yes", 211, 1.6, True)
RECORD = made_runs.record(variants=[made_runs.row(stage_us={"inference": [10979] * 9}, stimuli=[HEARD])])


@pytest.fixture
def path(tmp_path):
    written = tmp_path / "run.json"
    write_record(RECORD, written)
    return written


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_record(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def changed(path: Path, change) -> Path:
    """Change a record and give it a checksum, as another version of Earshot may have written it."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(dump_with_checksum(data))
    return path


def test_a_record_is_read_as_it_was_written(path):
    assert read_record(path) == RECORD
    assert len(read_record(path).checksum) == 64


def test_a_missing_file_names_the_command_that_makes_one(tmp_path):
    assert "earshot run" in refusal(tmp_path / "run.json")


@pytest.mark.parametrize("content", [b"", b'{"schema": 1, "run"', b"\xff\xfe\x00night"])
def test_a_file_that_is_not_json_is_refused(path, content):
    path.write_bytes(content)
    assert "not whole JSON" in refusal(path)


@pytest.mark.parametrize("text", ["[]", "null", '{"schema": "1"}', '{"coverage": {"lines": 3}}'])
def test_json_of_another_kind_is_refused(path, text):
    path.write_text(text)
    assert "not a run record" in refusal(path)


def test_another_schema_is_refused(path):
    assert f"schema {SCHEMA + 1}" in refusal(changed(path, lambda data: data.update(schema=SCHEMA + 1)))


def test_a_missing_field_is_named(path):
    message = refusal(changed(path, lambda data: data["variants"][0]["firmware"].pop("flash_bytes")))
    assert "missing key" in message and "variants[0].firmware.flash_bytes" in message


@pytest.mark.parametrize("value", ["36576", 36576.5, True, None])
def test_a_field_of_another_type_is_named(path, value):
    message = refusal(changed(path, lambda data: data["variants"][0]["firmware"].update(flash_bytes=value)))
    assert "a whole number" in message and "variants[0].firmware.flash_bytes" in message


def test_a_sample_of_another_type_is_named(path):
    def change(data):
        data["variants"][0]["stage_us"]["inference"][7] = "fast"

    assert "variants[0].stage_us.inference[7]" in refusal(changed(path, change))


def test_an_unknown_field_is_named(path):
    assert "board.heat" in refusal(changed(path, lambda data: data["board"].update(heat=21)))


def test_a_field_with_a_default_may_be_missing(path):
    changed(path, lambda data: data["variants"][0].pop("notes"))
    assert read_record(path).variants[0].notes == []


def test_a_whole_number_becomes_a_float_where_the_field_is_one(path):
    changed(path, lambda data: data["variants"][0].update(audio_s=37))
    assert isinstance(asdict(read_record(path))["variants"][0]["audio_s"], float)


def test_nan_is_read(path):
    changed(path, lambda data: data["variants"][0].update(audio_s=math.nan))
    assert math.isnan(read_record(path).variants[0].audio_s)


def test_an_edited_record_is_refused(path):
    path.write_text(path.read_text().replace("36576", "51312"))
    assert "changed after it was written" in refusal(path)


def test_a_record_without_its_checksum_is_refused(path):
    data = json.loads(path.read_text())
    del data["checksum"]
    path.write_text(json.dumps(data))
    assert "changed after it was written" in refusal(path)
