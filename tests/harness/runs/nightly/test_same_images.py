"""Nights that measure the images of the last night again (A/A)."""

from __future__ import annotations

import pytest
from small_nights import SmallBench, TroubledBoard, statuses

from harness.errors import EXIT_BROKEN, EXIT_CLEAN, BoardNotFound, UsageError
from harness.layout import PARTIAL, RECORD
from harness.records.reading import read_record
from harness.records.record import write_record

DESK = {"uid": "desk-1", "clock": "measured"}


@pytest.fixture
def measured_once(bench) -> SmallBench:
    bench.model("a", 1960)
    bench.run(TroubledBoard(**DESK))
    return bench


def test_images_of_the_last_night_are_measured_again_without_the_store(
    measured_once, code, tmp_path, monkeypatch
):
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "nothing"))
    code["commit"] = "d" * 40
    result = measured_once.run_same_images(TroubledBoard(**DESK))
    record = result.record
    assert result.exit_code == EXIT_CLEAN
    assert (record.run["kind"], record.code["commit"]) == ("a-a", "c" * 40)  # of the images
    assert [block.subject for block in record.blocks] == ["canary", "a", "a", "a", "canary"]
    assert not any("build …" in line for line in measured_once.lines)
    row = record.variants[0]
    assert row.firmware is not None
    assert set(row.stage_us) == {"preprocess", "inference", "postprocess"}  # tonight's, for the report
    assert "| a/codegen/inference_us/clip | 2 |" in result.text and "nights missing: 8" in result.text

    for number in range(8):
        stamp = f"2026-01-{number + 1:02d}T01:00:00Z"
        run = {**record.run, "id": f"n{number}", "started": stamp, "ended": stamp, "length_s": ""}
        copy = type(record)(**{**vars(record), "run": run})
        write_record(copy, measured_once.folder / "nights" / "desk" / str(number) / RECORD)
    text = measured_once.run_same_images(TroubledBoard(**DESK)).text
    row = next(line for line in text.splitlines() if line.startswith("| a/codegen/inference_us/clip "))
    assert row.split("|")[2].strip() == "11" and row.endswith("| yes |")  # after ten nights a series gates


def test_interrupted_night_continues_with_its_blocks(measured_once):
    def interrupt() -> None:
        if any(line.startswith("round-2") for line in measured_once.lines):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured_once.run_same_images(TroubledBoard(interrupt, **DESK))
    (partial,) = (measured_once.folder / "nights").glob(f"*/*/{PARTIAL}")
    before = read_record(partial).blocks
    assert len(before) == 2
    record = measured_once.run_same_images(TroubledBoard(**DESK), interrupted=partial.parent).record
    assert record.blocks[:2] == before
    assert record.run["resumed"] and len(record.blocks) == 5


def test_images_of_a_dirty_tree_do_not_count(bench, code):
    code["dirty"] = True
    bench.model("a")
    bench.run(TroubledBoard(**DESK))
    assert "so this night does not count" in bench.run_same_images(TroubledBoard(**DESK)).text


def test_modeled_clock_does_not_vary(bench):
    bench.model("a", 1960)
    bench.accept(bench.run())
    result = bench.run_same_images(TroubledBoard())
    assert "do not vary" in result.text
    assert set(statuses(result).values()) == {"ok"}


def test_missing_board_is_red(measured_once):
    gone = BoardNotFound("the board is not there", remedy="Plug it in.")
    result = measured_once.run_same_images(TroubledBoard(lambda: gone, **DESK))
    assert result.exit_code == EXIT_BROKEN
    assert "the board is not there" in result.text
    assert result.record.fault is not None


def test_without_a_night_before_nothing_is_measured(bench):
    with pytest.raises(UsageError, match="no images of desk are kept"):
        bench.run_same_images(TroubledBoard())
    assert not (bench.folder / "nights").exists()
