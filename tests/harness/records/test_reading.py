"""Night records read back: whole ones unchanged, anything else refused with what is wrong where."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.records.checksum import sealed_text
from harness.records.reading import read_record
from harness.records.record import SCHEMA, write_record

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "report"))
from sample_night import sample_record


@pytest.fixture
def path(tmp_path):
    written = tmp_path / "run.json"
    write_record(sample_record(), written)
    return written


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_record(path)
    assert str(path) in str(caught.value), "the file is named"
    return str(caught.value)


def changed(path: Path, change) -> Path:
    """The record as another version of Earshot may have written it."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(sealed_text(data))
    return path


def test_what_was_written_is_read(path):
    assert read_record(path) == sample_record()


def test_a_file_that_is_not_there(tmp_path):
    assert "earshot run" in refusal(tmp_path / "run.json")


@pytest.mark.parametrize("share", [0, 0.3, 0.999])
def test_a_file_cut_off(path, share):
    text = path.read_text()
    path.write_text(text[: int(len(text) * share)])
    assert "not whole JSON" in refusal(path)


def test_bytes_that_are_no_text(path):
    path.write_bytes(b"\xff\xfe\x00night")
    assert "not whole JSON" in refusal(path)


@pytest.mark.parametrize("text", ["[]", "null", '{"schema": 1}', '{"coverage": {"lines": 3}}'])
def test_json_of_something_else(path, text):
    path.write_text(text)
    assert "not a night record" in refusal(path)


def test_a_newer_schema(path):
    message = refusal(changed(path, lambda data: data.update(schema=SCHEMA + 1)))
    assert f"schema {SCHEMA + 1}" in message
    assert "Update Earshot" in message


def test_a_schema_that_is_none(path):
    assert "not a version" in refusal(changed(path, lambda data: data.update(schema="one")))


def test_a_missing_field_is_named(path):
    message = refusal(changed(path, lambda data: data["variants"][1]["firmware"].pop("flash_bytes")))
    assert "`variants[1].firmware.flash_bytes` is missing" in message


@pytest.mark.parametrize("value", ["61312", 61312.5, True, None])
def test_a_field_of_another_type_is_named(path, value):
    message = refusal(changed(path, lambda data: data["variants"][1]["firmware"].update(flash_bytes=value)))
    assert "`variants[1].firmware.flash_bytes` should be a whole number" in message


def test_a_sample_of_another_type_is_named(path):
    def change(data):
        data["variants"][0]["stage_us"]["inference"][7] = "fast"

    assert "`variants[0].stage_us.inference[7]`" in refusal(changed(path, change))


def test_fields_that_came_later_are_passed_over(path):
    changed(path, lambda data: data["board"].update(temperature_c=21))
    assert read_record(path) == sample_record()


def test_fields_that_have_a_default_may_be_missing(path):
    changed(path, lambda data: data["variants"][0].pop("notes"))
    assert read_record(path).variants[0].notes == []


def test_a_whole_number_is_a_number(path):
    changed(path, lambda data: data["variants"][0].update(audio_s=37))
    assert read_record(path).variants[0].audio_s == 37.0
    assert isinstance(asdict(read_record(path))["variants"][0]["audio_s"], float)


def test_an_edited_record_is_refused(path):
    path.write_text(path.read_text().replace("61312", "51312"))
    assert "changed after it was written" in refusal(path)


def test_a_record_whose_seal_was_taken_off_is_refused(path):
    data = json.loads(path.read_text())
    del data["seal"]
    path.write_text(json.dumps(data))
    assert "changed after it was written" in refusal(path)


def test_a_record_of_schema_1_has_no_seal(path):
    data = {**json.loads(path.read_text()), "schema": 1}
    path.write_text(json.dumps(data))
    assert read_record(path).seal == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("value", [1, 1.5, "1a2b3c4d", None])
def test_a_figure_is_a_number_or_a_text(path, value):
    assert read_record(with_verdict(path, value)).verdict.series[0].value == value


@pytest.mark.parametrize("value", [True, [1]])
def test_a_figure_that_is_neither(path, value):
    message = refusal(with_verdict(path, value))
    assert "`verdict.series[0].value` should be a whole number or a number or a text" in message


def with_verdict(path: Path, value) -> Path:
    series = {"series": "a/b/c/d", "status": "ok", "sentence": "As before.", "value": value}
    verdict = {"status": "ok", "sentence": "Nothing changed.", "exit_code": 0, "series": [series]}
    return changed(path, lambda data: data.update(verdict=verdict))
