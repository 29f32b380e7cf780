"""Records that older versions wrote, kept as they were: each is read to the same figures by this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records.migrations import NIGHT
from harness.records.reading import read_record
from harness.records.record import SCHEMA
from harness.regression.from_record import kind_of, night_of
from harness.regression.series import SeriesName

RECORDS = Path(__file__).with_name("records")


def test_every_older_schema_has_a_migration():
    assert sorted(NIGHT) == list(range(1, SCHEMA))


@pytest.mark.parametrize("schema", range(1, SCHEMA + 1))
def test_a_record_of_every_schema_is_read_as_the_newest(schema):
    path = RECORDS / f"schema-{schema}.json"
    assert f'"schema": {schema}' in path.read_text()
    assert read_record(path).schema == SCHEMA


def test_schema_1_keeps_its_figures():
    record = read_record(RECORDS / "schema-1.json")
    (row,) = record.variants
    assert kind_of(record) == "run"
    assert (row.firmware.flash_bytes, row.firmware.ram_bytes) == (36_576, 30_272)
    assert row.stage_us["inference"][:3] == [10_979, 10_979, 10_979]
    assert [clip.heard for clip in row.stimuli] == ["yes", "no", "yes", None]
    assert (record.blocks, record.verdict, record.fault) == ([], None, None)


def test_a_record_of_schema_1_has_exact_figures_and_no_times():
    night = night_of(read_record(RECORDS / "schema-1.json"))
    assert night.exact[SeriesName("tinyconv-int8", "codegen", "flash_bytes", "-")] == 36_576
    assert not night.times


def test_schema_2_keeps_its_figures():
    record = read_record(RECORDS / "schema-2.json")
    night = night_of(record)
    inference = SeriesName("tinyconv-int8", "codegen", "inference_us", "clip")
    assert kind_of(record) == "nightly"
    assert (night.times[inference].value_us, night.times[inference].blocks) == (10_974, 3)
    assert night.canary.first.value_us == night.canary.last.value_us == 10_974
    assert night.length_s == 35.43
    assert night.judged[inference].status == "new"


def test_what_stands_for_a_record_never_changes():
    """An index and other hosts know records by it."""
    assert [read_record(RECORDS / f"schema-{schema}.json").seal[:16] for schema in (1, 2)] == [
        "2e6005226c4a58c8",
        "12248df5223ae86d",
    ]
