"""The rules of MLPerf Tiny's keyword benchmark, on a simulated device that takes 1 ms an inference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from simulated_device import Behavior, SimulatedDevice
from small_models import classifier

from harness.errors import AccuracyFailed, ProtocolError
from harness.link.dut import DeviceUnderTest
from harness.link.serial_link import SerialLink
from harness.measure.mlperf import measure_accuracy, measure_performance
from harness.measure.mlperf_files import InputFile
from models.reference import ReferenceModel

LABELS = ("silence", "unknown", "yes", "no")


@contextmanager
def device(tmp_path, **behavior) -> Iterator[tuple[SimulatedDevice, DeviceUnderTest]]:
    simulated = SimulatedDevice(Behavior(at_boot=False, **behavior))
    link = SerialLink(simulated.path, tmp_path / "transcript.log")
    try:
        yield simulated, DeviceUnderTest(link)
    finally:
        link.close()
        simulated.close()


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> ReferenceModel:
    return ReferenceModel(classifier(tmp_path_factory.mktemp("model") / "model.tflite"))


def files(*labels: int | None) -> list[InputFile]:
    return [InputFile(f"{n}.bin", bytes([n]) * 40, label) for n, label in enumerate(labels)]


def printed(reference: ReferenceModel, tensor: bytes) -> str:
    values = np.frombuffer(tensor, np.int8).reshape(reference.input_shape)
    return ",".join(f"{value:.8f}" for value in reference.probabilities(values))


def test_each_file_is_inferred_once(reference, tmp_path):
    same = [InputFile(f"{n}.bin", bytes(40), label) for n, label in enumerate((0, 1, 1))]
    with device(tmp_path, results=printed(reference, bytes(40))) as (simulated, board):
        counts = measure_accuracy(board, reference, same, LABELS)
    best = int(reference.probabilities(np.zeros(reference.input_shape, np.int8)).argmax())
    assert [(one.correct, one.total) for one in counts] == [
        (total * (label == best), total) for label, total in enumerate((1, 2, 0, 0))
    ]
    assert [one for one in simulated.commands if one.startswith("infer")] == ["infer 1 0"] * 3


def test_random_inputs_have_no_accuracy(reference, tmp_path):
    tensor = files(None)[0].tensor
    with device(tmp_path, results=printed(reference, tensor)) as (_, board):
        assert measure_accuracy(board, reference, files(None), LABELS) == []


def test_a_board_that_differs_from_the_reference_is_not_timed(reference, tmp_path):
    with (
        device(tmp_path, results="0.9,0.1,0.0,0.0") as (_, board),
        pytest.raises(AccuracyFailed, match=r"differs from the reference.*0\.bin"),
    ):
        measure_accuracy(board, reference, files(0), LABELS)


def test_five_windows_last_at_least_10_s_each_on_the_next_file(tmp_path):
    with device(tmp_path) as (simulated, board):
        windows = measure_performance(board, files(0, 1, 2))
    assert [window.file for window in windows] == ["0.bin", "1.bin", "2.bin", "0.bin", "1.bin"]
    assert all(window.taken_us >= 10_000_000 for window in windows)
    assert [window.inference_us for window in windows] == [1000] * 5
    asked = [one for one in simulated.commands if one.startswith("infer")]
    assert asked == ["infer 1 10", *["infer 10200 10"] * 5]


def test_a_board_in_energy_mode_is_refused(tmp_path):
    lines = [b"m-infer-done", b"m-results-[1.0]", b"m-ready"]
    with (
        device(tmp_path, lines={"infer": lines}) as (_, board),
        pytest.raises(ProtocolError, match="no two times"),
    ):
        measure_performance(board, files(0))
