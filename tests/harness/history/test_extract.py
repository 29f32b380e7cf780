"""What the index keeps of a record, and who reads it: whatever the record, there is an extract."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict

import pytest
from benchmarks.made_history import MadeBench, write_nights
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.history import extract as extract_module
from harness.history.extract import Extract, extract, extracts
from harness.history.folders import read_nights
from harness.records.checksum import sealed_text
from harness.records.record import write_record

STRANGE = st.sampled_from(
    [None, True, 0, -1, 2**70, 0.5, 1e308, "", "\ud800", "a/b", [], {}, [None], {"": 0}]
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_nights(tmp_path_factory.mktemp("nights"), nights=4, series=3, samples=9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


def test_an_extract_is_plain_values(files):
    made = extract(files[0])
    assert Extract(**json.loads(json.dumps(vars(made)))).night == made.night


def test_a_problem_is_all_there_is(tmp_path):
    assert extract(tmp_path / "run.json") == Extract(problem=extract(tmp_path / "run.json").problem)


def places(value, path=()):
    """Every field of a JSON."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from places(item, (*path, name))


RECORD = asdict(MadeBench("emulated", series=3, samples=9).night(0))
PLACES = [*places(json.loads(json.dumps(RECORD)))]


@settings(max_examples=100)
@given(st.sampled_from(PLACES), STRANGE)
def test_whatever_a_field_is_there_is_a_history(folder, place, value):
    record = json.loads(json.dumps(RECORD))
    within = record
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = value
    (folder / "run.json").write_text(sealed_text(record))
    history = read_nights([folder], index=folder / "history.sqlite")
    assert len(history.nights) + len(history.refused) + history.runs == 1


def test_helpers_read_what_this_process_would(files, monkeypatch):
    alone = [*map(extract, files)]
    monkeypatch.setattr(extract_module, "MANY", 2)
    monkeypatch.setattr(extract_module, "processors", lambda: 3)
    made = [json.dumps(vars(each)) for each in extracts(files)]
    assert made == [json.dumps(vars(each)) for each in alone]


def test_what_a_helper_leaves_undone_is_done_here(files, monkeypatch):
    monkeypatch.setattr(extract_module, "MANY", 2)
    monkeypatch.setattr(extract_module, "processors", lambda: 2)
    monkeypatch.setattr(sys, "executable", "/bin/true")
    assert [each.kind for each in extracts(files)] == ["nightly"] * len(files)


def test_helpers_end_when_nobody_reads_on(files, monkeypatch):
    begun = []
    popen = subprocess.Popen

    def begin(*arguments, **options):
        begun.append(popen(*arguments, **options))
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", begin)
    monkeypatch.setattr(extract_module, "MANY", 2)
    monkeypatch.setattr(extract_module, "processors", lambda: 2)
    reading = extracts(files)
    next(reading)
    reading.close()
    assert len(begun) == 2
    assert all(process.poll() is not None for process in begun)


def test_a_path_with_a_line_break(tmp_path, monkeypatch):
    paths = [tmp_path / f"bench\n{number}" / "run.json" for number in range(2)]
    for number, path in enumerate(paths):
        write_record(MadeBench("emulated", series=3, samples=9).night(number), path)
    monkeypatch.setattr(extract_module, "MANY", 2)
    monkeypatch.setattr(extract_module, "processors", lambda: 2)
    assert [each.problem for each in extracts(paths)] == ["", ""]
