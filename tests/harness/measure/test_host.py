"""Host timing with a small network in all of its forms, and with a model from elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from float_models import LABELS, artifact_in, write_tflite, write_torch_and_onnx
from shared_data import shared_data
from short_timing import short_host_timing

from harness.measure import host_runtimes
from harness.measure.host import time_host
from harness.measure.host_runtimes import Timing, time_calls, timing_of
from harness.records.provenance import cpu_name, usable_cores
from models.model_artifact import ModelArtifact

FEATURES = np.random.default_rng(0).integers(0, 666, (49, 40), np.uint16)


@pytest.fixture(scope="module", autouse=True)
def short_timing():
    with short_host_timing():
        yield


@pytest.fixture(scope="module")
def weights():
    return np.random.default_rng(1).normal(0, 0.01, (1960, len(LABELS))).astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory, weights):
    """A softmax of one matrix product as .tflite, TorchScript and ONNX."""
    folder = tmp_path_factory.mktemp("model")
    write_tflite(folder / "model.tflite", weights)
    write_torch_and_onnx(folder, weights)
    return artifact_in(folder, "float32")


@pytest.fixture(scope="module")
def expected(weights):
    logits = FEATURES.reshape(-1).astype(np.float64) * 10 / 256 @ weights
    shifted = np.exp(logits - logits.max())
    return shifted / shifted.sum()


@pytest.fixture(scope="module")
def timing(model, expected):
    return time_host(model, FEATURES, expected)


@pytest.fixture(scope="module")
def called_int8(model, expected, tmp_path_factory):
    """The same network, said to be int8, beside a board whose first probability is 0.25 off."""
    folder = tmp_path_factory.mktemp("called") / "int8"
    shutil.copytree(model.path, folder)
    return time_host(artifact_in(folder, "int8"), FEATURES, expected + np.array([0.25, 0, 0, 0]))


def test_a_model_from_elsewhere_is_timed_without_torch(model):
    """Importing it takes 2 s of processor time."""
    program = (
        "import sys; from pathlib import Path; import numpy as np; import harness.runs.run\n"
        "from harness.measure.host_runtimes import time_tflite\n"
        "time_tflite(Path(sys.argv[1]), np.zeros((1, 1960), np.float32), 1)\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, model.tflite], check=True)


def test_every_runtime_is_timed_on_one_thread_and_on_all_cores(timing):
    found = [(row.runtime, row.threads) for row in timing if row.device == "cpu"]
    threads = sorted({1, usable_cores()})
    assert found == [(name, n) for name in ("tflite", "torch", "onnxruntime") for n in threads]


def test_times_are_positive_and_ordered(timing):
    for row in timing:
        if row.device == "cpu":
            assert row.median_us > 0
            assert row.p25_us is None or row.p25_us <= row.median_us <= row.p75_us


def test_outputs_are_those_of_the_board(timing):
    differences = [row.max_abs_difference for row in timing if row.device == "cpu"]
    assert max(differences) < 1e-5


def test_rows_of_an_int8_variant_note_other_outputs_and_what_is_not_quantized(called_int8):
    rows = [row for row in called_int8 if row.median_us and row.device == "cpu"]
    assert all(row.max_abs_difference == pytest.approx(0.25, abs=1e-5) for row in rows)
    assert {row.runtime for row in rows if "not quantized" in row.note} == {"torch", "onnxruntime"}


@pytest.mark.parametrize(
    ("operators", "board_output", "note"),
    [
        ({}, [0.5, 0.5, 0.0], "4 instead of 3 outputs"),
        ({}, [0.25], "4 instead of 1 outputs"),
        ({}, [np.nan] * 4, "not finite numbers: nan"),
        ({"VAR_HANDLE": 1}, [0.25] * 4, "keeps a state from run to run"),
    ],
)
def test_outputs_that_cannot_be_compared_have_no_difference(model, tmp_path, operators, board_output, note):
    shutil.copyfile(model.tflite, tmp_path / "model.tflite")
    rows = time_host(
        replace(artifact_in(tmp_path, "float32"), operators=operators), FEATURES, np.array(board_output)
    )
    assert rows and all(row.median_us and row.max_abs_difference is None and note in row.note for row in rows)


def test_gpu_row_has_figures_or_a_reason(timing):
    (row,) = [row for row in timing if row.device == "gpu"]
    if torch.cuda.is_available():
        assert row.median_us > 0
        assert row.max_abs_difference < 1e-4
    else:
        assert (row.median_us, row.p25_us, row.p75_us, row.max_abs_difference) == (None,) * 4
        assert row.note == "no CUDA device"


def test_exception_of_a_runtime_becomes_its_note(model, tmp_path, expected):
    folder = tmp_path / "broken"
    shutil.copytree(model.path, folder)
    (folder / "model.onnx").write_bytes(b"this is no ONNX")
    rows = time_host(ModelArtifact.load(folder), FEATURES, expected)
    broken = [row for row in rows if row.runtime == "onnxruntime"]
    assert all(row.median_us is None and row.note.startswith("failed: ") for row in broken)
    assert all(row.median_us for row in rows if row.runtime == "tflite")


def test_an_input_of_another_size_is_refused(model):
    with pytest.raises(ValueError, match=r"\(1, 1960\)"):
        time_host(model, np.zeros(490, np.float32))


def test_external_model_has_rows_of_tflite_only(tmp_path):
    shutil.copyfile(shared_data("micro_speech_quantized.tflite"), tmp_path / "model.tflite")
    timing = time_host(artifact_in(tmp_path, "int8"), FEATURES)
    assert {row.runtime for row in timing} == {"tflite"}
    assert all("reference kernels" in row.note for row in timing)
    # XNNPACK may round the last bit of an int8 output otherwise.
    assert all(row.max_abs_difference <= 1.001 / 256 for row in timing)


def test_model_without_micro_features_takes_its_tensor(tmp_path):
    shutil.copyfile(shared_data("kws_ref_model.tflite"), tmp_path / "model.tflite")
    values = np.random.default_rng(2).integers(-128, 128, 490, np.int8)
    assert all(row.median_us for row in time_host(artifact_in(tmp_path, "int8", []), values))


def test_a_call_is_timed_by_the_clock():
    timing = time_calls(lambda: time.sleep(0.002))
    assert timing.median_us >= 2_000
    assert timing.invocations > 1


def test_too_few_samples_have_no_quartiles():
    assert timing_of([10, 20, 30], 3) == Timing(3, 20, None, None)
    assert timing_of([10, 20, 30, 40, 50], 5) == Timing(5, 30, 20, 40)


def test_the_processor_has_a_name():
    assert cpu_name().strip()


@pytest.mark.parametrize(
    ("samples_us", "note"),
    [
        ([9, 10, 10, 11], ""),
        ([5, 10, 10, 500], "not steady: the quartiles are 1,237.5\u00a0% of the median apart"),
    ],
)
def test_times_that_did_not_become_steady_are_noted(samples_us, note):
    assert host_runtimes.timing_of(samples_us, 4).note == note
