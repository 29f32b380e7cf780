"""The speaker, played into a null sink: what is played arrives, and what goes wrong is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pulse import DEVICE, NullSink, null_sink
from scipy import signal
from speaker_child import tone

CHILD = Path(__file__).with_name("speaker_child.py")


@pytest.fixture(scope="module")
def sink() -> Iterator[NullSink]:
    with null_sink() as running:
        yield running


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


def similarity(heard: np.ndarray, part: np.ndarray) -> tuple[int, float]:
    """Where a sound is in what was heard, and the correlation coefficient there."""
    heard, part = heard.astype(float), part.astype(float)
    found = signal.correlate(heard, part, "valid")
    at = int(found.argmax())
    return at, found[at] / np.linalg.norm(part) / np.linalg.norm(heard[at : at + len(part)])


@pytest.fixture(scope="module")
def heard(sink) -> tuple[dict, np.ndarray]:
    with sink.listening() as captured:
        result = outcome(start(sink, "whole"))
    return result, np.concatenate(captured)


def test_all_that_is_played_arrives_without_a_gap(heard):
    sound = tone(2.0)
    starts = [
        similarity(heard[1], sound[begin : begin + 4000])[0] - begin for begin in range(0, 32_000, 4000)
    ]
    assert max(starts) - min(starts) <= 1


def test_what_arrives_is_what_was_played(heard):
    at, coefficient = similarity(heard[1], tone(2.0))
    assert coefficient > 0.98
    level = np.sqrt(np.mean(heard[1][at : at + 32_000].astype(float) ** 2))
    assert level == pytest.approx(10_000 / np.sqrt(2), rel=0.03)


def test_the_end_is_played_too(heard):
    assert similarity(heard[1], tone(2.0)[-1600:])[1] > 0.95


def test_the_speaker_tells_what_it_played(heard):
    assert (heard[0]["samples"], heard[0]["underflows"]) == (32_000, 0)


def test_silence_comes_first(heard):
    at, _ = similarity(heard[1], tone(2.0))
    assert at >= 8000
    assert not heard[1][: at - 100].any()


@pytest.mark.parametrize("scenario", ["starving", "stuck"])
def test_a_source_that_is_late_is_an_underflow(sink, scenario):
    result = outcome(start(sink, scenario))
    assert result["problem"] == "AcousticFailed"
    assert "the sound was not made in time, after 1.00 s of sound" in result["message"]


def test_a_source_that_raises_ends_the_sound_and_is_passed_on(sink):
    result = outcome(start(sink, "raising"))
    assert (result["problem"], result["message"]) == ("RuntimeError", "the chirp was not heard")


def test_what_is_no_sound_is_refused(sink):
    assert outcome(start(sink, "bytes_instead"))["problem"] == "TypeError"


def test_a_missing_device_is_told_with_those_that_are_there(sink):
    result = outcome(start(sink, "whole", "Living Room"))
    assert result["problem"] == "AcousticFailed"
    assert "'Living Room'" in result["message"] and "'pulse'" in result["message"]


def test_a_name_that_fits_several_devices_is_refused(sink):
    result = outcome(start(sink, "whole", "u"))  # pulse, default
    assert "2 sound devices are called 'u'" in result["message"]


def test_a_device_that_vanishes_while_it_plays_ends_the_sound_in_seconds():
    with null_sink() as sink:
        child = start(sink, "endless")
        with sink.listening() as captured:
            while not any(block.any() for block in captured):
                time.sleep(0.05)
        sink.close()
        result = outcome(child)
    assert result["problem"] == "AcousticFailed"
    assert "s of sound" in result["message"]
