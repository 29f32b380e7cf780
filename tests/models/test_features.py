"""The features: what is made of the front end's integers, and the cache of a dataset's features."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data.dataset import DatasetConfig
from models.data.features import (
    feature_crc,
    feature_divisor,
    feature_sets,
    float_features,
    micro_features,
    quantize_features,
)
from models.data.wav import write_wav
from models.store import Store


def test_a_second_has_49_slices_of_40_channels():
    features = micro_features(np.zeros(16_000, np.int16))
    assert features.shape == (49, 40)
    assert features.dtype == np.uint16


@pytest.mark.parametrize("audio", [np.zeros(479, np.int16), np.zeros(16_000), np.zeros((2, 480), np.int16)])
def test_audio_of_another_kind_is_refused(audio):
    with pytest.raises(ValueError, match="int16"):
        micro_features(audio)


def test_every_call_starts_afresh():
    audio = np.random.default_rng(0).integers(-9000, 9000, 16_000).astype(np.int16)
    np.testing.assert_array_equal(micro_features(audio), micro_features(audio))


def test_float_features_are_tens_of_256ths():
    np.testing.assert_array_equal(float_features(np.array([0, 256, 666], np.uint16)), [0, 10, 26.015625])


def test_at_the_classic_scale_the_classic_formula_comes_out():
    features = np.arange(0, 1200, dtype=np.uint16)
    classic = np.clip((features.astype(np.int64) * 256 + 333) // 666 - 128, -128, 127)
    assert feature_divisor(26 / 256) == 666
    np.testing.assert_array_equal(quantize_features(features, 26 / 256, -128), classic)


@given(feature=st.integers(0, 65535), scale=st.floats(0.01, 1.0), zero_point=st.integers(-128, 127))
def test_quantized_features_are_near_the_real_quotient(feature, scale, zero_point):
    quantized = int(quantize_features(np.array([feature], np.uint16), scale, zero_point)[0])
    real = feature * 10 / 256 / scale + zero_point
    # The divisor is a whole number: 0.5 of at least 65 of it.
    slack = 0.51 + abs(real - zero_point) * 0.5 / (scale * 6553.6 - 0.5)
    assert abs(quantized - min(max(real, -128), 127)) <= slack


def test_the_checksum_is_crc_32_of_little_endian_words():
    features = np.array([[1, 2], [0x1234, 65535]], np.uint16)
    assert feature_crc(features) == zlib.crc32(bytes([1, 0, 2, 0, 0x34, 0x12, 255, 255]))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("dataset")
    generator = np.random.default_rng(0)
    for word in ("yes", "no", "cat"):
        (root / word).mkdir()
        for number in range(30):
            samples = generator.integers(-3000, 3000, 16_000).astype(np.int16)
            write_wav(root / word / f"{number:08x}_nohash_0.wav", samples)
    (root / "_background_noise_").mkdir()
    write_wav(root / "_background_noise_" / "n.wav", generator.integers(-900, 900, 20_000).astype(np.int16))
    return root


def test_the_features_of_a_test_clip_are_those_of_its_file(dataset, tmp_path):
    from models.data.wav import read_wav

    sets = feature_sets(dataset, DatasetConfig(), Store(tmp_path), progress=False)
    features, labels = sets.split("testing")
    place = next(place for place, label in enumerate(labels) if label >= 2)
    samples, _ = read_wav(dataset / sets.clips("testing")[place])
    np.testing.assert_array_equal(features[place], micro_features(samples))


def test_the_training_set_has_as_many_copies_as_asked_for(dataset, tmp_path):
    store = Store(tmp_path)
    once, thrice = (
        len(feature_sets(dataset, DatasetConfig(copies=copies), store, progress=False).split("training")[1])
        for copies in (1, 3)
    )
    assert thrice == 3 * once


def test_features_are_computed_once_until_the_dataset_changes(dataset, tmp_path):
    store, config = Store(tmp_path), DatasetConfig(copies=1)
    first = feature_sets(dataset, config, store, progress=False)
    assert feature_sets(dataset, config, store, progress=False).path == first.path
    write_wav(dataset / "yes" / "0000ffff_nohash_0.wav", np.zeros(16_000, np.int16))
    assert feature_sets(dataset, config, store, progress=False).path != first.path
