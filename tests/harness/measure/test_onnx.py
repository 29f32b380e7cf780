"""Measurement of a small ONNX model by the runner, in a process of its own on this host."""

from __future__ import annotations

import numpy as np
import pytest
from matrix_product import write_matrix_product

from harness.errors import AccuracyFailed, Unsupported
from harness.measure.onnx import measure_onnx

WEIGHTS = np.random.default_rng(1).normal(0, 0.01, (40, 4)).astype(np.float32)
INPUTS = np.random.default_rng(2).normal(0, 1, (3, 40)).astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_matrix_product(tmp_path_factory.mktemp("onnx") / "some.onnx", WEIGHTS)


def test_model_is_compared_timed_and_its_memory_taken(model):
    row, output = measure_onnx(model, INPUTS, INPUTS @ WEIGHTS, threads=1)
    np.testing.assert_allclose(output, INPUTS[0] @ WEIGHTS, atol=1e-6)
    assert (len(row.samples_us), row.threads, row.model_bytes) == (300, 1, model.stat().st_size)
    assert row.warm_ups >= 10
    assert row.difference is not None and row.difference <= row.tolerance
    assert row.process_peak_bytes is not None and row.process_peak_bytes > 10 << 20


def test_memory_of_the_model_grows_with_its_weights(model, tmp_path):
    weights = np.ones((2000, 2000), np.float32)
    large = write_matrix_product(tmp_path / "large.onnx", weights)
    peaks = [
        measure_onnx(file, np.ones((1, size), np.float32), inferences=1)[0].model_peak_bytes
        for file, size in ((model, 40), (large, 2000))
    ]
    assert peaks[1] - peaks[0] > weights.nbytes


def test_model_whose_outputs_differ_is_not_timed(model):
    with pytest.raises(AccuracyFailed, match=r"differ from the reference by .*, more than 1e-05"):
        measure_onnx(model, INPUTS, INPUTS @ WEIGHTS + 1e-3)


def test_outputs_without_a_number_are_not_timed(tmp_path):
    model = write_matrix_product(tmp_path / "nan.onnx", WEIGHTS * np.float32("nan"))
    with pytest.raises(AccuracyFailed, match="differ from the reference by inf"):
        measure_onnx(model, INPUTS, INPUTS @ WEIGHTS)


def test_file_that_is_no_model_is_refused(tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(Unsupported, match=r"ONNX Runtime cannot run the model: .* on this host"):
        measure_onnx(broken, INPUTS)
