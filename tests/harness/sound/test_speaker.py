"""Playback into a null sink, and its failures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pulse import DEVICE, NullSink, null_sink
from scipy import signal
from speaker_child import tone

CHILD = Path(__file__).with_name("speaker_child.py")


def start(sink: NullSink, scenario: str, device: str = DEVICE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, CHILD, scenario, device],
        env=os.environ | sink.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def outcome(child: subprocess.Popen[str]) -> dict:
    try:
        return json.loads(child.communicate(timeout=30)[0])
    finally:
        child.kill()


def similarity(captured: np.ndarray, part: np.ndarray) -> tuple[int, float]:
    """Return the position of a sound in a captured one, and the correlation coefficient there."""
    captured, part = captured.astype(float), part.astype(float)
    found = signal.correlate(captured, part, "valid")
    at = int(found.argmax())
    return at, found[at] / np.linalg.norm(part) / np.linalg.norm(captured[at : at + len(part)])


@pytest.fixture(scope="module")
def played(sink) -> tuple[dict, np.ndarray]:
    with sink.listening() as captured:
        result = outcome(start(sink, "whole"))
    return result, np.concatenate(captured)


def test_a_played_sound_arrives_without_a_gap(played):
    sound = tone(2.0)
    starts = [
        similarity(played[1], sound[begin : begin + 4000])[0] - begin for begin in range(0, 32_000, 4000)
    ]
    assert max(starts) - min(starts) <= 1


def test_a_played_sound_arrives_at_its_level(played):
    at, coefficient = similarity(played[1], tone(2.0))
    assert coefficient > 0.98
    level = np.sqrt(np.mean(played[1][at : at + 32_000].astype(float) ** 2))
    assert level == pytest.approx(10_000 / np.sqrt(2), rel=0.03)


def test_the_number_of_played_samples_is_returned(played):
    assert played[0]["samples"] == 32_000


@pytest.mark.parametrize("scenario", ["starving", "stuck"])
def test_a_late_source_is_an_underflow(sink, scenario):
    result = outcome(start(sink, scenario))
    assert result["problem"] == "AcousticFailed"
    assert "the sound was not made in time, after 1.00 s of sound" in result["message"]


def test_an_exception_of_the_source_ends_the_sound_and_is_raised(sink):
    result = outcome(start(sink, "raising"))
    assert (result["problem"], result["message"]) == ("RuntimeError", "the chirp was not heard")


def test_a_block_of_another_type_is_refused(sink):
    assert outcome(start(sink, "bytes_instead"))["problem"] == "TypeError"


def test_a_missing_device_is_refused_with_the_available_ones(sink):
    result = outcome(start(sink, "whole", "Living Room"))
    assert result["problem"] == "AcousticFailed"
    assert "'Living Room'" in result["message"] and "'pulse'" in result["message"]


def test_an_ambiguous_device_is_refused(sink):
    result = outcome(start(sink, "whole", "u"))  # pulse, default
    assert "Multiple output devices found for 'u'" in result["message"]


def test_a_device_that_vanishes_ends_the_sound():
    with null_sink() as sink:
        child = start(sink, "endless")
        with sink.listening() as captured:
            while not any(block.any() for block in captured):
                time.sleep(0.05)
        sink.close()
        result = outcome(child)
    assert result["problem"] == "AcousticFailed"
    assert "s of sound" in result["message"]
