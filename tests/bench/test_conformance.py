"""Conformance of the board: its features and outputs equal those of the host's oracles."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from harness.layout import RECORDINGS
from harness.measure.conformance import FLOAT_TOLERANCE
from harness.sound.recording_scan import read_recordings
from models.data.features import feature_crc
from models.reference import ReferenceModel


def test_the_front_end_equals_the_oracle_in_every_feature_of_every_recording(link, model):
    reference, unequal = ReferenceModel(model.tflite, model.front_end), []
    for recording in read_recordings(RECORDINGS, model.labels).recordings:
        if link.load_clip(recording.samples) != feature_crc(reference.front_end.slices(recording.samples)):
            unequal.append(recording.source)
    assert unequal == []


def test_the_model_input_is_made_of_the_features_as_on_the_host(link, model):
    reference = ReferenceModel(model.tflite, model.front_end)
    recording = read_recordings(RECORDINGS, model.labels).recordings[0]
    link.load_clip(recording.samples)
    expected = reference.tensor_of(reference.front_end.features(recording.samples))
    assert link.input_crc() == zlib.crc32(expected.tobytes())


def test_the_output_equals_the_reference_kernels_on_200_test_clips(link, model):
    reference = ReferenceModel(model.tflite, model.front_end)
    clips = np.load(model.clips)["features"][:200]
    assert len(clips) == 200
    # 8 decimals are printed: half a step of an int8 output tells its neighbors apart.
    limit = reference.output_step / 2 or FLOAT_TOLERANCE
    for number, clip in enumerate(clips):
        tensor = reference.tensor_of(clip)
        link.load(tensor.tobytes())
        assert link.infer().results == pytest.approx(reference.probabilities(tensor), abs=limit, rel=0), (
            number
        )
