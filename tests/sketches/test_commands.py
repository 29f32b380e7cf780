"""The command mode: the device side of the MLPerf Tiny serial API with Earshot's additions."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from host_sketch import HostSketch, sketch_library
from hypothesis import given
from hypothesis import strategies as st

from harness.link.events import Boot
from harness.link.records import RecordParser
from models.data.features import feature_crc, micro_features
from models.data.front_ends import load_front_end

MICRO = load_front_end("micro")

READY = ["m-ready"]
BYTES = bytes((7 * i + 3) % 256 for i in range(1960))


@pytest.fixture
def sketch() -> Iterator[HostSketch]:
    with HostSketch(sketch_library()) as sketch:
        sketch.begin()
        yield sketch


def started(**model: Any) -> HostSketch:
    sketch = HostSketch(sketch_library(**model))
    sketch.begin()
    return sketch


def load(sketch: HostSketch, data: bytes, chunk: int = 31, command: str = "db load") -> list[str]:
    assert sketch.send(f"{command} {len(data)}%") == [f"m-[Expecting {len(data)} bytes]", "m-ready"]
    for begin in range(0, len(data), chunk):
        reply = sketch.send(f"db {data[begin : begin + chunk].hex()}%")
        if begin + chunk < len(data):
            assert reply == READY
    return reply


def output_of(data: bytes) -> list[float]:
    """Return the tiny int8 engine's dequantized outputs: (q + 128) / 256."""
    elements = np.frombuffer(data, np.int8).astype(int)
    return [(elements[label::4].max() + 128) / 256 for label in range(4)]


def results(lines: list[str]) -> list[float]:
    (line,) = (line for line in lines if line.startswith("m-results-["))
    return [float(value) for value in line[11:-1].split(",")]


def noise(seed: int, count: int = 16_000) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9000, 9000, count, np.int16)


def test_the_sketch_starts_with_a_timestamp():
    with HostSketch(sketch_library()) as sketch:
        sketch.set_clock(us=123_456)
        assert sketch.begin() == ["m-timestamp-mode-performance", "m-lap-us-123456", "m-init-done", "m-ready"]


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("name", "m-name-dut-[earshot-memory]"),
        ("profile", "m-profile-[ULPMark for tinyML Firmware V0.0.1]\nm-model-[tiny]"),
        ("timestamp", "m-lap-us-4294967295"),
        ("\r\nname  ", "m-name-dut-[earshot-memory]"),
        ("", "e-[Unknown command: ]"),
        *((f"{word} 1 2", f"e-[Unknown command: {word}]") for word in ("x", "names", "nam", "NAME", "db2")),
    ],
)
def test_a_command_has_a_reply(sketch, command, reply):
    sketch.set_clock(us=2**32 - 1)
    assert sketch.send(f"{command}%") == [*reply.split("\n"), "m-ready"]


def test_a_command_may_come_in_pieces_and_others_without_a_pause(sketch):
    assert sketch.send("na") == []
    assert sketch.send("\r\nm") == []
    assert sketch.send("e%timestamp%").count("m-ready") == 2


def test_help_names_every_command(sketch):
    words = {line.split()[0] for line in sketch.send("help%")[1:-1]}
    assert words == {
        *("name", "timestamp", "profile", "help", "db", "infer", "results"),
        *("boot", "clip", "icache", "input", "listen", "stop", "cycles"),
    }


def test_boot_identifies_the_image(sketch):
    record, ready = sketch.send("boot%")
    (boot,) = RecordParser().feed(record.encode(), 0.0)
    assert isinstance(boot, Boot)
    assert (boot.protocol, boot.board, boot.variant_id, boot.engine, boot.kernels) == (
        2,
        "memory",
        "tiny",
        "tiny",
        "largest",
    )
    assert (boot.clock_hz, boot.icache, boot.arena_bytes) == (64_000_000, "none", 1964)
    assert re.fullmatch("[0-9a-f]{8}", boot.model_sha256)
    assert re.fullmatch("[0-9a-f]{8}", boot.build_id)
    assert ready == "m-ready"


def test_the_longest_command_is_accepted(sketch):
    load(sketch, BYTES, chunk=512)
    assert results(sketch.send("infer 1 0%")) == output_of(BYTES)


@pytest.mark.parametrize("extra", [1, 5000])
def test_a_longer_command_is_refused(sketch, extra):
    sketch.send("db load 1960%")
    assert sketch.send(f"db {'0' * (1024 + extra)}%") == [
        "e-[Command longer than 1027 characters]",
        "m-ready",
    ]
    assert sketch.send("name%") == ["m-name-dut-[earshot-memory]", "m-ready"]


