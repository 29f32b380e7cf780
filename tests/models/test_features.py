"""Features as models take them, and the cached features of a dataset."""

from __future__ import annotations

import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reported import reported
from small_datasets import tone_dataset

from harness.layout import RECORDINGS
from models.data.dataset import SPLITS, DatasetConfig
from models.data.features import feature_crc, feature_sets, micro_features
from models.data.front_ends import load_front_end
from models.data.wav import read_wav, write_wav
from models.errors import DatasetError
from models.log_filter import quiet_tensorflow
from models.store import Store

MICRO = load_front_end("micro")
RECORDED = RECORDINGS / "yes" / "gene.wav"


def of_tensorflow(audio: np.ndarray) -> np.ndarray:
    """Call TensorFlow's op with the parameters of tensorflow/examples/speech_commands/models.py."""
    quiet_tensorflow()
    import tensorflow
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op

    sound = tensorflow.constant(audio)
    return audio_microfrontend_op.audio_microfrontend(
        sound,
        sample_rate=16_000,
        window_size=30,
        window_step=20,
        num_channels=40,
        upper_band_limit=7500.0,
        lower_band_limit=125.0,
        smoothing_bits=10,
        even_smoothing=0.025,
        odd_smoothing=0.06,
        min_signal_remaining=0.05,
        enable_pcan=True,
        pcan_strength=0.95,
        pcan_offset=80.0,
        gain_bits=21,
        enable_log=True,
        scale_shift=6,
        out_scale=1,
        out_type=tensorflow.uint16,
    ).numpy()


def test_features_are_those_of_tensorflow_s_op():
    random = np.random.default_rng(1)
    sounds = [random.integers(-32768, 32768, size).astype(np.int16) for size in (480, 799, 800, 50_000)]
    sounds += [np.full(16_000, level, np.int16) for level in (-32768, 0, 32767)]
    sounds += [sounds[3][::2], random.normal(0, 30, 16_000).astype(np.int16), read_wav(RECORDED)[0]]
    for sound in sounds:
        np.testing.assert_array_equal(micro_features(sound), of_tensorflow(sound))


def test_features_need_no_tensorflow():
    """It takes 4 s of processor time to import."""
    program = "import sys, numpy; from models.data.features import micro_features as of\n"
    program += "assert of(numpy.zeros(16_000, 'i2')).shape == (49, 40) and 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_float_features_are_multiples_of_10_256ths():
    np.testing.assert_array_equal(MICRO.values(np.array([0, 256, 666], np.uint16)), [0, 10, 26.015625])


