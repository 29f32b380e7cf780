"""The board's front end equals TensorFlow's op in every feature."""

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

from harness.layout import RECORDINGS
from models.features import micro_features

LIBRARY = LIBRARIES / "EarshotFrontEnd"
CLIP = 16_000


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    return host_library(Path(__file__).with_name("front_end_host.cpp"), LIBRARY / "src")


def on_board(library: ctypes.CDLL, audio: np.ndarray, piece: int = CLIP, reset: bool = True) -> np.ndarray:
    """The slices that `audio` (int16) completes, uint16 (slices, 40)."""
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


def tone(hertz: float, amplitude: float, count: int = CLIP) -> np.ndarray:
    phase = 2 * np.pi * hertz / 16_000 * np.arange(count)
    return np.clip(np.round(amplitude * np.sin(phase)), -32768, 32767).astype(np.int16)


def noise(seed: int, amplitude: int, count: int = CLIP) -> np.ndarray:
    return np.random.default_rng(seed).integers(-amplitude, amplitude, count, np.int16, endpoint=True)


SOUNDS = {
    "silence": np.zeros(CLIP, np.int16),
    "highest": np.full(CLIP, 32767, np.int16),
    "lowest": np.full(CLIP, -32768, np.int16),
    "square wave": np.where(np.arange(CLIP) % 16 < 8, 32767, -32768).astype(np.int16),
    "slow square wave": np.where(np.arange(CLIP) % 512 < 256, 32767, -32768).astype(np.int16),
    "a click": np.where(np.arange(CLIP) % 4000 == 240, -32768, 0).astype(np.int16),
    "the quietest click": np.where(np.arange(CLIP) % 4000 == 240, 1, 0).astype(np.int16),
    "faint noise": noise(1, 1),
    "soft noise": noise(2, 50),
    "loud noise": noise(3, 8_000),
    "the loudest noise": noise(4, 32_767),
    "noise that swells": (noise(5, 32_767) * np.linspace(0, 1, CLIP) ** 4).astype(np.int16),
    "noise that stops": np.concatenate([noise(6, 30_000, CLIP // 2), np.zeros(CLIP // 2, np.int16)]),
    **{
        f"{hertz} Hz at {amplitude}": tone(hertz, amplitude)
        for hertz in (40, 440, 3150, 7900)
        for amplitude in (3, 40_000)
    },
}


@pytest.mark.parametrize("name", SOUNDS)
def test_a_clip_equals_the_oracle(library, name):
    np.testing.assert_array_equal(on_board(library, SOUNDS[name]), micro_features(SOUNDS[name]))


@pytest.mark.parametrize("word", ["yes", "no"])
def test_a_human_word_equals_the_oracle(library, word):
    audio = recording(shared_data(f"micro_speech_{word}_1000ms.wav"))
    features = micro_features(audio)
    assert features.shape == (49, 40)
    np.testing.assert_array_equal(on_board(library, audio), features)


def test_every_recording_equals_the_oracle(library):
    paths = sorted(RECORDINGS.rglob("*.wav"))
    if not paths:
        pytest.skip("recordings/ holds no recordings")
    for path in paths:
        audio = recording(path)
        np.testing.assert_array_equal(on_board(library, audio), micro_features(audio), err_msg=str(path))


@settings(deadline=None, max_examples=150)
@given(arrays(np.int16, st.integers(480, 3000), elements=st.integers(-32768, 32767)))
def test_any_audio_equals_the_oracle(library, audio):
    np.testing.assert_array_equal(on_board(library, audio), micro_features(audio))


def overflowing(frequency_bin: int, level: int) -> np.ndarray:
    """A window that is all +-level behind the Hann window, with the signs of one bin of the complex FFT.

    The real part of that bin comes to 4 / pi * 240 / 256 of the largest input, which is past 16 bits.
    """
    phase = 2 * np.pi * frequency_bin * np.arange(240) / 256
    pairs = np.stack([np.cos(phase) >= 0, np.sin(phase) >= 0], axis=-1).reshape(480)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(480) + 0.5) / 480)
    levels = np.where(pairs, level, -level) / np.maximum(hann, 1e-3)
    return np.clip(np.round(levels), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("frequency_bin", [7, 33, 60, 129, 250])
def test_an_fft_that_overflows_equals_the_oracle(library, frequency_bin):
    for level in (1000, 2000, 4000):
        audio = overflowing(frequency_bin, level)
        np.testing.assert_array_equal(on_board(library, audio), micro_features(audio))


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.lists(st.integers(0, 32_767), min_size=1, max_size=25),
    stretch=st.integers(1, 2000),
)
def test_noise_of_any_loudness_equals_the_oracle(library, seed, steps, stretch):
    loudness = np.repeat(steps, stretch)[:CLIP]
    audio = np.random.default_rng(seed).normal(0, 1, max(480, len(loudness)))
    audio[: len(loudness)] *= loudness
    audio = np.clip(audio, -32768, 32767).astype(np.int16)
    np.testing.assert_array_equal(on_board(library, audio), micro_features(audio))


@pytest.mark.parametrize("piece", [1, 7, 256, 320, 479])
def test_pieces_of_any_size_give_the_same_slices(library, piece):
    audio = SOUNDS["noise that swells"]
    np.testing.assert_array_equal(on_board(library, audio, piece), on_board(library, audio))


def test_streaming_equals_the_oracle_over_one_long_array(library):
    audio = np.concatenate(
        [SOUNDS["loud noise"], SOUNDS["silence"], SOUNDS["440 Hz at 40000"], SOUNDS["soft noise"]]
    )
    library.front_end_reset()
    parts = [on_board(library, part, 256, reset=False) for part in np.split(audio, [5, 481, 16_000, 40_001])]
    np.testing.assert_array_equal(np.concatenate(parts), micro_features(audio))


def test_a_reset_forgets_all_sound(library):
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


def test_the_committed_tables_are_what_their_generator_prints():
    generator = LIBRARY / "make_tables.py"
    printed = subprocess.run(
        [sys.executable, str(generator)], capture_output=True, text=True, check=True
    ).stdout
    assert (LIBRARY / "src" / "tables.h").read_text() == printed