WORDS = [
    *("name", "db", "load", "print", "clip", "infer", "listen", "stop", "input", "results"),
    *("1960", "4", "0", "00"),
]


@given(
    st.lists(st.lists(st.sampled_from(WORDS) | st.text("019af xyz\r-", max_size=3), max_size=5).map(" ".join))
)
def test_any_command_is_answered_once(commands):
    with started() as sketch:
        for command in commands:
            lines = sketch.send(f"{command}%")
            assert lines[-1] == "m-ready"
            ended_a_stream = any(line.startswith("$end") for line in lines)
            assert lines.count("m-ready") == (2 if ended_a_stream and command.split()[:1] != ["stop"] else 1)


def input_crc(sketch: HostSketch) -> int:
    line, ready = sketch.send("input%")
    assert ready == "m-ready" and re.fullmatch("m-input-crc-[0-9A-F]{8}", line)
    return int(line[-8:], 16)


@pytest.mark.parametrize("chunk", [1, 31, 512])
def test_loaded_bytes_are_the_input(sketch, chunk):
    assert load(sketch, BYTES, chunk) == ["m-load-done", "m-ready"]
    assert input_crc(sketch) == zlib.crc32(BYTES)


def test_digits_may_be_upper_case_and_those_beyond_the_last_byte_are_ignored(sketch):
    sketch.send("db load 1960%")
    for begin in range(0, 1920, 480):
        sketch.send(f"db {BYTES[begin : begin + 480].hex().upper()}%")
    assert sketch.send(f"db {BYTES[1920:].hex()}ffff%") == ["m-load-done", "m-ready"]
    assert input_crc(sketch) == zlib.crc32(BYTES)


def test_print_shows_the_input_eight_bytes_a_line(sketch):
    load(sketch, BYTES)
    lines = sketch.send("db print%")
    assert lines.pop() == "m-ready"
    assert all(re.fullmatch("m-buffer(-[0-9A-F]{2}){8}", line) for line in lines)
    assert bytes.fromhex("".join(line[9:].replace("-", "") for line in lines)) == BYTES


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("db", "Command 'db' requires a subcommand"),
        ("db 00", "Command 'db' comes after 'db load' or 'clip load'"),
        ("db load", "Command 'db load' takes 1960 bytes"),
        ("db load 490", "Command 'db load' takes 1960 bytes"),
        ("db load 4294969256", "Command 'db load' takes 1960 bytes"),
        ("db load 1960x", "Command 'db load' takes 1960 bytes"),
        ("clip", "Command 'clip' requires 'load'"),
        ("clip load", "Command 'clip load' takes an even number of bytes"),
        ("clip load 0", "Command 'clip load' takes an even number of bytes"),
        ("clip load 3", "Command 'clip load' takes an even number of bytes"),
        ("infer 0", "Inference iterations must be >0"),
        ("infer -1", "Inference iterations must be >0"),
        ("infer 1 -1", "Inference warmup must be >=0"),
        *((f"icache{word}", "Command 'icache' takes on or off") for word in ("", " none", " ON")),
        *((f"icache {word}", "The instruction cache stays none") for word in ("on", "off")),
    ],
)
def test_an_impossible_command_is_refused(sketch, command, error):
    assert sketch.send(f"{command}%") == [f"e-[{error}]", "m-ready"]


@pytest.mark.parametrize(
    ("digits", "error"), [("000", "Insufficent number of hex digits"), ("0g", "Invalid hex digit")]
)
def test_loading_continues_after_wrong_digits(sketch, digits, error):
    sketch.send("db load 1960%")
    assert sketch.send(f"db 01{digits}%") == [f"e-[{error}]", "m-ready"]
    for begin in range(0, 1960, 490):
        reply = sketch.send(f"db {BYTES[begin : begin + 490].hex()}%")
    assert reply == ["m-load-done", "m-ready"]
    assert input_crc(sketch) == zlib.crc32(BYTES)


def test_infer_reports_laps_and_results(sketch):
    load(sketch, BYTES)
    sketch.set_clock(us=1000, us_between_readings=250)
    lines = sketch.send("infer 3 2%")
    assert lines[:-2] == [
        "m-warmup-start-2",
        "m-warmup-done",
        "m-infer-start-3",
        "m-lap-us-1250",
        "m-lap-us-1500",
        "m-infer-done",
    ]
    assert results(lines) == output_of(BYTES)
    assert lines[-1] == "m-ready"


