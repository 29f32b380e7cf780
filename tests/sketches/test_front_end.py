"""The board's front end compared with TensorFlow's."""

from __future__ import annotations

import ctypes
import math
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from host_library import LIBRARIES, host_library
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shared_data import shared_data
from sounds import CLIP, SOUNDS, noise

from harness.layout import RECORDINGS
from models.data.features import micro_features

LIBRARY = LIBRARIES / "EarshotFrontEnd"


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    return host_library(Path(__file__).with_name("front_end_host.cpp"), LIBRARY / "src")


def on_board(library: ctypes.CDLL, audio: np.ndarray, piece: int = CLIP, reset: bool = True) -> np.ndarray:
    """Return the slices completed by `audio` (int16): uint16 (slices, 40)."""
    if reset:
        library.front_end_reset()
    audio = np.ascontiguousarray(audio)
    slices = np.empty((len(audio) // 320 + 2, 40), np.uint16)
    written = library.front_end_feed(
        ctypes.c_void_p(audio.ctypes.data), len(audio), piece, ctypes.c_void_p(slices.ctypes.data)
    )
    return slices[:written]


def recording(path: Path) -> np.ndarray:
    with wave.open(str(path)) as stream:
        assert (stream.getframerate(), stream.getnchannels(), stream.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(stream.readframes(stream.getnframes()), "<i2").astype(np.int16)


@pytest.mark.parametrize("name", SOUNDS)
def test_a_clip_equals_tensorflow(library, name):
    np.testing.assert_array_equal(on_board(library, SOUNDS[name]), micro_features(SOUNDS[name]))


@pytest.mark.parametrize("word", ["yes", "no"])
def test_a_human_word_equals_tensorflow(library, word):
    audio = recording(shared_data(f"micro_speech_{word}_1000ms.wav"))
    features = micro_features(audio)
    assert features.shape == (49, 40)
    np.testing.assert_array_equal(on_board(library, audio), features)


def test_every_recording_equals_tensorflow(library):
    paths = sorted(RECORDINGS.rglob("*.wav"))
    if not paths:
        pytest.skip("recordings/ holds no recordings")
    for path in paths:
        audio = recording(path)
        np.testing.assert_array_equal(on_board(library, audio), micro_features(audio), err_msg=str(path))


@settings(max_examples=150)
@given(arrays(np.int16, st.integers(480, 3000), elements=st.integers(-32768, 32767)))
def test_any_audio_equals_tensorflow(library, audio):
    np.testing.assert_array_equal(on_board(library, audio), micro_features(audio))


@settings(max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.lists(st.integers(0, 32_767), min_size=1, max_size=25),
    stretch=st.integers(1, 2000),
)
def test_noise_of_any_loudness_equals_tensorflow(library, seed, steps, stretch):
    loudness = np.repeat(steps, stretch)[:CLIP]
    audio = np.random.default_rng(seed).normal(0, 1, max(480, len(loudness)))
    audio[: len(loudness)] *= loudness
    audio = np.clip(audio, -32768, 32767).astype(np.int16)
    np.testing.assert_array_equal(on_board(library, audio), micro_features(audio))


@pytest.mark.parametrize("piece", [1, 7, 256, 320, 479])
def test_pieces_of_any_size_give_the_same_slices(library, piece):
    audio = SOUNDS["noise that swells"]
    np.testing.assert_array_equal(on_board(library, audio, piece), on_board(library, audio))


def test_streaming_equals_tensorflow_over_one_long_array(library):
    audio = np.concatenate(
        [SOUNDS["loud noise"], SOUNDS["silence"], SOUNDS["440 Hz at 40000"], SOUNDS["soft noise"]]
    )
    library.front_end_reset()
    parts = [on_board(library, part, 256, reset=False) for part in np.split(audio, [5, 481, 16_000, 40_001])]
    np.testing.assert_array_equal(np.concatenate(parts), micro_features(audio))


def test_a_reset_discards_all_sound(library):
    on_board(library, noise(7, 32_767, 5_003))
    np.testing.assert_array_equal(
        on_board(library, SOUNDS["soft noise"]), micro_features(SOUNDS["soft noise"])
    )


@example(2**32 - 1)
@example(0xFFFF**2 + 0xFFFF + 1)
@example(2**32)
@given(st.integers(0, 2**56 - 1) | st.integers(0, 2**28).map(lambda root: root * root))
def test_the_root_is_rounded(library, value):
    library.front_end_root.argtypes, library.front_end_root.restype = [ctypes.c_uint64], ctypes.c_uint32
    root = math.isqrt(value)
    if value - root * root > root and not (value < 2**32 and root == 0xFFFF):
        root += 1
    assert library.front_end_root(value) == root


def test_the_committed_tables_match_their_generator():
    generator = LIBRARY / "make_tables.py"
    printed = subprocess.run(
        [sys.executable, str(generator)], capture_output=True, text=True, check=True
    ).stdout
    assert (LIBRARY / "src" / "tables.h").read_text() == printed
