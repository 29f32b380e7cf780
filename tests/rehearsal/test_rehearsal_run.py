"""From model to report through the air, on the path of a real board: no word is lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.layout import ROOT

TESTS = (
    "tests/bench/test_listening.py",
    "tests/bench/test_conformance.py::test_the_model_input_is_made_of_the_features_as_on_the_host",
)
WORDS = ("yes/andy.wav", "no/andy.wav", "yes/mario.wav", "no/mario.wav")


def test_entry_printed_by_boards_is_a_bench_file(quiet_bench):
    bench = quiet_bench
    bench.file.write_text("")
    shown = bench.earshot_here("boards", "--bench", str(bench.file)).stdout
    assert f"(new)        nano33ble, {bench.serial_number}, {bench.port()}" in shown
    bench.file.write_text(shown.partition("Ready for the bench file:")[2])
    shown = bench.earshot_here("boards", "--bench", str(bench.file)).stdout
    assert f"desk         nano33ble, {bench.serial_number}, {bench.port()}" in shown


@pytest.mark.slow
@pytest.mark.usefixtures("trained")
def test_words_of_a_speaker_are_detected_and_reported(bench):
    bench.write_bench_file(words=WORDS)
    run = bench.run()
    assert run.status == 0, run.told
    assert len(run.rows) == 1
    for row in run.rows:
        assert row["faults"] == []
        words = [(word["source"], word["label"], word["detected"]) for word in row["stimuli"]]
        assert sorted(source for source, _, _ in words) == sorted(WORDS)
        assert sum(label == detected for _, label, detected in words) >= 3, words
        assert row["route"] == "acoustic"
        assert row["parity"]["outputs_equal"] == row["parity"]["clips"] > 0
        assert row["records_lost"] == row["samples_lost"] == 0
        assert all(len(values) >= 300 for values in row["stage_us"].values())
        assert set(row["transcripts"]) == {"conformance", "listening"}
    board = run.record["board"]
    assert (board["name"], board["uid"], board["clock"]) == ("nano33ble", bench.serial_number, "measured")
    page = (run.folder / "report.html").read_text()
    assert "Arduino Nano 33 BLE" in page


@pytest.mark.slow
@pytest.mark.usefixtures("trained")
def test_pytest_runs_the_bench_tests_on_the_board(bench):
    bench.write_bench_file(words=WORDS[:2])
    options = [f"--bench={bench.file}", f"--output={bench.nights}", "--variants=tinyconv-int8"]
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "hardware", *options, *TESTS],
        cwd=ROOT,
        env={name: value for name, value in bench.environment.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "5 passed" in answer.stdout
    assert len(list(bench.nights.glob("nano33ble/*/report.html"))) == 1