def test_infer_defaults_to_one_run_after_ten_warmups(sketch):
    assert {"m-warmup-start-10", "m-infer-start-1"} <= set(sketch.send("infer%"))


def test_nothing_is_sent_while_inference_is_timed(sketch):
    sketch.calls()
    sketch.send("infer 5 5%")
    calls = sketch.calls()
    assert calls.count("t") == 2
    assert "ftt" in calls, "the times are read after a flush with nothing between them"


def test_results_are_repeated_and_the_input_outlives_inferences(sketch):
    load(sketch, BYTES)
    sketch.send("infer 4 4%")
    first = sketch.send("infer 1 0%")
    assert results(first) == results(sketch.send("results%")) == output_of(BYTES)


@pytest.mark.parametrize(
    ("samples", "slices", "chunk"),
    [(16_000, 49, 31), (16_000, 49, 333), (100, 0, 512), (480, 1, 512), (5000, 15, 512), (20_000, 62, 512)],
)
def test_a_clip_becomes_features(sketch, samples, slices, chunk):
    audio = noise(1, samples)
    features = micro_features(audio) if slices else np.zeros((0, 40), np.uint16)
    assert len(features) == slices
    reply = load(sketch, audio.astype("<i2").tobytes(), chunk, "clip load")
    assert reply == [f"m-features-crc-{feature_crc(features):08X}", "m-load-done", "m-ready"]
    padded = np.concatenate([np.zeros((49, 40), np.uint16), features])[-49:]
    quantized = MICRO.quantize(padded, 26 / 256, -128).tobytes()
    assert input_crc(sketch) == zlib.crc32(quantized)
    assert results(sketch.send("infer 1 0%")) == output_of(quantized)


def test_a_clip_does_not_depend_on_the_one_before(sketch):
    audio = noise(2).astype("<i2").tobytes()
    first = load(sketch, audio, 512, "clip load")
    load(sketch, noise(3, 700).astype("<i2").tobytes(), 512, "clip load")
    assert load(sketch, audio, 512, "clip load") == first


def test_a_float_model_gets_float_features_or_raw_floats():
    audio = noise(5)
    with started(precision="float32") as sketch:
        load(sketch, audio.astype("<i2").tobytes(), 512, "clip load")
        features = MICRO.values(micro_features(audio))
        assert input_crc(sketch) == zlib.crc32(features.astype("<f4").tobytes())
        largest = [features.reshape(-1)[label::4].max() / 32 for label in range(4)]
        assert results(sketch.send("infer 1 0%")) == pytest.approx(largest, abs=1e-8)
        values = np.linspace(-3, 40, 1960).astype("<f4").tobytes()
        assert load(sketch, values, 512) == ["m-load-done", "m-ready"]
        assert input_crc(sketch) == zlib.crc32(values)


def test_a_model_with_other_inputs_has_command_mode_only():
    data = bytes(range(245)) * 2
    with started(elements=490, labels=12) as sketch:
        assert load(sketch, data) == ["m-load-done", "m-ready"]
        assert len(results(sketch.send("infer 1 0%"))) == 12
        for command in ("clip load 32000", "listen"):
            answer = ["e-[This model does not take the front end's features]", "m-ready"]
            assert sketch.send(f"{command}%") == answer


@pytest.mark.parametrize("command", ["infer 1 0", "results", "input", "db print", "listen", "cycles"])
def test_a_failed_engine_is_reported(command):
    with started(works=False) as sketch:
        assert sketch.send(f"{command}%") == ["e-[The engine did not start]", "m-ready"]


def test_cycles_are_those_between_two_readings_of_the_clock(sketch):
    sketch.set_clock(us=2**32 - 3, us_between_readings=2)
    stages = ("preprocess", "postprocess", "inference")
    assert sketch.send("cycles%") == [*(f"m-cycles-{stage}-2" for stage in stages), "m-ready"]


def test_clock_without_cycles_is_reported(sketch):
    assert sketch.send("cycles%") == ["e-[This board's clock counts no cycles]", "m-ready"]


def test_the_instruction_cache_is_switched_and_reported(sketch):
    sketch.give_icache()
    for state in ("on", "on", "off"):
        assert sketch.send(f"icache {state}%") == [f"m-icache-[{state}]", "m-ready"]
        (boot,) = RecordParser().feed(sketch.send("boot%")[0].encode(), 0.0)
        assert isinstance(boot, Boot)
        assert boot.icache == state