def test_the_classic_scale_gives_the_classic_formula():
    features = np.arange(0, 1200, dtype=np.uint16)
    classic = np.clip((features.astype(np.int64) * 256 + 333) // 666 - 128, -128, 127)
    assert MICRO.divisor(26 / 256) == 666
    np.testing.assert_array_equal(MICRO.quantize(features, 26 / 256, -128), classic)


@given(feature=st.integers(0, 65535), scale=st.floats(0.01, 1.0), zero_point=st.integers(-128, 127))
def test_quantized_features_are_near_the_real_quotient(feature, scale, zero_point):
    quantized = int(MICRO.quantize(np.array([feature], np.uint16), scale, zero_point)[0])
    real = feature * 10 / 256 / scale + zero_point
    # The divisor is a whole number: 0.5 of at least 65 of it.
    slack = 0.51 + abs(real - zero_point) * 0.5 / (scale * 6553.6 - 0.5)
    assert abs(quantized - min(max(real, -128), 127)) <= slack


def test_the_checksum_is_crc_32_of_little_endian_words():
    features = np.array([[1, 2], [0x1234, 65535]], np.uint16)
    assert feature_crc(features) == zlib.crc32(bytes([1, 0, 2, 0, 0x34, 0x12, 255, 255]))


def test_feature_sets_are_cached_until_the_dataset_changes(tmp_path):
    dataset, store, config = tone_dataset(tmp_path, speakers=30), Store(tmp_path / "store"), DatasetConfig()
    sets = feature_sets(dataset, config, store)
    features, labels = sets.split("testing")
    place = next(place for place, label in enumerate(labels) if label >= 2)
    samples, _ = read_wav(dataset / sets.clips("testing")[place])
    np.testing.assert_array_equal(features[place], micro_features(samples))

    once = feature_sets(dataset, DatasetConfig(copies=1), store)
    assert len(sets.split("training")[1]) == 3 * len(once.split("training")[1])

    assert feature_sets(dataset, config, store).path == sets.path
    write_wav(dataset / "yes" / "0000ffff_nohash_0.wav", np.zeros(16_000, np.int16))
    assert feature_sets(dataset, config, store).path != sets.path


def test_a_broken_clip_is_left_out_with_a_warning(tmp_path):
    store = Store(tmp_path / "store")
    dataset = tone_dataset(tmp_path, speakers=30)
    whole = feature_sets(dataset, DatasetConfig(copies=1), store)
    broken = next(name for name in whole.clips("training") if name.startswith("yes/"))
    (dataset / broken).write_bytes((dataset / broken).read_bytes()[:9000])
    with reported() as lines:
        rest = feature_sets(dataset, DatasetConfig(copies=1), store)
    assert rest.clips("training") == [name for name in whole.clips("training") if name != broken]
    kept = [name != broken for name in whole.clips("training")]
    for before, after in zip(whole.split("training"), rest.split("training"), strict=True):
        np.testing.assert_array_equal(before[kept], after)
    assert [line for line in lines if "is not used" in line] == [
        f"{broken} is not used: the recording is cut off: it ends after 0.28 of 1.00 s ({dataset})"
    ]


def test_a_sound_under_two_labels_is_left_out(tmp_path):
    dataset = tone_dataset(tmp_path, speakers=30)
    copied = dataset / "yes" / "00000001_nohash_0.wav"
    for name in ("no/00000002_nohash_0.wav", "yes/00000003_nohash_0.wav"):
        (dataset / name).write_bytes(copied.read_bytes())
    sets = feature_sets(dataset, DatasetConfig(copies=1), Store(tmp_path / "store"))
    names = [f"yes/{number:08}_nohash_0.wav" for number in (1, 3)]
    assert [(each.source, each.reason) for each in sets.excluded] == [
        ("no/00000002_nohash_0.wav", f"the same sound has another label as {names[0]}"),
        *((name, "the same sound has another label as no/00000002_nohash_0.wav") for name in names),
    ]
    assert not {each.source for each in sets.excluded} & {
        name for split in SPLITS for name in sets.clips(split)
    }


def test_a_file_of_zero_length_is_left_out(tmp_path):
    dataset = tone_dataset(tmp_path, speakers=30)
    (dataset / "yes" / "00000001_nohash_0.wav").write_bytes(b"")
    sets = feature_sets(dataset, DatasetConfig(copies=1), Store(tmp_path / "store"))
    assert [(each.source, each.reason) for each in sets.excluded] == [
        ("yes/00000001_nohash_0.wav", "the recording cannot be read: the file has 0 bytes")
    ]


def test_only_needed_splits_must_have_keywords(tmp_path):
    dataset, store = tone_dataset(tmp_path, speakers=30), Store(tmp_path / "store")
    names = [f"{word}/{speaker:08x}_nohash_0.wav" for word in ("yes", "no") for speaker in range(30)]
    (dataset / "testing_list.txt").write_text("\n".join(names))
    sets = feature_sets(dataset, DatasetConfig(), store, needed=["testing"])
    assert sets.splits == ("testing",)
    for expected in ("training", "validation"):
        with pytest.raises(DatasetError, match=f"the {expected} split has no recording of a wanted word"):
            feature_sets(dataset, DatasetConfig(), store, needed=[expected])


def test_a_split_without_any_usable_keyword_is_refused(tmp_path):
    dataset = tone_dataset(tmp_path, speakers=30)
    for word in ("yes", "no"):
        for path in (dataset / word).glob("*.wav"):
            path.write_text("no sound")
    with pytest.raises(DatasetError, match=r"no usable recording of a wanted word \((yes|no)/.*Format"):
        feature_sets(dataset, DatasetConfig(copies=1), Store(tmp_path / "store"))
