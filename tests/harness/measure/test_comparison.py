"""Comparison of a board's outputs with the reference kernels', where they cannot be compared."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_device import Behavior, SimulatedDevice
from small_models import classifier

from harness.errors import AccuracyFailed
from harness.link.dut import DeviceUnderTest
from harness.link.serial_link import SerialLink
from harness.measure.conformance import check_conformance, largest_difference
from models.reference import ReferenceModel


@pytest.mark.parametrize(
    ("results", "match"),
    [
        ("nan,0.5,0.5,0.0", r"not finite numbers: nan, 0\.5, 0\.5, 0 \(clip 0\)"),
        ("inf,0.5,0.5,0.0", "not finite numbers: inf"),
        ("0.5,0.5,0.0", "3 instead of 4 outputs"),
        ("0.2,0.2,0.2,0.2,0.2", "5 instead of 4 outputs"),
        ("0.25", "1 instead of 4 outputs"),
    ],
)
def test_outputs_that_cannot_be_compared_are_refused(tmp_path, results, match):
    reference = ReferenceModel(classifier(tmp_path / "model.tflite"))
    device = SimulatedDevice(Behavior(results=results, at_boot=False))
    link = SerialLink(device.path, tmp_path / "log")
    try:
        with pytest.raises(AccuracyFailed, match=match):
            check_conformance(DeviceUnderTest(link), reference, (), np.zeros((1, 40), "i1"))
    finally:
        link.close()
        device.close()


def test_outputs_that_are_no_numbers_come_with_what_the_board_printed(tmp_path):
    reference = ReferenceModel(classifier(tmp_path / "model.tflite"))
    lines = [b"Hybrid models are not supported.", b"m-results-[nan,nan,nan,nan]", b"m-ready"]
    device = SimulatedDevice(Behavior(lines={"infer": lines}, at_boot=False))
    link = SerialLink(device.path, tmp_path / "log")
    try:
        with pytest.raises(AccuracyFailed, match=r'\(clip 0: the board printed "Hybrid models are not'):
            check_conformance(DeviceUnderTest(link), reference, (), np.zeros((1, 40), "i1"))
    finally:
        link.close()
        device.close()


def test_a_model_whose_own_outputs_are_no_numbers_is_refused():
    with pytest.raises(AccuracyFailed, match="the model's own outputs are not finite numbers: nan, 1"):
        largest_difference(np.array([0.0, 1.0]), np.array([np.nan, 1.0]))
