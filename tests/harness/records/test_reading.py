from __future__ import annotations

import json
import math
from pathlib import Path

import made_runs
import pytest

from harness.errors import UsageError
from harness.records.checksum import dump_with_checksum
from harness.records.reading import read_record
from harness.records.record import SCHEMA, StimulusRow, write_record

HEARD = StimulusRow("yes", "yes", "yes/annie.wav", 1.0, 1.5, "yes", 211, 1.6, True)
RECORD = made_runs.record(variants=[made_runs.row(stage_us={"inference": [10979] * 9}, stimuli=[HEARD])])
GONE = object()


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


def changed(path: Path, place: tuple[str | int, ...], value: object) -> Path:
    """Set or remove (`GONE`) a value and renew the checksum, as another version may have written it."""
    data = within = json.loads(path.read_text())
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = value
    if value is GONE:
        del within[place[-1]]
    path.write_text(dump_with_checksum(data))
    return path


def test_a_record_is_read_as_it_was_written(path):
    assert read_record(path) == RECORD
    assert len(read_record(path).checksum) == 64


def test_a_missing_file_names_the_command_that_makes_one(tmp_path):
    assert "earshot run" in refusal(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        *((content, "not whole JSON") for content in (b"", b'{"schema": 1, "run"')),
        (b'{\n"schema": \xff}', "not UTF-8 in line 2"),
        *((content, "not a run record") for content in (b"[]", b"null", b'{"schema": "1"}', b'{"lines": 3}')),
    ],
)
def test_another_file_is_refused(path, content, message):
    path.write_bytes(content)
    assert message in refusal(path)


ROW = {"title": "a title", "labels": []}


def test_variants_of_one_title_are_told_apart_by_their_ids(path):
    changed(path, ("variants",), [ROW | {"id": "a"}, ROW | {"id": "b"}])
    assert [row.title for row in read_record(path).variants] == ["a title (a)", "a title (b)"]


def test_two_variants_of_one_id_are_refused(path):
    changed(path, ("variants",), [ROW | {"id": "a"}, ROW | {"id": "a"}])
    assert "two variants have the id 'a'" in refusal(path)


WRONG_COUNT = {"label": "yes", "correct": 9, "total": 8}
FLASH = ("variants", 0, "firmware", "flash_bytes")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("schema",), SCHEMA + 1, f"schema {SCHEMA + 1}"),
        (FLASH, GONE, "missing key"),
        *((FLASH, value, "a whole number") for value in ("36576", 36576.5, True, None)),
        (("variants", 0, "stage_us", "inference", 7), "fast", "variants[0].stage_us.inference[7]"),
        (("board", "heat"), 21, "board.heat"),
        (("code", "commit"), 40, "code.commit"),
        (("board", "clock_hz"), 0, "board.clock_hz"),
        (("variants", 0, "stimuli", 0, "detected_at_s"), math.inf, "variants[0].stimuli[0].detected_at_s"),
        (("variants", 0, "stimuli", 0, "score"), 256, "at most 255"),
        (("variants", 0, "records_lost"), -1, "at least 0"),
        (FLASH, 10**18, "below"),
        (("variants", 0, "model", "accuracy"), {"testing": [WRONG_COUNT]}, "more correct clips"),
        *((("variants", 0, "audio_s"), value, "variants[0].audio_s") for value in (math.nan, -1.0)),
        (("variants", 0, "parity"), {"clips": "200"}, "variants[0].parity.clips"),
        (("variants", 0, "acoustic"), {"speaker": {"level_dbfs": "loud"}}, "variants[0].acoustic.speaker"),
        (("variants", 0, "model", "pruning"), {"kind": "weights", "threshold": "half"}, "pruning.threshold"),
        (("variants", 0, "model", "quantization"), {"method": "aware", "bits": [4]}, "quantization.bits"),
        (("variants", 0, "model", "test_labels"), [7], "there is no label 7"),
    ],
)
def test_a_wrong_field_is_named(path, place, value, message):
    found = refusal(changed(path, place, value))
    assert message in found
    assert place != FLASH or "variants[0].firmware.flash_bytes" in found


def test_a_field_with_a_default_may_be_missing(path):
    assert read_record(changed(path, ("variants", 0, "notes"), GONE)).variants[0].notes == []


@pytest.mark.parametrize("value", [37, math.nan])
def test_a_whole_number_and_nan_are_read_where_the_field_is_a_float(path, value):
    found = (
        read_record(changed(path, ("variants", 0, "listening_wall_s"), value)).variants[0].listening_wall_s
    )
    assert isinstance(found, float) and (found == value or math.isnan(value))


def test_an_edited_record_is_refused(path):
    path.write_text(path.read_text().replace("36576", "51312"))
    assert "changed after it was written" in refusal(path)
    data = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in data.items() if name != "checksum"}))
    assert "changed after it was written" in refusal(path)
