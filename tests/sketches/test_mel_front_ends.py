"""The board's mel front ends compared with the host's: every value of every slice, and the model's input."""

from __future__ import annotations

import subprocess
import sys
import zlib

import numpy as np
import pytest
from host_library import LIBRARIES, STORE
from host_sketch import HostSketch, sketch_library
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import shared_data
from sounds import SOUNDS
from test_listener import stream
from tiny_engine import TinyEngine, tiny_model

from harness.boards.emulated import EmulatedBoard
from harness.firmware.codegen import CodegenEngine
from harness.layout import ROOT
from harness.link.events import Inference
from harness.measure.streaming import streaming_scores, streaming_slices
from models.data.features import feature_crc
from models.data.front_ends import load_front_end
from models.pipeline import external
from models.reference import ReferenceModel
from models.store import Store

SCALE, ZERO_POINT = 26 / 256, -128  # of the tiny model's input
NAMES = ["mfcc", "log_mel"]


@pytest.fixture(params=[(name, precision) for name in NAMES for precision in ("int8", "float32")])
def hearing(request):
    """A front end, the precision of a model, and a sketch that hears with them."""
    name, precision = request.param
    front_end = load_front_end(name)
    with HostSketch(sketch_library(precision, elements=front_end.size, front_end=name)) as sketch:
        sketch.begin()
        yield front_end, precision, sketch


def clip_answers(sketch: HostSketch, audio: np.ndarray) -> list[str]:
    data = audio.astype("<i2").tobytes()
    sketch.send(f"clip load {len(data)}%")
    for begin in range(0, len(data), 512):
        answer = sketch.send(f"db {data[begin : begin + 512].hex()}%")
    return [*answer, *sketch.send("input%")]


def crc_of_input(front_end, precision: str, slices: np.ndarray) -> int:
    window = front_end.window(np.concatenate([np.tile(front_end.silence(), (49, 1)), slices])[-49:])
    values = (
        front_end.quantize(window, SCALE, ZERO_POINT) if precision == "int8" else front_end.values(window)
    )
    return zlib.crc32(values.tobytes())


@pytest.mark.parametrize("name", SOUNDS)
def test_a_clip_equals_the_host(hearing, name):
    front_end, precision, sketch = hearing
    slices = front_end.slices(SOUNDS[name])
    crc = crc_of_input(front_end, precision, slices)
    assert clip_answers(sketch, SOUNDS[name]) == [
        f"m-features-crc-{feature_crc(slices):08X}",
        "m-load-done",
        "m-ready",
        f"m-input-crc-{crc:08X}",
        "m-ready",
    ]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), loudest=st.integers(0, 32767), slices=st.integers(1, 60))
def test_noise_of_any_level_equals_the_host(name, seed, loudest, slices):
    front_end = load_front_end(name)
    audio = np.random.default_rng(seed).integers(-loudest - 1, loudest + 1, 160 + 320 * slices)
    audio = audio.astype(np.int16)
    expected = front_end.slices(audio)
    crc = crc_of_input(front_end, "int8", expected)
    with HostSketch(sketch_library(elements=front_end.size, front_end=name)) as sketch:
        sketch.begin()
        answers = clip_answers(sketch, audio)
    assert answers[0] == f"m-features-crc-{feature_crc(expected):08X}"
    assert answers[3] == f"m-input-crc-{crc:08X}"


@pytest.mark.parametrize("name", NAMES)
def test_a_listening_sketch_sees_the_host_s_window_after_every_slice(name):
    front_end = load_front_end(name)
    audio = np.concatenate([SOUNDS["soft noise"], np.zeros(8000, np.int16), SOUNDS["loud noise"] // 3])
    slices = streaming_slices(front_end, audio)
    expected = []
    for number in range(1, len(slices) - 48):
        window = front_end.window(slices[number : number + 49])
        values = front_end.quantize(window, SCALE, ZERO_POINT).reshape(-1).astype(int)
        expected.append(tuple(values[label::4].max() + 128 for label in range(4)))
    with HostSketch(sketch_library(elements=front_end.size, front_end=name)) as sketch:
        sketch.begin()
        heard = [one for one in stream(sketch, audio) if isinstance(one, Inference)]
    ends = np.cumsum([one.new_slices for one in heard])
    assert [tuple(one.scores) for one in heard] == [expected[end - 1] for end in ends]


@pytest.mark.emulated
@pytest.mark.parametrize("name", NAMES)
def test_the_emulated_board_computes_the_same(name, tmp_path):
    front_end = load_front_end(name)
    model = tiny_model(
        tmp_path / "model",
        elements=front_end.size,
        front_end=name,
        front_end_library=front_end.module.LIBRARY,
    )
    with EmulatedBoard(STORE) as board:
        board.upload(board.build(model, TinyEngine()))
        device = board.open(tmp_path / "transcript")
        unequal = [
            sound
            for sound, audio in SOUNDS.items()
            if device.load_clip(audio) != feature_crc(front_end.slices(audio))
        ]
    assert unequal == []


@pytest.mark.parametrize(
    "tables",
    ["EarshotMel/src/mel_tables.h", "EarshotMfcc/src/mfcc_tables.h", "EarshotLogMel/src/log_mel_tables.h"],
)
def test_the_committed_tables_match_their_generator(tables):
    name = tables.rpartition("/")[2].removesuffix("_tables.h")
    generator = LIBRARIES / "EarshotMel" / "make_tables.py"
    printed = subprocess.run(
        [sys.executable, str(generator), name], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert (LIBRARIES / tables).read_text() == printed


@pytest.mark.slow
@pytest.mark.emulated
def test_the_published_model_hears_the_host_s_scores_on_the_emulated_board(tmp_path):
    labels = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown")
    file = shared_data("kws_ref_model.tflite")
    model = external(file, labels, Store(tmp_path / "store"), front_end_name="mfcc")
    reference = ReferenceModel(model.tflite, model.front_end)
    sound = np.concatenate([SOUNDS["soft noise"], SOUNDS["noise that swells"], np.zeros(8000, np.int16)])
    with EmulatedBoard(STORE) as board:
        board.upload(board.build(model, CodegenEngine()))
        device = board.open(tmp_path / "transcript")
        events = device.listen(lambda: board.listen(sound))
        heard = [event for event in events if isinstance(event, Inference)]
    expected = streaming_scores(reference, streaming_slices(reference.front_end, sound))
    ends = np.cumsum([one.new_slices for one in heard])
    assert [list(one.scores) for one in heard] == expected[ends - 1].tolist()
    assert len({tuple(one.scores) for one in heard}) > 5
