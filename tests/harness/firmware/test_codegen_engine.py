"""Engine codegen on whole models: bit-exact with both oracles, deterministic, without a heap."""

from __future__ import annotations

import re
import subprocess
import warnings
from itertools import combinations

import numpy as np
import pytest
from compiled_engine import compile_for_cortex_m4, compiled, staged_engine
from shared_data import shared_data
from tflite_builder import ModelBuilder
from tflite_oracles import tflite_micro, tflite_reference

from models.log_filter import known_noise_dropped

MICRO_SPEECH, DS_CNN = "micro_speech_quantized.tflite", "kws_ref_model.tflite"
ORACLES = [tflite_reference, tflite_micro]


def _random_inputs(model: bytes, count: int) -> np.ndarray:
    size = compiled(model).view("input").bytes
    return np.random.default_rng(1).integers(-128, 128, (count, size)).astype("i1")


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("name", [MICRO_SPEECH, DS_CNN])
def test_a_published_model_gives_the_oracles_outputs(name, oracle):
    model = shared_data(name).read_bytes()
    inputs = _random_inputs(model, 200)
    outputs = compiled(model).run(inputs)
    np.testing.assert_array_equal(outputs, oracle(model, inputs).reshape(outputs.shape))


@pytest.fixture(scope="module", params=["int8", "float32"])
def keras_model(request):
    """A small depthwise-separable network, converted by TensorFlow."""
    import tensorflow as tf
    from tensorflow.keras import layers

    tf.random.set_seed(1)
    network = tf.keras.Sequential(
        [
            layers.Input((13, 8, 1), batch_size=1),
            layers.Conv2D(6, (5, 3), strides=2, padding="same", activation="relu"),
            layers.DepthwiseConv2D(3, padding="same", activation=tf.nn.relu6),
            layers.Conv2D(7, 1),
            layers.ReLU(),
            layers.ZeroPadding2D(1),
            layers.Conv2D(5, 3, dilation_rate=2),
            layers.AveragePooling2D((2, 1)),
            layers.Permute((3, 1, 2)),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if request.param == "int8":
        draw = np.random.default_rng(0).normal
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [draw(0, 1, (1, 13, 8, 1)).astype("f4")] for _ in range(20)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with known_noise_dropped(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Keras and the converter
        return converter.convert()


@pytest.mark.parametrize("oracle", ORACLES)
def test_a_converted_network_gives_the_oracles_outputs(keras_model, oracle):
    engine = compiled(keras_model)
    random = np.random.default_rng(2)
    if engine.view("input").type == 0:
        inputs = random.integers(-128, 128, (100, 104)).astype("i1")
    else:
        inputs = random.normal(0, 1, (100, 104)).astype("f4")
    outputs = engine.run(inputs)
    expected = oracle(keras_model, inputs).reshape(outputs.shape)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5 if outputs.dtype == "f4" else 0)


def test_the_source_names_kernels_and_folded_operators():
    engine = compiled(shared_data(MICRO_SPEECH).read_bytes())
    assert engine.sources.kernels == "dsp"
    assert "//   RESHAPE (operator 0) is a view of its input\n" in engine.text


def test_tensors_have_the_models_types_and_scales():
    engine = compiled(shared_data(MICRO_SPEECH).read_bytes())
    source, output = engine.view("input"), engine.view("output")
    assert (source.bytes, source.type, source.zero_point) == (1960, 0, -128)
    assert np.float32(source.scale) == np.float32(0.10171568393707275)
    assert (output.bytes, output.type, output.scale, output.zero_point) == (4, 0, 1 / 256, -128)


def test_a_float_model_has_float_tensors():
    engine = compiled(_two_softmaxes("f4"))
    view = engine.view("input")
    assert (view.bytes, view.type) == (16, 1)
    assert engine.sources.kernels == "reference"


def test_on_the_host_the_kernels_are_the_reference():
    library = compiled(shared_data(MICRO_SPEECH).read_bytes()).library
    library.name.restype = library.kernels.restype = np.ctypeslib.ctypes.c_char_p
    assert (library.name(), library.kernels()) == (b"codegen", b"reference")


@pytest.mark.parametrize("name", [MICRO_SPEECH, DS_CNN])
def test_tensors_alive_at_the_same_time_do_not_overlap(name):
    engine = compiled(shared_data(name).read_bytes())
    rows = re.findall(r"^//\s+(\d+)\s+(\d+)\s+(\d+)-(\d+)\s", engine.text, re.MULTILINE)
    slots = [tuple(map(int, row)) for row in rows]  # offset, bytes, first and last operation
    assert engine.library.arena_bytes() == engine.sources.arena_bytes
    assert max(slot[0] + slot[1] for slot in slots) <= engine.sources.arena_bytes
    for one, other in combinations(slots, 2):
        same_time = one[2] <= other[3] and other[2] <= one[3]
        same_place = one[0] < other[0] + other[1] and other[0] < one[0] + one[1]
        assert not (same_time and same_place), (one, other)


def test_the_same_model_gives_the_same_sources(tmp_path):
    texts = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        staged_engine(shared_data(DS_CNN).read_bytes(), tmp_path / name)
        texts.append({path.name: path.read_bytes() for path in sorted((tmp_path / name).glob("*.*"))})
    assert texts[0] == texts[1]


def test_inferences_are_independent():
    model = shared_data(DS_CNN).read_bytes()
    inputs = _random_inputs(model, 5)
    engine = compiled(model)
    np.testing.assert_array_equal(engine.run(inputs)[::-1], engine.run(inputs[::-1]))


@pytest.mark.parametrize("name", [MICRO_SPEECH, DS_CNN])
def test_sources_compile_for_the_board_without_a_warning_or_a_heap(name, tmp_path):
    staged_engine(shared_data(name).read_bytes(), tmp_path)
    symbols = subprocess.run(
        ["arm-none-eabi-nm", "--undefined-only", str(compile_for_cortex_m4(tmp_path))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(symbols.stdout.split()) - {"U"} <= {"memset", "memcpy", "memmove"}


def test_odd_tensor_names_are_escaped():
    model = _two_softmaxes("f4", name=b"a\\\nint x = 1; */ \xc3\xa9")
    outputs = compiled(model).run(np.zeros((1, 4), "f4"))
    np.testing.assert_allclose(outputs, 0.25)


def _two_softmaxes(dtype: str, **fields) -> bytes:
    builder = ModelBuilder()
    scales = [(0.1, 0), (1 / 256, -128), (1 / 256, -128)] if dtype == "i1" else [(0.0, 0)] * 3
    tensors = [builder.activation((1, 4), dtype, *scale, **fields) for scale in scales]
    builder.operator("SOFTMAX", tensors[:1], tensors[1:2], beta=1.0)
    builder.operator("SOFTMAX", tensors[1:2], tensors[2:], beta=1.0)
    return builder.finish(tensors[:1], tensors[2:])
