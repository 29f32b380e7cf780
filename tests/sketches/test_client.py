"""The client of link/ with the sketch on the host."""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from host_sketch import HostSketch, sketch_library

from harness.errors import ProtocolError
from harness.link.deadline import Deadline
from harness.link.dut import DeviceUnderTest
from harness.link.events import End, Inference, Loss
from harness.link.transcript import TimedLine
from models.data.features import feature_crc, micro_features


class SketchLink:
    """A link to a sketch that answers at once."""

    name = "sketch"

    def __init__(self, sketch: HostSketch) -> None:
        self._sketch = sketch
        self._lines = deque(sketch.begin())

    def write(self, data: bytes) -> None:
        self.take(self._sketch.send(data.decode()))

    def take(self, lines: list[str]) -> None:
        self._lines.extend(lines)

    def next_line(self, deadline: Deadline) -> TimedLine:
        while not self._lines:
            if deadline.expired:
                raise ProtocolError("the sketch says nothing")
            time.sleep(0.001)
        return TimedLine(0.0, self._lines.popleft().encode())

    def close(self) -> None:
        pass


@dataclass
class Bench:
    sketch: HostSketch
    link: SketchLink
    client: DeviceUnderTest

    def play(self, sound: np.ndarray) -> None:
        for begin in range(0, len(sound), 256):
            self.sketch.hear(sound[begin : begin + 256])
            while self.sketch.step():
                self.link.take(self.sketch.output())


@pytest.fixture
def bench() -> Iterator[Bench]:
    with HostSketch(sketch_library()) as sketch:
        link = SketchLink(sketch)
        yield Bench(sketch, link, DeviceUnderTest(link, chunk_bytes=512))


def noise(seed: int, count: int = 16_000) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9000, 9000, count, np.int16)


def test_the_first_question_finds_its_answer_behind_the_greeting(bench):
    assert bench.client.name() == "earshot-memory"
    boot = bench.client.handshake()
    assert (boot.board, boot.variant_id, boot.engine) == ("memory", "tiny", "tiny")


@pytest.mark.parametrize("chunk_bytes", [31, 512])
def test_a_tensor_arrives_byte_for_byte(bench, chunk_bytes):
    client = DeviceUnderTest(bench.link, chunk_bytes)
    client.handshake()
    tensor = noise(1, 980).tobytes()
    client.load(tensor)
    assert client.input_crc() == zlib.crc32(tensor)


def test_the_features_of_a_clip_equal_those_of_the_host(bench):
    bench.client.handshake()
    clip = noise(2)
    assert bench.client.load_clip(clip) == feature_crc(micro_features(clip))


def test_an_inference_has_a_result_for_each_label_and_a_time(bench):
    bench.client.handshake()
    bench.client.load(bytes(1960))
    bench.sketch.set_clock(us=2**32 - 100, us_between_readings=500)
    result = bench.client.infer(5, 2)
    assert len(result.results) == 4
    assert result.lap_us == 100.0


def test_listening_yields_all_inferences_and_the_end(bench):
    bench.client.handshake()
    events = list(bench.client.listen(lambda: bench.play(noise(3))))
    assert sum(isinstance(event, Inference) for event in events) == 49
    assert not [event for event in events if isinstance(event, Loss)]
    assert isinstance(events[-1], End)
    assert events[-1].samples == 16_000


def test_a_sketch_left_listening_is_stopped(bench):
    bench.sketch.send("listen%")
    bench.play(noise(4))
    assert bench.client.handshake().variant_id == "tiny"
    assert bench.client.name() == "earshot-memory"


def test_a_tensor_of_another_size_is_refused(bench):
    bench.client.handshake()
    with pytest.raises(ProtocolError, match="takes 1960 bytes"):
        bench.client.load(bytes(490))
    assert bench.client.name() == "earshot-memory"
