"""Timing on the host in a process of its own."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import classifier

from harness.errors import EarshotError
from harness.measure.host_process import HostProcess
from models.pipeline import external
from models.store import Store


@pytest.fixture
def model(tmp_path):
    return external(classifier(tmp_path / "a.tflite"), list("abcd"), Store(tmp_path / "home"))


def test_a_model_is_timed_and_a_failure_passes_through(model):
    with HostProcess() as host:
        with pytest.raises(ValueError, match="the model takes"):
            host.time_host(model, np.zeros(490, np.float32))
        rows = host.time_host(model, np.zeros(model.input["shape"], np.int8))
    assert {row.runtime for row in rows} == {"tflite"}
    assert all(row.median_us for row in rows)


def test_a_killed_process_is_a_failure(model):
    with HostProcess() as host:
        host._process.kill()
        with pytest.raises(EarshotError, match="killed"):
            host.time_host(model, np.zeros(model.input["shape"], np.int8))
