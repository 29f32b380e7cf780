"""The client of a device under test, against a simulated device."""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from record_lines import boot_line, inference_line, record
from simulated_device import Behavior, SimulatedDevice

from harness.errors import BoardNotFound, EarshotError, ProtocolError
from harness.link import dut
from harness.link.deadline import Deadline
from harness.link.dut import DeviceUnderTest, InferResult
from harness.link.events import Detection, End, Inference, Loss, Overrun
from harness.link.serial_link import SerialLink


@dataclass(frozen=True)
class Image:
    variant_id: str = "tiny_conv_int8"
    build_id: str = "89abcdef"
    model_sha256: str = "0123abcd" + 56 * "0"


@pytest.fixture
def connect(tmp_path):
    """Returns a function that starts a device and returns it with its client."""
    opened: list[SerialLink | SimulatedDevice] = []

    def start(chunk_bytes: int = 31, **behavior):
        device = SimulatedDevice(Behavior(**behavior))
        link = SerialLink(device.path, tmp_path / "log")
        opened.extend([link, device])
        return device, DeviceUnderTest(link, chunk_bytes, timeout_s=60.0)

    yield start
    for thing in opened:
        thing.close()


def nothing() -> None:
    pass


def expire_after(monkeypatch: pytest.MonkeyPatch, happened: Callable[[], bool]) -> None:
    """Keep each time limit open until something has happened, however slow this machine is."""

    class Patient(Deadline):
        @property
        def expired(self) -> bool:
            return happened() and super().expired

    monkeypatch.setattr(dut, "Deadline", Patient)


@pytest.mark.parametrize("at_boot", [True, False])
def test_the_name_is_found_after_the_lines_of_a_reset(connect, at_boot):
    _, board = connect(at_boot=at_boot)
    assert board.name() == "simulated"


def test_the_handshake_returns_the_running_image(connect):
    _, board = connect()
    boot = board.handshake(Image())
    assert (boot.variant_id, boot.build_id, boot.clock_hz) == ("tiny_conv_int8", "89abcdef", 64_000_000)


@pytest.mark.parametrize(
    ("boot", "named"),
    [
        (boot_line(build="00000000"), ("build 00000000", "build 89abcdef")),
        (boot_line(model="ffffffff"), ("model ffffffff", "model 0123abcd")),
        (boot_line(variant="other"), ("variant other", "variant tiny_conv_int8")),
        (boot_line(protocol=1), ("version 1, expected 2",)),
    ],
)
def test_another_image_or_protocol_is_refused_and_both_are_named(connect, boot, named):
    _, board = connect(boot=boot)
    with pytest.raises(ProtocolError) as caught:
        board.handshake(Image())
    assert all(words in caught.value.what for words in named)


def test_a_device_that_is_not_ours_has_no_handshake(connect):
    _, board = connect(boot=b"")
    with pytest.raises(ProtocolError, match=r"not run our sketch.*Unknown command: boot"):
        board.handshake(Image())
    assert board.name() == "simulated"


def test_half_a_command_of_an_earlier_host_is_skipped(connect):
    device, board = connect(half_a_command=b"db 00")
    assert board.handshake(Image()).build_id == "89abcdef"
    assert board.name() == "simulated"
    assert device.commands == ["db 00boot", "boot", "name"]


@pytest.mark.parametrize("line", [inference_line(0, 20), record("pcm", 0, 4, 0, "3412")])
def test_a_board_that_still_listens_or_echoes_is_stopped_first(connect, line):
    device, board = connect(streaming=True, stream=[line, record("end", 1, 0, 0, 0, 0)])
    assert board.handshake(Image()).build_id == "89abcdef"
    assert board.name() == "simulated"
    assert device.commands.count("stop") == 1


@pytest.mark.parametrize(
    ("chunk_bytes", "buffer_bytes", "size", "lines"),
    [(31, 80, 1, 1), (31, 80, 31, 1), (31, 80, 490, 16), (500, 1100, 1960, 4)],
)
def test_load_sends_every_byte_in_lines_that_fit_the_buffer(connect, chunk_bytes, buffer_bytes, size, lines):
    device, board = connect(chunk_bytes=chunk_bytes, buffer_bytes=buffer_bytes)
    board.name()
    tensor = bytes(np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8))
    board.load(tensor)
    assert device.loaded == tensor
    assert board.input_crc() == zlib.crc32(tensor)
    assert len(device.commands) == lines + 3


def test_a_line_that_the_device_cuts_is_an_error(connect):
    _, board = connect(chunk_bytes=100)
    board.name()
    with pytest.raises(ProtocolError, match=r"Insufficent number of hex digits|m-load-done"):
        board.load(bytes(490))


def test_an_inference_returns_results_and_time(connect):
    _, board = connect()
    board.name()
    result = board.infer(7, 2)
    assert result == InferResult((0.0, 0.25, 0.75, 0.0), (0xFFFFFFFF - 500, 6499), 7)
    assert result.lap_us == 1000.0  # the clock wrapped between the two


