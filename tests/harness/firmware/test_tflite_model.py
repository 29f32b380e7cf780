"""Reading a .tflite: what is in it, and what is no .tflite."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import shared_data
from tflite_builder import ModelBuilder

from harness.errors import BuildFailed, UsageError
from harness.firmware.tflite_model import read_tflite

ANY_TIME = settings(max_examples=150)


@pytest.fixture
def tflite(tmp_path):
    """A small model and where to write changed copies of it."""
    builder = ModelBuilder()
    source, output = builder.activation((1, 3), "i1", 0.5, 7), builder.activation((1, 2), "i1", 0.25, -1)
    weights = builder.constant(np.arange(6, dtype="i1").reshape(2, 3), [0.5, 0.125])
    builder.operator("FULLY_CONNECTED", [source, weights, -1], [output], fusedActivationFunction=3)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.finish([source], [output]))
    return path


def test_tensors_and_operators(tflite):
    read = read_tflite(tflite)
    source, _output, weights = read.tensors
    assert (source.shape, source.type, source.data) == ((1, 3), "int8", None)
    assert (source.quantization.scales, source.quantization.zero_points) == ((0.5,), (7,))
    assert weights.quantization.scales == (0.5, 0.125)
    np.testing.assert_array_equal(weights.data, [[0, 1, 2], [3, 4, 5]])
    assert not weights.data.flags.writeable
    (operator,) = read.operators
    assert (operator.name, operator.inputs, operator.outputs) == ("FULLY_CONNECTED", (0, 2, None), (1,))
    assert operator.options["fused_activation_function"] == "RELU6"
    assert (read.inputs, read.outputs) == ((0,), (1,))
    assert read.histogram == {"FULLY_CONNECTED": 1}


def test_a_batch_left_open_is_a_batch_of_one():
    model = read_tflite(shared_data("kws_ref_model.tflite"))
    assert model.tensors[0].shape == (1, 49, 10, 1)
    assert not any(tensor.dynamic for tensor in model.tensors)


def test_reading_does_not_import_tensorflow(tflite):
    code = (
        "import sys; from pathlib import Path; from harness.firmware.tflite_model import read_tflite;"
        f"read_tflite(Path({str(tflite)!r})); sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read.*nothing\.tflite"):
        read_tflite(tmp_path / "nothing.tflite")


@pytest.mark.parametrize(
    "content", [b"", b"TFL3", b"#!/bin/sh\necho no model\n", b"\0" * 4 + b"TFL3" + b"\xff" * 64]
)
def test_something_else_is_no_tflite(tmp_path, content):
    path = tmp_path / "else.tflite"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"not a whole \.tflite file.*else\.tflite"):
        read_tflite(path)


@ANY_TIME
@given(share=st.floats(0, 0.95))
def test_a_cut_off_file_is_refused(tflite, share):
    content = tflite.read_bytes()
    cut = tflite.with_name("cut.tflite")
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UsageError, match="not a whole"):
        read_tflite(cut)


@ANY_TIME
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(tflite, place, byte):
    content = bytearray(tflite.read_bytes())
    content[int(len(content) * place)] = byte
    changed = tflite.with_name("changed.tflite")
    changed.write_bytes(content)
    with suppress(UsageError, BuildFailed):
        read_tflite(changed)
