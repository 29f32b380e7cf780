"""Nights of a small Linux computer: this host, and one behind a real sshd."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from emulated_runs import Models
from float_models import artifact_in, write_tflite, write_torch_and_onnx
from reported import reported
from small_nights import statuses
from ssh_target import HOST, SshTarget

from harness.boards.linux import Linux
from harness.boards.small_linux.computer import Computer
from harness.errors import EXIT_BROKEN, EXIT_CLEAN, ConnectionLost
from harness.layout import PARTIAL, RECORD
from harness.measure.onnx import INFERENCES, measure_onnx
from harness.records.provenance import usable_cores
from harness.records.reading import read_record
from harness.regression.from_record import NIGHTLY, night_of
from harness.runs.folder import RUN, begin, resume
from harness.runs.nightly.nightly import measure_night, measure_same_images, run_nightly
from harness.runs.request import RunRequest, Setup
from harness.runs.run import Run
from harness.runs.selection import Selection

SERIES = "some/onnxruntime/inference_us/clip"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    weights = np.random.default_rng(1).normal(0, 0.01, (1960, 4)).astype(np.float32)
    write_tflite(folder / "model.tflite", weights)
    write_torch_and_onnx(folder, weights)
    return artifact_in(folder, "float32")


@pytest.fixture
def night(bench, model):
    """Measure a night of a computer, on the words of the small bench."""

    def measure(host: str = "", interrupted=None):
        board = Linux(Computer(host))
        setup = Setup(Models(model, store=bench.store), board, None, recordings=bench.folder / "words")
        if interrupted:
            folder = resume(RUN, interrupted, board.describe())
        else:
            about = {"kind": NIGHTLY, "board": "desk", "engine": "onnxruntime"}
            folder = begin(RUN, bench.folder / "nights", board.describe(), about)
        with reported(bench.lines):
            return measure_night(Run(setup, folder), bench.request)

    return measure


def test_first_night_measures_every_block_in_a_process_of_its_own(night, bench):
    result = night()
    blocks = result.record.blocks
    assert [(block.phase, block.subject) for block in blocks] == [
        ("canary-first", "canary"),
        *[("round", "some")] * 3,
        ("canary-last", "canary"),
    ]
    for block in blocks:
        assert (block.fault, block.engine) == ("", "onnxruntime")
        assert set(block.samples_us) == {"inference_us/clip"}
        assert len(block.samples_us["inference_us/clip"]) == block.planned == INFERENCES
    assert any(not sample.is_integer() for sample in blocks[0].samples_us["inference_us/clip"])
    assert night_of(result.record).tick_us == 0.001
    assert len({(block.image_sha256, block.checks["output"]) for block in blocks}) == 1
    assert (result.exit_code, statuses(result)[SERIES]) == (EXIT_CLEAN, "new")
    assert read_record(result.page.parent / RECORD) == result.record
    assert len(list((result.page.parent / "blocks").glob("*.log"))) == len(blocks)


def test_images_of_the_last_night_are_measured_again(night, bench):
    first = night()

    def folder_for(board, code):
        about = {"kind": "a-a", "board": "desk", "engine": "onnxruntime"}
        return begin(RUN, bench.folder / "nights", board.describe(), about, code)

    again = measure_same_images(Linux(Computer()), bench.request, "desk", folder_for)
    assert again.exit_code == EXIT_CLEAN
    of_both = [[(block.image_sha256, block.checks) for block in one.record.blocks] for one in (first, again)]
    assert of_both[0] == of_both[1]
    assert len(again.record.variants[0].stage_us["inference"]) == 3 * INFERENCES


def test_slowed_down_processor_leaves_a_block_without_times(night, bench, monkeypatch):
    """The processor reports a limit in the last round only."""

    def slowed(*arguments, **options):
        row, output = measure_onnx(*arguments, **options)
        is_last = any(line.startswith("round-3") for line in bench.lines)
        return replace(row, throttled=["temperature limit"] if is_last else row.throttled), output

    monkeypatch.setattr("harness.measure.block.measure_onnx", slowed)
    result = night()
    slow = [block for block in result.record.blocks if block.fault]
    assert [(block.phase, block.round) for block in slow] == [("round", 3), ("canary-last", 0)]
    assert all("throttled: temperature limit" in block.fault for block in slow)
    assert all(block.samples_us == {} for block in slow)
    kept = (result.page.parent / "blocks" / "round-3-some.log").read_text()
    assert len(json.loads(kept)["samples_us"]) == INFERENCES
    assert result.exit_code == EXIT_BROKEN


@pytest.mark.parametrize("same_images", [False, True])
def test_night_of_a_computer_that_cannot_be_reached_is_red_and_recorded(
    night, bench, tmp_path, monkeypatch, same_images
):
    target = SshTarget(tmp_path / "target")  # its sshd does not run
    monkeypatch.setenv("PATH", f"{target.bin}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "bench.toml").write_text(f'[board.desk]\nkind = "linux"\nhost = "{HOST}"\n')
    if same_images:
        night()
    request = RunRequest(
        Selection(),
        board="desk",
        bench=tmp_path / "bench.toml",
        nightly=replace(bench.request, same_images=same_images),
    )
    try:
        with reported(bench.lines):
            result = run_nightly(request, bench.folder / "nights")
    finally:
        target.close()
    record = read_record(result.page.parent / RECORD)
    assert record.fault.failure == "enumerate"
    assert "it refuses connections of SSH (kws-pi)" in record.fault.message
    assert (record.board.name, record.board.uid, record.board.title) == ("linux", "linux", "desk")
    assert (result.exit_code, result.verdict.status) == (EXIT_BROKEN, "broken")
    assert "it refuses connections of SSH" in result.text


def test_night_whose_connection_is_lost_is_resumed(night, bench, tmp_path, monkeypatch):
    """The computer kills its sshd's process in the second block, at each of three attempts."""
    target = SshTarget(tmp_path / "target")
    monkeypatch.setenv("PATH", f"{target.bin}{os.pathsep}{os.environ['PATH']}")
    before = len({1, usable_cores()}) + 1  # calls of the runner for the run and the first block
    target.give_environment(
        f'case "$*" in *--model*) echo >>{target.folder}/calls; n=$(wc -l <{target.folder}/calls)\n'
        f"[ $n -gt {before} ] && [ $n -le {before + 3} ] && "
        "{ read -r _ _ _ session _ </proc/$PPID/stat; kill -9 $session; }; esac"
    )
    try:
        target.start()
        with pytest.raises(ConnectionLost, match=r"the connection was lost: .*resume"):
            night(HOST)
        (partial,) = (bench.folder / "nights").glob(f"*/*/{PARTIAL}")
        kept = read_record(partial).blocks
        assert [block.phase for block in kept] == ["canary-first"]
        record = night(HOST, interrupted=partial.parent).record
    finally:
        target.close()
    assert record.blocks[0] == kept[0] and len(record.blocks) == 5
    assert not any(block.fault for block in record.blocks)
