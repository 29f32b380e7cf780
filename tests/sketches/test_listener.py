"""The streaming mode: its records, their order and their content."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from host_sketch import HostSketch, sketch_library

from harness.link.events import Detection, End, Event, Inference, Loss, Overrun, Pcm
from harness.link.records import RecordParser
from harness.recognizer import DEFAULT
from harness.stats.recognizer import average
from models.data.features import micro_features
from models.data.front_ends import load_front_end

MICRO = load_front_end("micro")
RING = 8192


@pytest.fixture
def sketch() -> Iterator[HostSketch]:
    with HostSketch(sketch_library()) as sketch:
        sketch.begin()
        yield sketch


def noise(seed: int, count: int = 16_000) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9000, 9000, count, np.int16)


def events(lines: list[str]) -> list[Event]:
    parser = RecordParser()
    found = [event for line in lines if line != "m-ready" for event in parser.feed(line.encode(), 0.0)]
    assert not any(isinstance(event, Loss) for event in found)
    return found


def stream(
    sketch: HostSketch, audio: np.ndarray, block: int = 256, period_ms: int = 16, echoed: int = 0
) -> list[Event]:
    """Play `audio` in blocks, run the loop after each, and return all events."""
    sketch.set_clock(ms=0)
    assert sketch.send(f"listen {echoed}%" if echoed else "listen%") == ["m-ready"]
    for number, begin in enumerate(range(0, len(audio), block)):
        sketch.set_clock(ms=(number + 1) * period_ms)
        sketch.hear(audio[begin : begin + block])
        while sketch.step():
            pass
    lines = sketch.send("stop%")
    assert lines[-1] == "m-ready"
    return events(lines)


def scores_of(features: np.ndarray) -> tuple[int, ...]:
    """Return the tiny engine's scores for the last 49 slices, with silence before them."""
    padded = np.concatenate([np.zeros((49, 40), np.uint16), features])[-49:]
    quantized = MICRO.quantize(padded, 26 / 256, -128).reshape(-1).astype(int)
    return tuple(quantized[label::4].max() + 128 for label in range(4))


def test_every_inference_uses_all_slices_so_far_and_the_end_counts_all_records(sketch):
    audio = noise(1)
    features = micro_features(audio)
    found = stream(sketch, audio)
    inferences = [event for event in found if isinstance(event, Inference)]
    assert sum(event.new_slices for event in inferences) == 49
    taken = 0
    for event in inferences:
        taken += event.new_slices
        assert event.scores == scores_of(features[:taken])
    end = found[-1]
    assert isinstance(end, End)
    assert (end.inferences, end.overruns, end.samples) == (len(inferences), 0, 16_000)
    assert end.detections == sum(isinstance(event, Detection) for event in found)


def test_available_slices_are_taken_at_once(sketch):
    found = stream(sketch, noise(3, 8000), block=4000)
    assert [event.new_slices for event in found if isinstance(event, Inference)] == [12, 12]
    assert [type(event) for event in stream(sketch, noise(4, 479))] == [End]


def test_device_time_begins_with_listening(sketch):
    sketch.set_clock(ms=50_000)
    sketch.send("listen%")
    sketch.set_clock(ms=50_040)
    sketch.hear(noise(5, 640))
    sketch.step()
    (inference,) = events(sketch.output())
    assert inference.device_ms == 40


def test_stages_are_timed_without_output_between_them(sketch):
    sketch.send("listen%")
    sketch.hear(noise(6, 480))
    sketch.set_clock(us_between_readings=100)
    sketch.calls()
    sketch.step()
    calls = sketch.calls()
    assert calls.rindex("t") < calls.index("w")
    (inference,) = events(sketch.output())
    assert (inference.preprocess_us, inference.inference_us, inference.postprocess_us) == (100, 100, 100)


def test_remaining_sound_is_processed_at_the_end(sketch):
    sketch.send("listen%")
    sketch.hear(noise(8, 5000))
    inference, end = events(sketch.send("stop%"))
    assert (inference.new_slices, end.samples) == (15, 5000)
    assert not sketch.microphone_on


def test_lost_sound_is_counted(sketch):
    sketch.send("listen%")
    sketch.set_clock(ms=700)
    for block in np.split(noise(9, 10_240), 40):
        sketch.hear(block)
    found = events(sketch.send("stop%"))
    assert isinstance(found[0], Overrun)
    assert (found[0].device_ms, found[0].samples_lost) == (700, 10_240 - RING)
    assert (found[-1].overruns, found[-1].samples) == (1, RING)


def test_each_loss_is_reported_once(sketch):
    sketch.send("listen%")
    losses = []
    for _ in range(2):
        for block in np.split(noise(10, RING + 1024), 36):
            sketch.hear(block)
        sketch.step()
        losses += [event.samples_lost for event in events_of_part(sketch) if isinstance(event, Overrun)]
    assert losses == [1024, 1024]


def events_of_part(sketch: HostSketch) -> list[Event]:
    """Return the events since the last time, anywhere in a stream."""
    parser = RecordParser()
    return [event for line in sketch.output() for event in parser.feed(line.encode(), 0.0)]


def test_the_ring_may_wrap_anywhere(sketch):
    audio = noise(11, 50_000)
    found = stream(sketch, audio, block=771)
    assert found[-1].samples == 50_000
    features = micro_features(audio)
    assert [event for event in found if isinstance(event, Inference)][-1].scores == scores_of(features)
    quantized = MICRO.quantize(features[-49:], 26 / 256, -128)
    assert sketch.send("input%")[0] == f"m-input-crc-{zlib.crc32(quantized.tobytes()):08X}"


