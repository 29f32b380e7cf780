"""Nights of the same images: what is measured, what is said, and that nothing is built."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_nights import SmallBench, TroubledBoard, statuses

from harness.errors import EXIT_BROKEN, EXIT_CLEAN, BoardNotFound, UsageError
from harness.records.record import write_record
from harness.runs.journal import RECORD
from harness.runs.nightly.a_a import a_a_night
from harness.runs.nightly.outcome import Outcome

DESK = {"uid": "desk-1", "clock": "measured"}


def a_a_on(bench: SmallBench, board: TroubledBoard) -> Outcome:
    bench.said.clear()
    about = {"board": "desk", "engine": "codegen"}
    return a_a_night(board, bench.settings, bench.folder / "nights", bench.said.append, about)


@pytest.fixture
def measured_once(bench) -> SmallBench:
    bench.model("a", 1960)
    bench.run(TroubledBoard(**DESK))
    return bench


def test_the_images_of_the_last_night_are_measured_again(measured_once):
    outcome = a_a_on(measured_once, TroubledBoard(**DESK))
    assert outcome.exit_code == EXIT_CLEAN
    assert outcome.record.run["kind"] == "a-a"
    assert [block.subject for block in outcome.record.blocks] == ["canary", "a", "a", "a", "canary"]
    assert not any("building" in line for line in measured_once.said)
    row = outcome.record.variants[0]
    assert row.firmware is not None
    assert set(row.stage_us) == {"preprocess", "inference", "postprocess"}  # tonight's, for the report


def test_the_store_may_be_gone(measured_once, tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "nothing"))
    assert a_a_on(measured_once, TroubledBoard(**DESK)).exit_code == EXIT_CLEAN


def test_it_is_said_how_many_nights_are_missing_before_a_series_gates(measured_once):
    text = a_a_on(measured_once, TroubledBoard(**DESK)).text
    assert "| a/codegen/inference_us/clip | 2 |" in text
    assert "after 8 more nights" in text


def test_after_ten_nights_a_series_gates(measured_once):
    outcome = a_a_on(measured_once, TroubledBoard(**DESK))
    record = outcome.record
    for number in range(8):
        stamp = f"2026-01-{number + 1:02d}T01:00:00Z"
        run = {**record.run, "id": f"n{number}", "started": stamp, "ended": stamp, "length_s": ""}
        copy = type(record)(**{**vars(record), "run": run})
        write_record(copy, measured_once.folder / "nights" / "desk" / str(number) / RECORD)
    text = a_a_on(measured_once, TroubledBoard(**DESK)).text
    row = next(line for line in text.splitlines() if line.startswith("| a/codegen/inference_us/clip "))
    assert row.split("|")[2].strip() == "11" and row.endswith("| yes |")


def test_it_is_of_the_commit_that_the_images_come_from(measured_once, code):
    code["commit"] = "d" * 40
    assert a_a_on(measured_once, TroubledBoard(**DESK)).record.code["commit"] == "c" * 40


def test_images_of_a_dirty_tree_do_not_count_and_that_is_said(bench, code):
    code["dirty"] = True
    bench.model("a")
    bench.run(TroubledBoard(**DESK))
    assert "so this night does not count" in a_a_on(bench, TroubledBoard(**DESK)).text


def test_a_modeled_clock_has_nothing_to_find_out(bench):
    bench.model("a", 1960)
    bench.accept(bench.run())
    outcome = a_a_on(bench, TroubledBoard())
    assert "nothing wavers" in outcome.text
    assert set(statuses(outcome).values()) == {"ok"}


def test_a_series_of_nights_keeps_the_images_of_the_last(bench):
    bench.model("a")
    bench.model("b", 80)
    bench.run()
    bench.paths.pop(0)
    bench.run()
    assert {path.name for path in bench.settings.same_images("desk").iterdir()} == {"b", "record.json"}


def test_without_a_board_it_is_red(measured_once):
    gone = BoardNotFound("the board is not there", remedy="Plug it in.")
    outcome = a_a_on(measured_once, TroubledBoard(lambda: gone, **DESK))
    assert outcome.exit_code == EXIT_BROKEN
    assert "the board is not there" in outcome.text
    assert outcome.record.fault is not None


def test_without_a_night_before_there_is_nothing_to_measure(bench):
    with pytest.raises(UsageError, match="no images of desk are kept"):
        a_a_on(bench, TroubledBoard())
    assert not Path(bench.folder / "nights").exists()
