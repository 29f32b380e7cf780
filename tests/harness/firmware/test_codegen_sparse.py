"""Engine codegen-sparse: bit-exact at any share of zeros, and sparse only where that is faster."""

from __future__ import annotations

import re
from functools import partial
from itertools import chain

import numpy as np
import pytest
import tflite_cases as cases
from compiled_engine import AlwaysSparse, checked, compiled, kernel_calls, staged_engine
from host_library import MBED_FLAGS, compile_for_board, symbols_of
from hypothesis import example, given
from hypothesis import strategies as st
from shared_data import shared_data
from small_models import tinyconv

from harness.firmware.codegen_sparse.kernels import MOST_IN_CODE, entry_list
from harness.firmware.engine import get_engine

SPARSE = get_engine("codegen-sparse")


@pytest.mark.parametrize(
    "model",
    [
        partial(cases.conv_2d, 1, "i1", zeros=0.5),
        partial(cases.conv_2d, 2, "i1", zeros=0.3),
        partial(cases.conv_2d, 9, "i1", zeros=0.9),
        partial(cases.conv_2d, 8, "i1"),
        partial(cases.conv_2d, 6, "i1", dilated=True, zeros=0.6),
        *(partial(cases.conv_2d, 300 + seed, "i1", seed % 2 == 1, 0.95 - 0.15 * seed) for seed in range(6)),
        partial(cases.fully_connected, 1, "i1", zeros=0.7),
        partial(cases.fully_connected, 4, "i1", zeros=0.95),
        partial(cases.fully_connected, 7, "i1"),
        partial(tinyconv, 0.8, 0.9),
        partial(tinyconv, 1.0, 1.0),
    ],
)
def test_a_sparse_kernel_gives_the_same_bytes(model):
    assert checked(model(), AlwaysSparse()).sources.kernels == "dsp+sparse"


def _decoded(words: np.ndarray, inputs: int) -> np.ndarray:
    """Decode a list by the rules of sparse_fully_connected.h."""
    weights, at = np.zeros(inputs, int), 0
    entries = chain.from_iterable((word & 0xFFFF, word >> 16) for word in words[1:].tolist())
    for entry in entries:
        at += entry >> 8
        assert at < inputs, "reads beside the input"
        weights[at] += (entry & 0xFF ^ 0x80) - 0x80
    return weights


@given(st.integers(1, 3000), st.dictionaries(st.integers(0, 2999), st.integers(-128, 127), max_size=40))
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


MUCH = MOST_IN_CODE // 80 + 1  # channels: too many weights for code


@pytest.mark.parametrize(
    ("model", "kernels"),
    [
        (partial(tinyconv, 0.0, 0.0), ["convolve_1_channel_s8", "fully_connected"]),
        (partial(tinyconv, 0.8, 0.5), ["sparse_conv_2d", "fully_connected"]),
        (partial(tinyconv, 0.0, 0.9), ["convolve_1_channel_s8", "sparse_fully_connected"]),
        (partial(tinyconv, 0.9, 0.9), ["sparse_conv_2d", "sparse_fully_connected"]),
        (partial(tinyconv, 0.9, 0.9, "f4"), ["convolve_f32", "fully_connected"]),
        (partial(tinyconv, 0.95, 0.95, channels=MUCH), ["convolve_1_channel_s8", "sparse_fully_connected"]),
    ],
)
def test_each_layer_gets_the_faster_kernel_that_exists(model, kernels, tmp_path):
    staged_engine(model(), tmp_path, SPARSE)
    assert kernel_calls((tmp_path / "engine.cpp").read_text()) == kernels


def test_a_running_engine_names_sparse_kernels():
    assert compiled(tinyconv(0.9, 0.9), SPARSE).names == (b"codegen-sparse", b"reference+sparse")


def test_the_source_states_the_cycles_of_both_kernels(tmp_path):
    staged_engine(tinyconv(0.8, 0.5), tmp_path, SPARSE)
    text = (tmp_path / "engine.cpp").read_text().replace("\n//", "").replace(",", "")
    cycles = r"(\d+) modeled cycles where they are skipped (\d+) where not\."
    rows = re.findall(rf"(\d+) of (\d+) weights are 0: {cycles}", text)
    conv, connected = (tuple(map(int, row)) for row in rows)
    assert (conv[:2], connected[:2]) == ((512, 640), (8000, 16_000))
    assert conv[2] < conv[3] and connected[2] > connected[3]


def test_a_model_that_is_not_pruned_stays_dense(tmp_path):
    model = shared_data("micro_speech_quantized.tflite").read_bytes()
    texts = []
    for engine in ("codegen", "codegen-sparse"):
        assert staged_engine(model, tmp_path / engine, get_engine(engine)).kernels == "dsp"
        texts.append((tmp_path / engine / "model_weights.h").read_text().replace(engine, "codegen"))
    assert texts[0] == texts[1]


def test_a_network_with_dense_and_sparse_layers():
    assert checked(tinyconv(0.9, 0.0), SPARSE).calls == ["sparse_conv_2d", "fully_connected"]


@pytest.mark.parametrize("zeros", [0.5, 0.95])
def test_sources_compile_as_the_mbed_core_compiles_them(zeros, tmp_path):
    staged_engine(tinyconv(zeros, zeros), tmp_path, AlwaysSparse())
    engine = tmp_path / "engine.o"
    compile_for_board(*MBED_FLAGS, f"-I{tmp_path}", "-c", tmp_path / "engine.cpp", "-o", engine)
    symbols = " ".join(symbols_of(engine, "-C"))
    assert "kWeights1" in symbols
    assert "kWeights0 " not in f"{symbols} ", "weights in the code also lie in flash"