def test_a_word_is_reported_with_its_label_and_average(sketch):
    # A tone that begins is loudest in a channel of "yes" to the tiny engine, for a second.
    audio = np.zeros(48_000, np.int16)
    audio[16_000:] = (300 * np.sin(2 * np.pi * 1200 / 16_000 * np.arange(32_000))).astype(np.int16)
    found = stream(sketch, audio)
    (word,) = (event for event in found if isinstance(event, Detection))
    inferences = [event for event in found[: found.index(word)] if isinstance(event, Inference)]
    assert inferences[-1].device_ms == word.device_ms
    averages = average([one.device_ms for one in inferences], [one.scores for one in inferences])
    assert (averages.labels[-1], averages.scores[-1]) == (2, word.score) and word.score > DEFAULT.threshold
    assert word.label == "yes"


def test_a_stream_does_not_depend_on_the_one_before(sketch):
    audio = noise(12)
    first = stream(sketch, audio)
    sketch.send("db load 1960%db 00%")
    assert stream(sketch, audio) == first


def echo_of(found: list[Event]) -> np.ndarray:
    return np.frombuffer(b"".join(event.samples for event in found if isinstance(event, Pcm)), "<i2")


@pytest.mark.parametrize("echoed", [1, 63, 64, 65, 256, 1000, 20_000])
def test_the_echo_equals_the_sound(sketch, echoed):
    audio = noise(17, 30_000)
    audio[:4] = -32768, 32767, -1, 1
    found = stream(sketch, audio, echoed=echoed)
    np.testing.assert_array_equal(echo_of(found), audio[:echoed])
    blocks = [event for event in found if isinstance(event, Pcm)]
    assert [event.first_sample for event in blocks] == list(range(0, echoed, 64))
    assert [event.sequence for event in blocks] == list(range(len(blocks)))
    assert [event.device_ms for event in blocks[:8]] == ([16] * 4 + [32] * 4)[: len(blocks)]


def without_place(event: Event) -> Event:
    """Return the event as at the beginning of a stream."""
    return dataclasses.replace(event, sequence=0, **({} if isinstance(event, End) else {"device_ms": 0}))


@pytest.mark.parametrize("echoed", [1, 64, 1000, 16_000])
def test_listening_starts_afresh_after_the_echo(sketch, echoed):
    audio = np.concatenate([noise(19, echoed), np.zeros(16_000, np.int16)])
    audio[-16_000:] = (300 * np.sin(2 * np.pi * 1200 / 16_000 * np.arange(16_000))).astype(np.int16)
    found = [event for event in stream(sketch, audio, 64, 4, echoed) if not isinstance(event, Pcm)]
    alone = stream(sketch, audio[echoed:], 64, 4)
    if echoed % 64 == 0:  # otherwise slices become complete at other times
        assert [*map(without_place, found)] == [*map(without_place, alone)]
    assert [event for event in found if isinstance(event, Inference)][-1].scores == scores_of(
        micro_features(audio[echoed:])
    )
    assert found[-1].samples == 16_000


def test_a_stopped_echo_sends_all_sound_so_far_and_reports_lost_sound(sketch):
    audio = noise(21, RING + 256)
    sketch.send("listen 100000%")
    for block in np.split(audio, 33):
        sketch.hear(block)
    found = events(sketch.send("stop%"))
    assert isinstance(found[0], Overrun)
    assert found[0].samples_lost == 256
    np.testing.assert_array_equal(echo_of(found), audio[:RING])
    end = found[-1]
    assert isinstance(end, End)
    assert (end.inferences, end.detections, end.overruns, end.samples) == (0, 0, 1, 0)


def test_an_echo_takes_70_kb_of_the_port_per_second(sketch):
    sketch.send("listen 16000%")
    sketch.set_clock(ms=10_000)
    for block in np.split(noise(22), 50):
        sketch.hear(block)
        while sketch.step():
            pass
    assert 69_000 < sum(len(line) + len("\r\n") for line in sketch.output()) < 71_000


@pytest.mark.parametrize("count", ["x", "-1", "4294967296", "1.5"])
def test_an_invalid_number_of_samples_is_refused(sketch, count):
    assert sketch.send(f"listen {count}%") == [
        "e-[Command 'listen' takes a number of samples to send back]",
        "m-ready",
    ]
    assert not sketch.microphone_on


def test_a_broken_microphone_is_reported(sketch):
    sketch.break_microphone()
    assert sketch.send("listen%") == ["e-[The microphone did not start]", "m-ready"]
    assert not sketch.step()


@pytest.mark.parametrize("command", ["name", "boot", "listen", "nonsense"])
def test_any_other_command_ends_listening_first(sketch, command):
    sketch.send("listen%")
    sketch.hear(noise(13, 480))
    lines = sketch.send(f"{command}%")
    assert lines[0].startswith("$inf,0,")
    assert lines[1].startswith("$end,1,1,0,0,480*")
    assert lines[2] == lines[-1] == "m-ready"
    if command != "listen":
        assert sketch.send("stop%") == ["m-ready"]


def test_sound_before_listening_is_discarded(sketch):
    sketch.hear(noise(15, 4000))
    assert stream(sketch, noise(16, 100))[-1].samples == 100
