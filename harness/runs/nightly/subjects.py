"""What of a run is measured in blocks: the image of each model that is sound, and its golden input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from harness.measure.block import Subject, image_sha256
from harness.measure.parity import CLIP_SAMPLES
from harness.runs.night import Night
from harness.stats.matching import is_keyword
from models.reference import ReferenceModel

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact


def subjects_of(night: Night, models: Iterable[ModelArtifact]) -> dict[str, Subject]:
    """The images that are timed, by the ids of their models; the images come from the store.

    A model with a fault is not: where the chain of trust breaks, a time means nothing.
    """
    found = {}
    for model in models:
        if model.deployable and not night.row(model.id).faults:
            firmware = night.firmware(model)
            sha256 = image_sha256(firmware.image)
            found[model.id] = Subject(model.id, firmware, sha256, _golden(night, model))
    return found


def _golden(night: Night, model: ModelArtifact) -> np.ndarray | bytes:
    """One second of the first keyword among the recordings; for what does not hear, noise of a fixed seed."""
    reference = ReferenceModel(model.tflite)
    if not reference.takes_micro_features:
        generator = np.random.default_rng(0)
        if reference.input_type == np.int8:
            return generator.integers(-128, 128, reference.input_shape, np.int8).tobytes()
        return generator.standard_normal(reference.input_shape, np.float32).tobytes()
    recordings = night.sounds(model.labels)[0].recordings
    first = next((recording for recording in recordings if is_keyword(recording.label)), recordings[0])
    return first.samples[:CLIP_SAMPLES]
