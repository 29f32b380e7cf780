"""Runs of float networks on small Linux computers: this host, and one behind a real sshd."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from emulated_runs import Models
from float_models import artifact_in, write_tflite, write_torch_and_onnx
from reported import reported
from ssh_target import HOST, SshTarget

from harness import cli
from harness.bench_file import Bench, BoardEntry
from harness.boards.emulated import EmulatedBoard
from harness.boards.linux import Linux
from harness.boards.small_linux.computer import Computer
from harness.errors import ConnectionLost
from harness.firmware.engine import get_engine
from harness.layout import PARTIAL
from harness.records.provenance import usable_cores
from harness.records.reading import read_record
from harness.records.record import RunRecord
from harness.report.pages.family_entries import entries_of
from harness.report.pages.family_tables import family_tables
from harness.report.pages.run import summary_text
from harness.report.pages.run_plots import draw_devices
from harness.report.pages.run_tables import all_tables
from harness.runs.folder import RUN, begin, resume
from harness.runs.request import Setup
from harness.runs.run import Run
from models.data.wav import write_wav
from models.model_artifact import ModelArtifact
from models.pipeline import external

_RUNNER_CALLS = len({1, usable_cores()})
"""Calls of the runner for one model: with one thread, and with all cores."""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two models with one network."""
    weights = np.random.default_rng(1).normal(0, 0.01, (1960, 4)).astype(np.float32)
    made = []
    for identity in ("first", "second"):
        folder = tmp_path_factory.mktemp(identity)
        write_tflite(folder / "model.tflite", weights)
        write_torch_and_onnx(folder, weights)
        made.append(artifact_in(folder, "float32", identity=identity))
    return made


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A folder with one recording."""
    folder = tmp_path_factory.mktemp("words")
    noise = np.random.default_rng(0).integers(-9000, 9000, 16_000).astype(np.int16)
    write_wav(folder / "yes_1.wav", noise)
    return folder


@pytest.fixture
def run_on(store, words, tmp_path):
    def make(host: str, *items, resumed=None) -> Run:
        board = Linux(Computer(host))
        board.check()
        setup = Setup(Models(*items, store=store), board, None, recordings=words)
        if resumed:
            return Run(setup, resume(RUN, resumed, board.describe()))
        return Run(setup, begin(RUN, tmp_path / "runs", board.describe(), {"kind": "run"}))

    return make


@pytest.fixture
def target(tmp_path, monkeypatch):
    made = SshTarget(tmp_path / "target")
    monkeypatch.setenv("PATH", f"{made.bin}{os.pathsep}{os.environ['PATH']}")
    yield made
    made.close()


@pytest.fixture(scope="module")
def here(models, store, words, tmp_path_factory) -> RunRecord:
    """The record of a run on this host."""
    board = Linux(Computer())
    setup = Setup(Models(models[0], store=store), board, None, recordings=words)
    folder = begin(RUN, tmp_path_factory.mktemp("here"), board.describe(), {"kind": "run"})
    return Run(setup, folder).run()[0]


def test_model_is_measured_on_this_host(here):
    (row,) = here.variants
    assert row.faults == [] and here.board.name == "linux"
    found = [(one.device, one.runtime) for one in row.host if one.threads in (1, None)]
    runtimes = [("cpu", name) for name in ("tflite", "torch", "onnxruntime")]
    assert found == [("linux", "onnxruntime"), *runtimes, ("gpu", "torch")]
    assert row.host[0].linux.threads == 1 and len(row.host[0].linux.samples_us) == 300


def test_report_has_its_time_memory_and_state(here):
    tables = all_tables(here)
    first = here.variants[0].host[0]
    assert tables["overview"].rows[0]["inference_us"] == first.median_us
    assert tables["host"].title == "One inference on small Linux, CPU and GPU"
    row = tables["linux"].rows[0]
    assert row["minimum_us"] <= row["median_us"] == first.median_us <= row["p95_us"] <= row["maximum_us"]
    assert row["process_peak_bytes"] > row["model_bytes"] > 0
    assert not tables["latency"].rows and not tables["sizes"].rows
    assert f"takes {tables['overview'].shown()[1][0][1].text} per inference" in summary_text(here)


def test_throttled_computer_is_marked_and_not_compared(here):
    first, *others = here.variants[0].host
    slowed = replace(first, linux=replace(first.linux, throttled=["temperature limit"]))
    record = replace(here, variants=[replace(here.variants[0], host=[slowed, *others])])
    tables = all_tables(record)
    assert tables["overview"].rows[0]["inference_us"] is None
    assert {row["times_faster_than_board"] for row in tables["host"].rows} == {None}
    assert tables["linux"].rows[0]["throttled"] == "temperature limit"
    assert tables["host"].tones[0] == tables["linux"].tones[0] == "bad"
    assert "Nothing was measured" in summary_text(record)


def test_several_computers_are_told_apart(here):
    first, *others = here.variants[0].host
    other = replace(first, device_name="Raspberry Pi 4, pi@kws-pi")
    record = replace(here, variants=[replace(here.variants[0], host=[first, other, *others])])
    devices = [row["device"] for row in all_tables(record)["host"].rows]
    assert devices[:2] == [f"small Linux, {first.device_name}", "small Linux, Raspberry Pi 4, pi@kws-pi"]
    assert draw_devices(all_tables(record)["host"].frame).axes


def test_run_whose_connection_is_lost_keeps_finished_models_and_is_resumed(run_on, target, models):
    """The computer kills the process of its sshd when the runner is called for the second model."""
    target.give_environment(
        f'case "$*" in *--model*) echo >>{target.folder}/calls\n'
        f"[ $(wc -l <{target.folder}/calls) = {_RUNNER_CALLS + 1} ] && "
        "{ read -r _ _ _ session _ </proc/$PPID/stat; kill -9 $session; }; esac"
    )
    target.start()
    run = run_on(HOST, *models)
    with (
        reported() as lines,
        pytest.raises(ConnectionLost, match=r"the connection was lost: .*resume") as lost,
    ):
        run.run()
    assert HOST in str(lost.value) and "\n" not in str(lost.value)
    assert any(line.endswith(f"earshot resume {run.folder.path}") for line in lines)
    (kept,) = read_record(run.folder.path / PARTIAL).variants
    assert kept.id == "first" and kept.host[0].linux
    record, _ = run_on(HOST, *models, resumed=run.folder.path).run()
    assert record.variants[0] == kept
    assert record.variants[1].host[0].linux and record.run["ended"]


@pytest.mark.slow
def test_run_on_a_board_times_the_computers_of_the_bench_too(store, models, words, tmp_path):
    entries = (BoardEntry("here", kind="linux"), BoardEntry("gone", kind="linux", host="pi@gone.invalid"))
    board, bench = EmulatedBoard(), Bench(boards=entries)
    folder = tmp_path / "described"
    shutil.copytree(external(models[0].tflite, tuple(models[0].labels), store).path, folder)
    for file in ("model.onnx", "model.torchscript.pt"):
        shutil.copy(models[0].path / file, folder)
    model = ModelArtifact.load(folder)
    models = Models(model, replace(model, id="again"), store=store)
    setup = Setup(models, board, get_engine("codegen"), bench, words)
    with reported() as lines:
        record, _ = Run(setup, begin(RUN, tmp_path, board.describe(), {"kind": "run"})).run()
    for row in record.variants:
        assert row.faults == [] and row.stage_us["inference"]
        *found, gone = (each for each in row.host if each.device == "linux")
        assert [each.linux.threads for each in found] == sorted({1, usable_cores()})
        assert all(each.max_abs_difference < 1e-5 for each in found)
        assert (gone.median_us, gone.note) == (None, "failed: no computer is called gone.invalid")
    assert any("no computer is called gone.invalid" in line for line in lines)
    title = all_tables(record)["host"].title
    assert title == "One inference on MCU, small Linux, CPU and GPU"
    entry, _ = entries_of([record])
    assert family_tables([entry])["family"].rows[0]["linux_us"] == entry.time_us("linux") > 0


def test_model_without_a_float_network_is_refused(run_on, models):
    onnxless = replace(models[0], path=models[0].path / "nowhere")
    (row,) = run_on("", onnxless).run()[0].variants
    assert "runs ONNX models, and this model is a .tflite only" in row.faults[0].message


@pytest.mark.parametrize("command", ["build", "field"])
def test_commands_for_firmware_refuse_the_board(command, capsys):
    assert cli.main([command, "--board", "linux"]) == 2
    assert (
        "the board linux runs ONNX models, not firmware: no sketch listens to a microphone"
        in capsys.readouterr().err
    )


def test_engine_of_firmware_is_refused(capsys):
    assert cli.main(["run", "--board", "linux", "--engine", "tflm"]) == 2
    assert "by onnxruntime only, not by fast tflm" in capsys.readouterr().err


def test_doctor_names_the_computer(tmp_path, capsys):
    bench = tmp_path / "bench.toml"
    bench.write_text('[board.desk]\nkind = "linux"\n[board.pi]\nkind = "linux"\nhost = "gone.invalid"\n')
    cli.main(["doctor", "--json", "--bench", str(bench)])
    found = {item["name"]: item for item in json.loads(capsys.readouterr().out)}
    assert "ONNX Runtime 1." in found["Board desk"]["detail"] and found["Board desk"]["present"]
    assert "no computer is called gone.invalid" in found["Board pi"]["detail"]
    assert not found["Board pi"]["present"] and not found["arduino-cli"]["required"]
