"""The MFCC front end compared with TensorFlow's ops as MLPerf Tiny's reference calls them."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from shared_data import shared_data

from models.data import mel
from models.data.front_ends import load_front_end
from models.log_filter import quiet_tensorflow
from models.reference import ReferenceModel

TOLERANCE = 0.2
"""Of a coefficient: a third of a step of the published model's input. 99 % of clips stay below 0.04."""
MFCC = load_front_end("mfcc")


def of_tensorflow(audio: np.ndarray) -> np.ndarray:
    """Compute the MFCC of mlcommons/tiny's keyword_spotting/get_dataset.py, float32 (49, 10)."""
    quiet_tensorflow()
    import tensorflow as tf

    wave = tf.cast(audio, tf.float32)
    wave = wave / tf.reduce_max(wave)
    spectra = tf.abs(
        tf.signal.stft(
            wave, frame_length=480, frame_step=320, fft_length=None, window_fn=tf.signal.hann_window
        )
    )
    weights = tf.signal.linear_to_mel_weight_matrix(40, spectra.shape[-1], 16_000, 20.0, 4000.0)
    logarithms = tf.math.log(tf.tensordot(spectra, weights, 1) + 1e-6)
    return tf.signal.mfccs_from_log_mel_spectrograms(logarithms)[..., :10].numpy()


def clips(most: int) -> list[np.ndarray]:
    """Return people's recordings as clips of a second, from all words evenly."""
    folder = shared_data("people/README.md").parent
    paths = sorted(path for path in folder.glob("*/*.flac") if path.parent.name != "_background_noise_")
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, most).astype(int)]
    found = []
    for path in chosen:
        samples, rate = soundfile.read(path, dtype="int16")
        assert rate == 16_000
        found.append(np.pad(samples, (0, max(0, 16_000 - len(samples))))[:16_000])
    return found


@pytest.fixture(scope="module")
def heard() -> list[np.ndarray]:
    return clips(120)


def test_coefficients_are_tensorflow_s_within_the_tolerance(heard):
    early = [clip for clip in heard if clip.argmax() < 15_840]  # the loudest sample lies in a slice
    assert len(early) > 100
    apart = [np.abs(of_tensorflow(clip) - MFCC.values(MFCC.features(clip))).max() for clip in early]
    assert max(apart) < TOLERANCE


def test_no_label_of_the_published_model_changes(heard):
    model = ReferenceModel(shared_data("kws_ref_model.tflite"), "mfcc")
    scale, zero_point = model.input_quantization

    def label(tensor: np.ndarray) -> int:
        return int(model.raw_output(tensor.reshape(model.input_shape)).argmax())

    changed = []
    for number, clip in enumerate(heard):
        exact = np.clip(np.round(of_tensorflow(clip) / scale) + zero_point, -128, 127).astype(np.int8)
        if label(exact) != label(model.tensor_of(MFCC.features(clip))):
            changed.append(number)
    assert changed == []


def test_silence_is_tensorflow_s():
    clip = np.concatenate([np.zeros(8000), clips(1)[0][4000:12_000]]).astype(np.int16)
    np.testing.assert_allclose(MFCC.values(MFCC.features(clip))[:20], of_tensorflow(clip)[:20], atol=0.01)


@pytest.mark.parametrize("factor", [0.5, 0.1, 0.02])
def test_the_level_of_a_clip_does_not_matter(factor):
    rng = np.random.default_rng(1)
    clip = rng.normal(0, 3000, 16_000)
    loud, soft = (MFCC.values(MFCC.features((clip * f).astype(np.int16))) for f in (1, factor))
    np.testing.assert_allclose(soft, loud, atol=0.6)


def test_the_logarithm_is_that_of_the_integer():
    values = np.array([1, 2, 3, 77, 2**20 - 1, 2**40 + 12_345, 2**63 - 1], np.uint64)
    np.testing.assert_allclose(mel.log2(values) / 2**16, np.log2(values.astype(float)), atol=3e-5)
