"""Read nights of many folders: each once, sorted by time, anything else left out with a sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace

import made_runs
import pytest
from benchmarks.made_history import write_nights
from hypothesis import given
from hypothesis import strategies as st

from harness.records.checksum import dump_with_checksum
from harness.records.reading import read_record
from harness.records.record import Fault, write_record
from harness.regression import history
from harness.regression.from_record import night_of
from harness.regression.history import read_history

NO_PORT = Fault("upload", "upload: no port.")
STRANGE = st.sampled_from(
    [None, True, 0, -1, 2**70, 0.5, 1e308, "", "\ud800", "a/b", [], {}, [None], {"": 0}]
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    write_nights(folder, nights=3, series=3, samples=9)
    return folder


@pytest.fixture
def nights(tmp_path, made, monkeypatch):
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    return shutil.copytree(made, tmp_path / "nights")


@pytest.fixture
def files(nights):
    return sorted(nights.rglob("run.json"))


def test_nights_equal_those_of_their_records_and_are_sorted_by_time(nights, files):
    made = read_record(files[0])
    again = [replace(block, phase="confirmation") for block in made.blocks if block.phase == "round"]
    broken = replace(made.variants[0], id="broken", faults=[NO_PORT])
    blocks, variants = [*made.blocks[:-1], *again], [*made.variants, broken]
    write_record(replace(made, blocks=blocks, variants=variants), files[0])
    read_history([nights])  # the second time from the cache
    found = read_history([nights])
    assert {night.id: night for night in found.nights} == {
        night.id: night for night in map(night_of, map(read_record, files))
    }
    assert [night.started for night in found.nights] == sorted(night.started for night in found.nights)
    assert {*found.records.values()} == {*files}
    for board in ("nano33ble", "made-up-nano33ble"):
        assert {night.board for night in read_history([nights], boards=[board]).nights} == {"nano33ble"}


def test_a_record_is_parsed_once_until_its_content_changes(nights, files, monkeypatch):
    first = read_history([nights])
    parsed = []
    monkeypatch.setattr(history, "read_record", lambda path: parsed.append(path) or read_record(path))
    assert read_history([nights]) == first
    assert not parsed
    record = read_record(files[0])
    write_record(replace(record, run={**record.run, "kind": "run"}), files[0])
    found = read_history([nights])
    assert (len(found.nights), found.left_out) == (5, ())  # a record of `earshot run` is no night
    assert parsed == [files[0]]


def test_missing_and_damaged_records_are_left_out_and_copies_are_read_once(nights, files, tmp_path):
    (tmp_path / "empty").mkdir()
    shutil.copytree(nights, tmp_path / "copied")
    shutil.copytree(files[2].parent, files[2].parent / "sessions" / "copied")  # below a record
    files[0].write_text(files[0].read_text().replace("0.99609375", "0.89609375"))
    files[1].unlink()
    files[1].symlink_to("nowhere")
    for _ in range(2):
        found = read_history([nights, tmp_path / "empty", tmp_path / "copied"])
        assert [one.path for one in found.left_out] == [tmp_path / "empty", *files[:2]]
        assert len(found.nights) == 6


def test_contradicting_records_of_one_id_are_left_out(nights, files, tmp_path):
    record = read_record(files[0])
    other = tmp_path / "other" / "run.json"
    write_record(replace(record, environment={"host": "another"}), other)
    found = read_history([nights, other.parent])
    (left_out,) = found.left_out
    assert str(files[0]) in left_out.sentence and str(other) in left_out.sentence
    assert record.run["id"] not in {night.id for night in found.nights}


def places(value, path=()):
    """Yield the path of every field of a JSON value."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from places(item, (*path, name))


CANARY = made_runs.block(1, 2, subject="canary", phase="canary-first")
RECORD = asdict(made_runs.record(CANARY, made_runs.block(1, 2)))
PLACES = [*places(json.loads(json.dumps(RECORD)))]


@given(st.sampled_from(PLACES), STRANGE)
def test_any_value_in_any_field_is_read_or_left_out(tmp_path_factory, place, value):
    folder = tmp_path_factory.getbasetemp() / "strange"
    folder.mkdir(exist_ok=True)
    record = json.loads(json.dumps(RECORD))
    within = record
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = value
    (folder / "run.json").write_text(dump_with_checksum(record))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_HOME", str(folder / "home"))
        found = read_history([folder])
    assert len(found.nights) + len(found.left_out) == 1 or place == ("run", "kind")
