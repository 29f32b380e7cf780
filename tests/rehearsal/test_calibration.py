"""Calibration and profile: a board whose flash is slower than the emulated one's stands for the real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rehearsal.bench import LABELS, RehearsalBench, rehearsal_bench
from small_models import classifier

pytestmark = pytest.mark.slow

NAME = "tiny"
STAGES = {"preprocess", "inference", "postprocess"}


@pytest.fixture(scope="module")
def calibrated():
    """A bench that was calibrated."""
    with rehearsal_bench(wait_states=6) as bench:
        classifier(bench.folder / f"{NAME}.tflite", 1960, 0)
        answer = calibrate(bench, "desk")
        assert answer.returncode == 0, answer.stderr
        assert NAME in answer.stdout and "desk.json" in answer.stdout
        yield bench


def calibrate(bench: RehearsalBench, board: str):
    return bench.earshot_here("calibrate", "--board", board, *chosen(bench))


def chosen(bench: RehearsalBench) -> list[str]:
    model = ["--model", str(bench.folder / f"{NAME}.tflite"), "--labels", ",".join(LABELS)]
    return ["--bench", str(bench.file), *model]


def run_emulated(bench: RehearsalBench, output: Path, *more: str) -> tuple[dict, str]:
    """Run the variant on the emulated board; return its row and the page."""
    answer = bench.earshot_here("run", "--output", str(output), *chosen(bench), *more)
    assert answer.returncode == 0, answer.stderr
    folder = next(output.glob("*/*Z-*"))
    row = json.loads((folder / "run.json").read_text())["variants"][0]
    return row, (folder / "report.html").read_text()


def kept(bench: RehearsalBench) -> dict:
    return json.loads((bench.folder / "bench.calibrations" / "desk.json").read_text())


def test_a_command_that_names_no_real_board_is_refused(calibrated):
    refused = calibrate(calibrated, "emulated")
    assert refused.returncode == 2
    assert "measures no time" in refused.stderr


def test_the_errors_of_every_stage_are_kept_beside_the_bench_file(calibrated):
    (image,) = kept(calibrated)["images"]
    assert set(image["stages"]) == STAGES
    inference = image["stages"]["inference"]
    assert len(inference["measured"]) == 20
    assert inference["modeled"] < min(inference["measured"])


def test_the_errors_are_in_record_tables_and_page_of_a_run(calibrated, tmp_path):
    stages = kept(calibrated)["images"][0]["stages"]
    expected = {
        stage: cycles["modeled"] / sorted(cycles["measured"])[9] - 1 for stage, cycles in stages.items()
    }
    row, page = run_emulated(calibrated, tmp_path)
    (found,) = row["firmware"]["calibration"]
    assert (found["board"], found["reason"]) == ("desk", "")
    assert found["errors"] == pytest.approx(expected)
    assert "Against desk (" in page and "Off your board by" in page


def test_operators_are_timed_by_the_boards_own_counter(calibrated, tmp_path):
    answer = calibrated.earshot_here(
        "profile", "--board", "desk", "--output", str(tmp_path), *chosen(calibrated)
    )
    assert answer.returncode == 0, answer.stderr
    assert "FULLY_CONNECTED (0)" in answer.stdout
    assert len(list(tmp_path.glob("*counter*.svg"))) == 2


def test_errors_of_another_clock_are_not_applied(calibrated, tmp_path):
    row, page = run_emulated(calibrated, tmp_path, "--clock", "instructions")
    (found,) = row["firmware"]["calibration"]
    assert found["errors"] == {}
    assert "another clock or compiler" in found["reason"]
    assert "Not calibrated on your board" in page and "another clock or compiler" in page