def test_a_device_in_energy_mode_has_no_times(connect):
    _, board = connect(lines={"infer": [b"m-infer-done", b"m-results-[1.0,0.0]", b"m-ready"]})
    board.name()
    assert board.infer().lap_us is None


@pytest.mark.parametrize("laps", [[5000], [5000, 4000], [5000, 5000], [1, 2, 3]])
def test_laps_that_are_no_two_growing_times_are_missing(connect, laps):
    lines = [*(b"m-lap-us-%d" % lap for lap in laps), b"m-results-[1.0,0.0]", b"m-ready"]
    _, board = connect(lines={"infer": lines})
    board.name()
    assert board.infer().lap_us is None


@pytest.mark.parametrize(
    "quirk",
    [
        {"before": b"\0"},
        {"before": b"\0\0", "end": b"\0\r\n"},
        {"echo": True},
        {"echo": True, "before": b"\0"},
        {"ready": b"m-ready m-ready\r\n"},
        {"ready": b"m-readym-ready\r\n"},
        {"ready": b"m-ready\r\nm-ready\r\n"},
        {"end": b"\r\n\r\n"},
        {"end": b"\n"},
    ],
    ids=str,
)
def test_devices_that_write_in_other_ways_are_understood(connect, quirk):
    device, board = connect(**quirk)
    tensor = bytes(range(70))
    for _ in range(2):
        assert board.name() == "simulated"
        board.load(tensor)
        assert device.loaded == tensor
        result = board.infer(2, 1)
        assert (result.results, result.lap_us) == ((0.0, 0.25, 0.75, 0.0), 1000.0)


@pytest.mark.parametrize(
    "results",
    ["", "0.1,x", "0.1,,0.2", "0,004,0,996", "0,5,0,5", "0,004;0,996", "1_0.0,0.0", "0x1.8", "9" * 500],
)
def test_results_that_are_no_numbers_are_an_error(connect, results):
    _, board = connect(results=results)
    board.name()
    with pytest.raises(ProtocolError, match="not all numbers"):
        board.infer()


@pytest.mark.parametrize("chunk_bytes", [31, 30, 64])
def test_a_clip_is_sent_in_whole_samples(connect, chunk_bytes):
    device, board = connect(chunk_bytes=chunk_bytes, buffer_bytes=200)
    board.name()
    pcm = np.arange(-800, 800, dtype=np.int16)
    assert board.load_clip(pcm) == zlib.crc32(pcm.astype("<i2").tobytes())
    assert device.loaded == pcm.astype("<i2").tobytes()
    assert all(len(command[3:]) % 4 == 0 for command in device.commands if command.startswith("db "))


def test_after_a_timeout_the_client_stays_broken(connect, monkeypatch):
    device, board = connect(lines={"input": []})
    board.name()
    board._timeout_s = 0.2
    expire_after(monkeypatch, lambda: "input" in device.commands)
    with pytest.raises(ProtocolError, match="did not answer"):
        board.input_crc()
    count = len(device.commands)
    with pytest.raises(ProtocolError, match="did not answer"):
        board.name()
    assert len(device.commands) == count, "a late answer would belong to another question"


def test_a_timeout_names_lines_that_are_no_answers(connect, monkeypatch):
    _, board = connect(at_boot=False, before=b"> ", ready=b"> m-ready\r\n")
    board._timeout_s = 0.2
    expire_after(monkeypatch, lambda: bool(board.printed))
    with pytest.raises(ProtocolError, match=r'did not answer.*it printed "> m-name-dut-\[simulated\]'):
        board.name()


def test_listening_yields_every_record_in_order_each_time(connect):
    device, board = connect()
    board.handshake()
    for _ in range(2):
        events = list(board.listen(nothing))
        assert [type(event) for event in events] == [Inference, Inference, Detection, Overrun, End]
    assert device.commands == ["boot", "listen", "stop", "listen", "stop"]
    assert board.name() == "simulated"


def test_echoed_samples_come_first(connect):
    stream = [
        record("pcm", 0, 4, 0, 64 * "3412"),
        record("pcm", 1, 5, 64, 16 * "FFFF"),
        inference_line(2, 40),
        record("end", 3, 1, 0, 0, 480),
    ]
    device, board = connect(stream=stream)
    board.handshake()
    first, second, *others = board.listen(nothing, echo_samples=80)
    assert (first.samples, second.samples) == (64 * b"\x34\x12", 32 * b"\xff")
    assert [type(event) for event in others] == [Inference, End]
    assert device.commands[1:] == ["listen 80", "stop"]


def test_records_are_yielded_while_the_sound_plays(connect):
    device, board = connect()
    board.handshake()
    played = threading.Event()
    stream = board.listen(lambda: played.wait(60.0) or pytest.fail("nothing was yielded"))
    next(stream)
    assert device.commands == ["boot", "listen"], "`stop` follows the sound"
    played.set()
    assert isinstance(list(stream)[-1], End)


