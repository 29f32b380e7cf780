"""Engine codegen-sparse: bit-exact at any share of zeros, and sparse only where that is faster."""

from __future__ import annotations

import re
import subprocess
from functools import partial
from itertools import chain

import numpy as np
import pytest
import tflite_cases as cases
from compiled_engine import compile_for_cortex_m4, compiled, staged_engine
from hypothesis import example, given
from hypothesis import strategies as st
from pruned_tinyconv import tinyconv
from shared_data import shared_data
from sparse_engine import AlwaysSparse
from tflite_oracles import tflite_micro, tflite_reference

from harness.firmware.codegen_sparse.kernels import MOST_IN_CODE, entry_list
from harness.firmware.engine import get_engine


def _kernels(model: bytes, folder, engine: str = "codegen-sparse") -> list[str]:
    staged_engine(model, folder, get_engine(engine))
    return re.findall(r"^  kernels::(\w+)<", (folder / "engine.cpp").read_text(), re.MULTILINE)


@pytest.mark.parametrize("oracle", [tflite_reference, tflite_micro])
@pytest.mark.parametrize(
    "model",
    [
        partial(cases.conv_2d, 1, "i1", zeros=0.5),
        partial(cases.conv_2d, 2, "i1", zeros=0.3),
        partial(cases.conv_2d, 9, "i1", zeros=0.9),
        partial(cases.conv_2d, 8, "i1"),
        partial(cases.conv_2d, 6, "i1", dilated=True, zeros=0.6),
        partial(cases.fully_connected, 1, "i1", zeros=0.7),
        partial(cases.fully_connected, 4, "i1", zeros=0.95),
        partial(cases.fully_connected, 7, "i1"),
        partial(tinyconv, 0.8, 0.9),
        partial(tinyconv, 1.0, 1.0),
    ],
)
def test_a_sparse_kernel_gives_the_same_bytes(model, oracle):
    tflite = model()
    engine = compiled(tflite, AlwaysSparse())
    inputs = np.random.default_rng(3).integers(-128, 128, (20, engine.view("input").bytes)).astype("i1")
    inputs[0], inputs[1] = 127, -128
    outputs = engine.run(inputs)
    assert engine.sources.kernels == "dsp+sparse"
    np.testing.assert_array_equal(outputs, oracle(tflite, inputs).reshape(outputs.shape))


@pytest.mark.slow
@pytest.mark.parametrize("dilated", [False, True])
@pytest.mark.parametrize("zeros", [0.2, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("seed", range(300, 304))
def test_many_convolutions(seed, zeros, dilated):
    test_a_sparse_kernel_gives_the_same_bytes(
        partial(cases.conv_2d, seed, "i1", dilated, zeros), tflite_reference
    )


def _decoded(words: np.ndarray, inputs: int) -> np.ndarray:
    """Decode a list by the rules of sparse_fully_connected.h."""
    weights, at = np.zeros(inputs, int), 0
    entries = chain.from_iterable((word & 0xFFFF, word >> 16) for word in words[1:].tolist())
    for entry in entries:
        at += entry >> 8
        assert at < inputs, "reads beside the input"
        weights[at] += (entry & 0xFF ^ 0x80) - 0x80
    return weights


@given(
    st.integers(1, 3000),
    st.dictionaries(st.integers(0, 2999), st.integers(-128, 127), max_size=40),
)
@example(256, {255: -128})
@example(600, {511: 1})
@example(3000, {0: 1, 255: 2, 511: 3, 2999: -1})
def test_a_list_has_every_weight_that_is_not_0(inputs, some):
    weights = np.zeros(inputs, "i1")
    for place, weight in some.items():
        weights[place % inputs] = weight
    words = entry_list(weights)
    assert words[0] * 4 == len(words) - 1
    np.testing.assert_array_equal(_decoded(words, inputs), weights)


@pytest.mark.parametrize(
    ("zeros", "kernels"),
    [
        ((0.0, 0.0), ["conv_2d", "fully_connected"]),
        ((0.5, 0.5), ["sparse_conv_2d", "fully_connected"]),
        ((0.0, 0.9), ["conv_2d", "sparse_fully_connected"]),
        ((0.9, 0.9), ["sparse_conv_2d", "sparse_fully_connected"]),
    ],
)
def test_each_layer_gets_the_faster_kernel(zeros, kernels, tmp_path):
    assert _kernels(tinyconv(*zeros), tmp_path) == kernels


def test_a_running_engine_names_sparse_kernels():
    library = compiled(tinyconv(0.9, 0.9), get_engine("codegen-sparse")).library
    library.name.restype = library.kernels.restype = np.ctypeslib.ctypes.c_char_p
    assert (library.name(), library.kernels()) == (b"codegen-sparse", b"reference+sparse")


def test_the_source_states_the_cycles_of_both_kernels(tmp_path):
    staged_engine(tinyconv(0.8, 0.5), tmp_path, get_engine("codegen-sparse"))
    text = (tmp_path / "engine.cpp").read_text().replace("\n//", "")
    cycles = r"([\d,]+) modeled cycles where they are skipped, ([\d,]+) where not\."
    conv, connected = re.findall(rf"([\d,]+) of ([\d,]+) weights are 0: {cycles}", text)
    assert (conv[:2], connected[:2]) == (("512", "640"), ("8,000", "16,000"))
    assert int(conv[2].replace(",", "")) < int(conv[3].replace(",", ""))
    assert int(connected[2].replace(",", "")) > int(connected[3].replace(",", ""))


def test_float_models_stay_dense(tmp_path):
    assert _kernels(tinyconv(0.9, 0.9, "f4"), tmp_path) == ["conv_2d", "fully_connected"]


def test_a_convolution_too_large_for_code_stays_dense(tmp_path):
    model = tinyconv(0.95, 0.95, channels=MOST_IN_CODE // 80 + 1)
    assert _kernels(model, tmp_path) == ["conv_2d", "sparse_fully_connected"]


def test_a_model_that_is_not_pruned_stays_dense(tmp_path):
    model = shared_data("micro_speech_quantized.tflite").read_bytes()
    texts = []
    for engine in ("codegen", "codegen-sparse"):
        (tmp_path / engine).mkdir()
        sources = staged_engine(model, tmp_path / engine, get_engine(engine))
        assert sources.kernels == "dsp"
        texts.append((tmp_path / engine / "model_weights.h").read_text().replace(engine, "codegen"))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("oracle", [tflite_reference, tflite_micro])
def test_a_network_with_dense_and_sparse_layers(oracle):
    model = shared_data("kws_ref_model.tflite").read_bytes()  # every sixth weight of its first layer is 0
    engine = compiled(model, get_engine("codegen-sparse"))
    inputs = np.random.default_rng(1).integers(-128, 128, (100, 490)).astype("i1")
    outputs = engine.run(inputs)
    assert engine.text.count("kernels::sparse_conv_2d<") == 1
    np.testing.assert_array_equal(outputs, oracle(model, inputs).reshape(outputs.shape))


@pytest.mark.parametrize("zeros", [0.5, 0.95])
def test_sources_compile_as_the_mbed_core_compiles_them(zeros, tmp_path):
    staged_engine(tinyconv(zeros, zeros), tmp_path, AlwaysSparse())
    flags = ("-std=gnu++14", "-Os", "-Wvla", "-funsigned-char")
    symbols = subprocess.run(
        ["arm-none-eabi-nm", "-C", str(compile_for_cortex_m4(tmp_path, *flags))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "kWeights1" in symbols
    assert "kWeights0\n" not in symbols, "weights in the code also lie in flash"
