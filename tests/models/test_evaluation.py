"""Evaluation of .tflite files."""

from __future__ import annotations

import numpy as np
import pytest
from shared_data import shared_data

from models import evaluation
from models.data import wav
from models.data.features import micro_features
from models.evaluation import count_correct, outputs_of, predictions_of
from models.tflite import read_tflite


@pytest.mark.parametrize(("word", "label"), [("yes", 2), ("no", 3)])
def test_micro_speech_recognizes_a_person(word, label):
    """The front end's integers, their quantization and the kernels together, on a model known to work."""
    samples, _ = wav.read_wav(shared_data(f"micro_speech_{word}_1000ms.wav"))
    features = micro_features(samples)
    scores = outputs_of(shared_data("micro_speech_quantized.tflite"), features[np.newaxis])
    assert (scores.shape, scores.dtype) == ((1, 4), np.int8)
    assert scores[0].argmax() == label


def test_reference_kernels_decide_only_where_two_outputs_are_close(monkeypatch):
    tflite = shared_data("micro_speech_quantized.tflite")
    clips = np.random.default_rng(0).integers(0, 700, (60, 49, 40)).astype(np.uint16)
    spoken = shared_data("micro_speech_yes_1000ms.wav"), shared_data("micro_speech_no_1000ms.wav")
    clips[:2] = [micro_features(wav.read_wav(path)[0]) for path in spoken]
    right = outputs_of(tflite, clips).argmax(1)
    referred = []

    def counted(path, features, front_end):
        referred.append(len(features))
        return outputs_of(path, features, front_end)

    monkeypatch.setattr(evaluation, "outputs_of", counted)
    assert predictions_of(tflite, read_tflite(tflite), clips).tolist() == right.tolist()
    assert 0 < sum(referred) < len(clips)


def test_correct_clips_are_counted_per_label():
    names = ("silence", "unknown", "yes", "no")
    heard, labels = np.array([0, 1, 2, 2, 3]), np.array([0, 2, 2, 2, 2])
    counts = count_correct(heard, labels, names)
    assert [(count.label, count.correct, count.total) for count in counts] == [
        ("silence", 1, 1),
        ("unknown", 0, 0),
        ("yes", 2, 4),
        ("no", 0, 0),
    ]
