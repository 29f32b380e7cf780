"""`earshot mlperf` as a command."""

from __future__ import annotations

import csv
import json
import os

import pytest
from shared_data import shared_data
from small_models import classifier

from harness import cli

FOUR = ["--labels", "down,go,silence,unknown"]


def refused(capsys, *arguments: object) -> str:
    assert cli.main(["mlperf", *map(str, arguments)]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


def test_labels_of_another_number_are_refused(capsys, tmp_path):
    model = classifier(tmp_path / "model.tflite", 490)
    assert "4 outputs, but 12 labels" in refused(capsys, model, "--output", tmp_path / "out")


def test_files_that_do_not_suit_the_model_are_refused(capsys, tmp_path):
    model = classifier(tmp_path / "model.tflite", 490)
    (tmp_path / "y_labels.csv").write_text("a.bin, 12, 1\n")
    error = refused(capsys, model, *FOUR, "--files", tmp_path, "--output", tmp_path / "out")
    assert "class 1 of 12 is none of the model's 4 outputs" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.emulated
@pytest.mark.parametrize(
    ("option", "problem"), [("--clock=instructions", "not time"), ("--energy", "takes no current")]
)
def test_a_board_that_cannot_run_the_benchmark_leaves_no_folder(capsys, tmp_path, option, problem):
    model = classifier(tmp_path / "model.tflite", 490)
    assert problem in refused(capsys, model, *FOUR, option, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.emulated
def test_a_failed_build_leaves_no_folder(capsys, tmp_path, monkeypatch):
    model = classifier(tmp_path / "model.tflite", 490)
    compiler = tmp_path / "bin" / "arm-none-eabi-g++"
    compiler.parent.mkdir()
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{compiler.parent}:{os.environ['PATH']}")
    assert cli.main(["mlperf", str(model), *FOUR, "--output", str(tmp_path / "out")]) == 4
    assert "arm-none-eabi-g++ does not run" in capsys.readouterr().err
    assert not [*(tmp_path / "out").iterdir()]


def test_a_front_end_that_contradicts_the_input_is_refused(capsys, tmp_path):
    model = classifier(tmp_path / "model.tflite", 1960)
    error = refused(capsys, model, *FOUR, "--dataset", tmp_path, "--output", tmp_path / "out")
    assert "mfcc makes 49 x 10 features, but the model takes 1960 values" in error


def test_an_unknown_front_end_is_refused(capsys, tmp_path):
    model = classifier(tmp_path / "model.tflite", 490)
    error = refused(capsys, model, *FOUR, "--dataset", tmp_path, "--front-end", "plp")
    assert "'plp' is not a front end" in error and "mfcc" in error


@pytest.mark.slow
@pytest.mark.emulated
def test_the_published_model_beside_published_results(capsys, tmp_path):
    model = shared_data("kws_ref_model.tflite")
    assert cli.main(["mlperf", str(model), "--output", str(tmp_path)]) == 0
    (folder,) = tmp_path.iterdir()
    record = json.loads((folder / "mlperf.json").read_text())
    assert (record["inputs"], record["accuracy"], record["outputs_equal"]) == ("random", [], 5)
    assert len(record["windows"]) == 5
    assert all(one["taken_us"] >= 10_000_000 and one["invocations"] >= 70 for one in record["windows"])
    rows = list(csv.DictReader((folder / "results.csv").read_text().splitlines()))
    assert len(rows) == 7 and "modeled" in next(row["board"] for row in rows if "Emulated" in row["board"])
    assert "The inputs are random" in (folder / "report.html").read_text()
    assert "random" in capsys.readouterr().out
