from __future__ import annotations

import pytest
from measured_models import build, small_model

from harness.firmware.firmware import Firmware
from models.model_artifact import ModelArtifact


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> ModelArtifact:
    """A model that hears."""
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def firmware(model) -> Firmware:
    return build(model)
