from __future__ import annotations

import json
from dataclasses import replace

import pytest
from study_records import failed, study_record

from harness.errors import UsageError
from harness.records.study import SCHEMA, read_study, write_study


def test_a_record_survives_writing_and_reading(tmp_path):
    record = study_record()
    record = replace(record, points=[failed(record.points[0]), *record.points[1:]])
    write_study(record, tmp_path / "deep" / "study.json")
    assert read_study(tmp_path / "deep" / "study.json") == record
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["study.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("points"), r"missing key.*points"),
        (lambda data: data.update(schema=SCHEMA + 1), "schema 2"),
        (lambda data: data["points"][3].update(seed="one"), r"points\[3\].seed"),
        (lambda data: data["points"][0]["after"].pop("macs"), r"points\[0\].after.macs"),
    ],
)
def test_a_damaged_record_is_named(tmp_path, change, message):
    path = tmp_path / "study.json"
    write_study(study_record(), path)
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(UsageError, match=message):
        read_study(path)


def test_a_missing_record_names_the_command(tmp_path):
    with pytest.raises(UsageError, match="earshot study"):
        read_study(tmp_path / "study.json")
