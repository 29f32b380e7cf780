"""Engine codegen on whole models: bit-exact with both oracles, deterministic, without a heap."""

from __future__ import annotations

import re
import warnings
from itertools import combinations

import numpy as np
import pytest
from compiled_engine import checked, compiled, staged_engine
from host_library import compile_for_board, symbols_of
from shared_data import shared_data
from small_models import pointwise
from tflite_builder import ModelBuilder
from tflite_cases import conv_2d

from harness.firmware.engine import get_engine
from models.log_filter import known_noise_dropped

MICRO_SPEECH, DS_CNN = "micro_speech_quantized.tflite", "kws_ref_model.tflite"


SMALL = get_engine("codegen", footprint="small")


@pytest.mark.parametrize("engine", [None, SMALL], ids=["fast", "small"])
@pytest.mark.parametrize("name", [MICRO_SPEECH, DS_CNN])
def test_a_published_model_gives_the_oracles_outputs(name, engine):
    checked(shared_data(name).read_bytes(), engine, count=200)


def test_small_images_hold_int8_weights_and_need_less_memory(tmp_path):
    model = shared_data(DS_CNN).read_bytes()
    fast = staged_engine(model, tmp_path / "fast")
    small = staged_engine(model, tmp_path / "small", SMALL)
    assert (fast.footprint, small.footprint, small.portable) == ("fast", "small", "")
    assert small.arena_bytes < 0.7 * fast.arena_bytes
    assert "PackedInt8Channel" in (tmp_path / "small" / "model_weights.h").read_text()


@pytest.mark.parametrize(
    ("dtype", "pixels", "text"),
    [
        ("f4", 8, "kWeightsInRam = 0"),
        ("f4", 9, "kWeightsInRam = 1"),
        ("i1", 3, "kernels::conv_2d<"),
        ("i1", 4, "kernels::convolve_s8<"),
    ],
)
def test_weights_are_put_into_ram_for_many_pixels(tmp_path, dtype, pixels, text):
    staged_engine(pointwise(dtype, pixels), tmp_path / "engine")
    assert text in (tmp_path / "engine" / "engine.cpp").read_text()


@pytest.mark.parametrize(("pool", "at_once"), [(2, 32), (3, 64)])
def test_weights_get_the_memory_that_another_operator_needs_anyway(pool, at_once):
    """Of a layer of 17 KB of widened weights, behind a pooling of 10 or 23 KB."""
    builder, random = ModelBuilder(), np.random.default_rng(1)
    source = builder.activation((1, 4 * pool, 5 * pool, 128), "i1", 0.05)
    pooled, output = (builder.activation((1, 4, 5, channels), "i1", 0.05) for channels in (128, 64))
    size = {"filterHeight": pool, "filterWidth": pool}
    builder.operator("MAX_POOL_2D", [source], [pooled], padding=1, strideH=pool, strideW=pool, **size)
    weights = builder.constant(random.integers(-127, 128, (64, 1, 1, 128)).astype("i1"), [0.004])
    bias = builder.constant(np.zeros(64, "i4"), [0.05 * 0.004])
    builder.operator("CONV_2D", [pooled, weights, bias], [output], padding=1, strideH=1, strideW=1)
    assert f"kChannelsAtOnce = {at_once};" in checked(builder.finish([source], [output])).text


def test_layers_with_the_same_constants_share_their_code(tmp_path):
    staged_engine(shared_data(DS_CNN).read_bytes(), tmp_path / "engine")
    text = (tmp_path / "engine" / "engine.cpp").read_text()
    assert re.findall(r"^using (Op\d) = (Op\d);", text, re.MULTILINE) == [
        ("Op3", "Op1"),
        ("Op4", "Op2"),
        ("Op5", "Op1"),
        ("Op6", "Op2"),
        ("Op7", "Op1"),
        ("Op8", "Op2"),
    ]


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_a_network_converted_by_tensorflow_gives_the_oracles_outputs(precision):
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
    if precision == "int8":
        draw = np.random.default_rng(0).normal
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [draw(0, 1, (1, 13, 8, 1)).astype("f4")] for _ in range(20)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with known_noise_dropped(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Keras and the converter
        model = converter.convert()
    checked(model, count=100)


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


def test_a_float_model_has_float_tensors_and_odd_names_are_escaped():
    builder = ModelBuilder()
    source, output = (builder.activation((1, 4), "f4", name=b"a\\\nint x = 1; */ \xc3\xa9") for _ in range(2))
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    engine = checked(builder.finish([source], [output]))
    view = engine.view("input")
    assert (view.bytes, view.type, engine.sources.kernels) == (16, 1, "reference")


@pytest.mark.parametrize("name", ['"; int x; "', "*/ int x; /*", "a\nint x;", "a\r#error x", "??/\n#error"])
def test_a_name_that_is_code_stays_in_a_comment(name):
    """Of activations, constants and variables."""
    builder = ModelBuilder()
    source, sums = (builder.activation((1, 4), "f4", name=name.encode()) for _ in range(2))
    state = builder.variable(name, np.arange(4, dtype="f4").reshape(1, 4), source)
    before = builder.activation((1, 4), "f4", name=name.encode())
    builder.operator("READ_VARIABLE", [state], [before])
    builder.operator("ADD", [before, source], [sums])
    builder.operator("ASSIGN_VARIABLE", [state, sums], [])
    output = builder.activation((1, 4), "f4", name=name.encode())
    factor = builder.constant(np.full(4, 2, "f4"), name=name.encode())
    builder.operator("MUL", [sums, factor], [output])
    checked(builder.finish([source], [output]))


def test_an_operator_that_no_fast_kernel_covers_is_named():
    engine = compiled(conv_2d(3, "i1", dilated=True))
    assert engine.sources.portable == "CONV_2D (operator 0)"
    assert compiled(conv_2d(0, "i1")).sources.portable == ""


def test_on_the_host_the_kernels_are_the_reference():
    assert compiled(shared_data(MICRO_SPEECH).read_bytes()).names == (b"codegen", b"reference")


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
    for folder in (tmp_path / "first", tmp_path / "second"):
        staged_engine(shared_data(DS_CNN).read_bytes(), folder)
        texts.append({path.name: path.read_bytes() for path in sorted(folder.glob("*.*"))})
    assert texts[0] == texts[1]


def test_inferences_are_independent():
    engine = compiled(shared_data(DS_CNN).read_bytes())
    inputs = engine.inputs(5)
    np.testing.assert_array_equal(engine.run(inputs)[::-1], engine.run(inputs[::-1]))


@pytest.mark.parametrize("engine", [None, SMALL], ids=["fast", "small"])
@pytest.mark.parametrize("name", [MICRO_SPEECH, DS_CNN])
def test_sources_compile_for_the_board_without_a_warning_or_a_heap(name, engine, tmp_path):
    staged_engine(shared_data(name).read_bytes(), tmp_path, engine)
    compiled = tmp_path / "engine.o"
    compile_for_board(f"-I{tmp_path}", "-c", tmp_path / "engine.cpp", "-o", compiled)
    assert set(symbols_of(compiled, "--undefined-only")) - {"U"} <= {"memset", "memcpy", "memmove"}