def test_a_missing_end_record_is_a_loss(connect):
    _, board = connect(stream=[inference_line(0), b"$end,1,1,0,0,320*0000"])
    board.handshake()
    losses = [(event.reason, event.lost) for event in board.listen(nothing) if isinstance(event, Loss)]
    assert losses == [("checksum", 0), ("no end", 1)]
    assert board.name() == "simulated"


def test_silence_ends_listening(connect):
    stop = threading.Event()
    _, board = connect()
    board.handshake()
    with pytest.raises(ProtocolError, match=r"within 0\.2 s"):
        list(board.listen(stop.wait, silence_s=0.2))
    stop.set()


def test_abandoned_listening_breaks_the_client(connect):
    _, board = connect()
    board.handshake()
    stream = board.listen(nothing)
    next(stream)
    stream.close()
    with pytest.raises(ProtocolError, match="abandoned"):
        board.name()


def test_an_unplugged_device_ends_listening_at_once(connect):
    device, board = connect()
    board.handshake()
    stop = threading.Event()
    threading.Timer(0.1, device.close).start()
    with pytest.raises(EarshotError) as caught:
        list(board.listen(stop.wait, silence_s=60.0))
    stop.set()
    assert isinstance(caught.value, BoardNotFound)


@pytest.mark.parametrize(
    ("line", "message"), [(boot_line(), "restarted"), (b"e-[Microphone failed]", "Microphone failed")]
)
def test_a_restart_or_an_error_ends_listening(connect, line, message):
    _, board = connect(stream=[inference_line(0), line, record("end", 0, 0, 0, 0, 0)])
    board.handshake()
    with pytest.raises(ProtocolError, match=message):
        list(board.listen(nothing))


@pytest.mark.parametrize("is_silent", [False, True])
def test_a_failure_of_the_sound_is_raised(connect, is_silent, monkeypatch):
    def feed() -> None:
        raise OSError("the sound card is gone")

    device, board = connect()
    board.handshake()
    if is_silent:
        device.behavior.stream = []
        device.behavior.lines |= {"listen": [b"m-ready"], "stop": []}
        expire_after(monkeypatch, lambda: "stop" in device.commands)
    with pytest.raises(OSError, match="sound card"):
        list(board.listen(feed, silence_s=0.2 if is_silent else 10))
    if not is_silent:
        assert board.name() == "simulated", "the board was stopped"


@pytest.mark.parametrize(
    ("command", "reply", "call"),
    [
        ("input", b"e-[Unknown command: input]", lambda board: board.input_crc()),
        ("operators", b"e-[Unknown command: operators]", lambda board: board.operator_cycles()),
        ("icache", b"e-[The instruction cache stays none]", lambda board: board.set_icache("on")),
        ("db load", b"Supplied buffer size 9 exceeds maximum of 4", lambda board: board.load(bytes(9))),
    ],
)
def test_a_refused_command_leaves_both_sides_in_step(connect, command, reply, call):
    _, board = connect(lines={command: [reply, b"m-ready"]})
    board.name()
    with pytest.raises(ProtocolError, match=re.escape(reply.decode())):
        call(board)
    assert board.name() == "simulated"


def test_cycles_that_cannot_be_counted_are_a_failure(connect):
    _, board = connect(lines={"cycles": [b"e-[Inference failed]", b"m-ready"]})
    board.name()
    with pytest.raises(ProtocolError, match="Inference failed"):
        board.stage_cycles()


OPERATORS = [record("op,0,320000"), record("op,1,1500"), record("ops,2,2,321600")]


def test_operators_have_the_cycles_of_their_records(connect):
    _, board = connect(lines={"operators": [*OPERATORS, b"m-ready"]})
    board.name()
    assert board.operator_cycles() == ([320_000, 1_500], 321_600)


@pytest.mark.parametrize(
    "lines",
    [
        OPERATORS[:1] + OPERATORS[2:],
        [OPERATORS[0].replace(b"32", b"33"), *OPERATORS[1:]],
        OPERATORS[:2],
        [OPERATORS[1], OPERATORS[0], OPERATORS[2]],
    ],
    ids=["missing", "damaged", "without an end", "out of order"],
)
def test_operators_with_a_record_that_is_not_whole_are_a_failure(connect, lines):
    _, board = connect(lines={"operators": [*lines, b"m-ready"]})
    board.name()
    with pytest.raises(ProtocolError, match="arrived intact and in order"):
        board.operator_cycles()


def test_a_failure_has_what_the_device_printed(connect):
    lines = [b"Hybrid models are not supported.", b"Node CONV_2D failed", b"e-[Inference failed]", b"m-ready"]
    _, board = connect(at_boot=False, lines={"infer": lines})
    with pytest.raises(
        ProtocolError, match=r"Inference failed.*printed \"Hybrid models.*; Node CONV_2D failed"
    ):
        board.infer()


def test_what_a_device_sends_becomes_one_printable_line_of_an_error(connect):
    _, board = connect(lines={"input": [b"\x1b[2J\r\x07" + b"x" * 3000, b"m-input-crc-\x00\xff", b"m-ready"]})
    board.name()
    with pytest.raises(ProtocolError) as caught:
        board.input_crc()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1300
