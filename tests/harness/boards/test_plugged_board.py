"""A plugged-in emulated board and the platform's tools: discovery, upload and monitor by their protocols."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugged_desk import WAIT_S, Desk
from pulse import SINK, null_sink
from recipes import compile_sketch

from harness.boards.plugged.control import SOCKET, ask
from harness.boards.plugged.microphone import Microphone
from harness.errors import AcousticFailed, BoardNotFound
from harness.firmware.arduino_platform import properties
from harness.link.deadline import Deadline

pytestmark = pytest.mark.emulated

SKETCH = Path(__file__).parents[2] / "arduino" / "Hears"


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    return compile_sketch(SKETCH, tmp_path_factory.mktemp("hears") / "build")


def read_until(line: socket.socket, pattern: bytes) -> bytes:
    """Read until the bytes so far end with a line that matches."""
    received = b""
    line.settimeout(WAIT_S)
    while not re.search(pattern, received, re.M):
        data = line.recv(4096)
        assert data, received
        received += data
    return received


def test_a_microphone_whose_sound_system_is_gone_is_a_failure(tmp_path, monkeypatch):
    with null_sink() as sink:
        for name, value in sink.environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(AcousticFailed, match="No such entity"):
            Microphone("another.monitor")
        microphone = Microphone(f"{SINK}.monitor")
        assert microphone.failure is None
        sink.daemon.kill()
        ended = Deadline(WAIT_S)
        while microphone.failure is None:
            assert not ended.expired
            time.sleep(0.02)
        assert "cannot be heard" in str(microphone.failure)
    with pytest.raises(AcousticFailed, match="Connection refused"):
        Microphone(f"{SINK}.monitor")


def test_a_strangers_sketch_is_discovered_uploaded_to_and_monitored(desk, image):
    discovery = desk.tool("pluggable_discovery.earshot.pattern")
    assert discovery.ask('HELLO 1 "test 1.0"') == {
        "eventType": "hello",
        "message": "OK",
        "protocolVersion": 1,
    }
    assert discovery.ask("START")["message"] == "OK"
    assert discovery.ask("START_SYNC")["message"] == "OK"
    desk.plug_in()
    added = discovery.next()
    assert added["eventType"] == "add"
    port = added["port"]
    assert port["protocol"] == "serial"
    assert port["hardwareId"] == port["properties"]["serialNumber"] == "EARSHOT1"
    wanted = {key: properties()[f"upload_port.{key}"] for key in ("vid", "pid")}
    assert {key: port["properties"][key] for key in wanted} == wanted

    done = desk.upload(port["address"], image)
    assert (done.returncode, done.stderr) == (0, "")
    assert discovery.next() == {
        "eventType": "remove",
        "port": {"address": port["address"], "protocol": "serial"},
    }
    again = discovery.next()["port"]
    assert again["address"] != port["address"]
    assert again["hardwareId"] == port["hardwareId"]
    assert discovery.ask("STOP")["eventType"] == "stop"
    assert discovery.ask("LIST")["ports"] == [again]
    assert discovery.ask("QUIT")["eventType"] == "quit" and discovery.ended()

    monitor = desk.tool("pluggable_monitor.pattern.serial")
    assert monitor.ask('HELLO 1 "test 1.0"')["protocolVersion"] == 1
    parameters = monitor.ask("DESCRIBE")["port_description"]["configuration_parameters"]
    assert "9600" in parameters["baudrate"]["value"]
    assert monitor.ask("CONFIGURE baudrate 9600")["message"] == "OK"
    with socket.create_server(("127.0.0.1", 0)) as server:
        opened = monitor.ask(f"OPEN 127.0.0.1:{server.getsockname()[1]} {again['address']}")
        assert opened == {"eventType": "open", "message": "OK"}
        line, _ = server.accept()
        with line:
            heard = read_until(line, rb"samples \d\d+, level 0\.\d+ of 0x7FFF\r$")
            assert heard.startswith(b"listening\r\n")
            line.sendall(b" 41 \n")
            assert b"command 41\r\n41=42, printed\n" in read_until(line, rb"printed$")
            assert monitor.ask("CLOSE")["message"] == "OK"
            assert monitor.ask("CLOSE")["error"]
    assert monitor.ask("QUIT")["eventType"] == "quit" and monitor.ended()


def test_time_of_a_board_is_real_time(desk, tmp_path):
    sketch = tmp_path / "Ticks"
    sketch.mkdir()
    (sketch / "Ticks.ino").write_text(
        "void setup() { Serial.begin(9600); while (!Serial) ; }\n"
        "void loop() {\n"
        "  for (volatile long n = 0; n < 600000; ++n) ;\n"
        "  delay(100);\n"
        "  Serial.println(millis());\n"
        "}\n"
    )
    image = compile_sketch(sketch, tmp_path / "build")
    desk.plug_in()
    assert desk.upload(str(desk.board() / "ttyACM0"), image).returncode == 0
    port = wait_for_port(desk.board())
    begin = time.monotonic()
    with Path(port).open("rb", buffering=0) as terminal:
        lines = [terminal.readline() for _ in range(11)]
        took_s = time.monotonic() - begin
    board_s = (int(lines[-1]) - int(lines[0])) / 1000
    assert board_s == pytest.approx(2.0, abs=0.3)
    assert took_s > 0.8 * board_s


def wait_for_port(board: Path) -> str:
    deadline = Deadline(WAIT_S)
    while not (port := ask(board, do="state")["port"]):
        assert not deadline.expired
        time.sleep(0.01)
    return port


def test_two_boards_have_different_numbers_and_ports(desk):
    desk.plug_in()
    desk.plug_in()
    discovery = desk.tool("pluggable_discovery.earshot.pattern")
    discovery.ask('HELLO 1 "test 1.0"')
    discovery.ask("START")
    ports = discovery.ask("LIST")["ports"]
    assert [port["hardwareId"] for port in ports] == ["EARSHOT1", "EARSHOT2"]
    assert len({port["address"] for port in ports}) == 2


def test_tools_refuse_what_is_no_command(desk):
    for recipe in ("pluggable_discovery.earshot.pattern", "pluggable_monitor.pattern.serial"):
        answer = desk.tool(recipe).ask("FLY")
        assert (answer["eventType"], answer["error"]) == ("command_error", True)


def test_monitor_tells_why_a_port_does_not_open_or_closes(desk):
    process, _ = desk.plug_in()
    monitor = desk.tool("pluggable_monitor.pattern.serial")
    monitor.ask('HELLO 1 "test 1.0"')
    assert monitor.ask("CONFIGURE parity N")["error"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = f"127.0.0.1:{server.getsockname()[1]}"
        answer = monitor.ask(f"OPEN {client} {desk.board()}/ttyACM9")
        assert answer["error"] and "ttyACM9" in answer["message"]
        assert monitor.ask(f"OPEN {client} {desk.board()}/ttyACM0")["message"] == "OK"
        process.kill()
        closed = monitor.next()
        assert closed["eventType"] == "port_closed" and "unplugged" in closed["message"]


def test_interrupted_board_is_gone(desk):
    process, _ = desk.plug_in()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=WAIT_S) == ("Unplugged.\n", "")
    assert process.returncode == 0
    assert not desk.board().exists()


def test_board_whose_process_was_killed_can_be_plugged_in_again(desk):
    process, _ = desk.plug_in()
    process.kill()
    process.wait()
    assert (desk.board() / SOCKET).exists()
    _, line = desk.plug_in()
    assert line.startswith("Board EARSHOT1 is plugged in at ")


def test_number_in_use_is_refused_in_one_line(desk):
    desk.plug_in("--serial-number", "KITCHEN")
    _, told = desk.emulate("--serial-number", "KITCHEN").communicate(timeout=WAIT_S)
    assert re.fullmatch(
        r"earshot: usage: an emulated board KITCHEN is plugged in already .*--serial-number.*\n", told
    )


@pytest.mark.parametrize("number", ["../up", "a b", "x" * 33])
def test_number_that_is_no_name_is_refused_in_one_line(desk, number):
    process = desk.emulate("--serial-number", number)
    _, told = process.communicate(timeout=WAIT_S)
    assert process.returncode == 2
    assert re.fullmatch(r"earshot: usage: a serial number has 1 to 32 letters.*\n", told)


def test_upload_without_a_board_is_refused_in_one_line(desk, image):
    done = desk.upload("/dev/ttyACM0", image)
    assert done.returncode == 1
    assert re.fullmatch(r"no emulated board is plugged in at /dev/ttyACM0\. .*emulate.*\n", done.stderr)


def test_file_that_is_no_image_for_this_board_is_refused_and_the_board_stays(desk, tmp_path):
    desk.plug_in()
    other = tmp_path / "Other.ino.elf"
    other.write_bytes(Path(shutil.which("true") or sys.executable).read_bytes())
    done = desk.upload(str(desk.board() / "ttyACM0"), other)
    assert done.returncode == 1
    assert re.fullmatch(r".*Other\.ino\.elf is not an image for the emulated board: .*\n", done.stderr)
    assert ask(desk.board(), do="state")["port"] == str(desk.board() / "ttyACM0")
    with pytest.raises(BoardNotFound, match="not a request"):
        ask(desk.board(), do="fly")


def test_sketch_that_ends_by_itself_is_told_and_can_be_replaced(desk, tmp_path, image):
    sketch = tmp_path / "Ends"
    sketch.mkdir()
    (sketch / "Ends.ino").write_text("void setup() { delay(50); abort(); }\nvoid loop() {}\n")
    process, _ = desk.plug_in()
    port = str(desk.board() / "ttyACM0")
    assert desk.upload(port, compile_sketch(sketch, tmp_path / "build")).returncode == 0
    assert process.stderr is not None
    told = [process.stderr.readline() for _ in range(2)]
    assert "the sketch aborted" in told[1], told
    assert desk.upload(wait_for_port(desk.board()), image).returncode == 0
