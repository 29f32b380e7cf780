"""A plugged-in emulated board and the platform's tools: discovery, upload and monitor by their protocols."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from recipes import compile_sketch
from started import dies_with_its_parent

from harness.boards.plugged.control import FOLDER_VARIABLE, SOCKET, ask
from harness.errors import BoardNotFound
from harness.firmware.arduino_platform import PLATFORM, expand, properties
from harness.layout import ROOT
from harness.link.deadline import Deadline

pytestmark = pytest.mark.emulated

SKETCH = Path(__file__).parents[2] / "arduino" / "Hears"
WAIT_S = 120.0


class Tool:
    """A tool of the platform, started as platform.txt says, that is asked line by line."""

    def __init__(self, recipe: str, environment: dict[str, str]) -> None:
        command = shlex.split(
            expand(properties()[recipe], properties() | {"runtime.platform.path": str(PLATFORM)})
        )
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.next()

    def next(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready = select.select([self._process.stdout], [], [], WAIT_S)[0]
        assert ready, "the tool is silent"
        return json.loads(self._process.stdout.readline())

    def ended(self) -> bool:
        return self._process.wait(WAIT_S) == 0

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class Desk:
    """A folder of plugged-in boards, and `earshot emulate` and the tools run with it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="earshot-"))  # short: a socket's path is, too
        self.environment = {**os.environ, FOLDER_VARIABLE: str(self.folder / "boards")}
        self._running: list[Any] = []

    def emulate(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*dies_with_its_parent(), sys.executable, "-m", "harness.cli", "emulate", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def plug_in(self, *arguments: str) -> tuple[subprocess.Popen[str], str]:
        """Return the process and its first line, which names the port."""
        process = self.emulate(*arguments)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "is plugged in at" in line, process.communicate()[1]
        return process, line

    def tool(self, recipe: str) -> Tool:
        tool = Tool(recipe, self.environment)
        self._running.append(tool)
        return tool

    def upload(self, port: str, image: Path) -> subprocess.CompletedProcess[str]:
        values = properties() | {
            "runtime.platform.path": str(PLATFORM),
            "upload.port.address": port,
            "build.path": str(image.parent),
            "build.project_name": image.stem,
        }
        command = shlex.split(expand(values["tools.earshot.upload.pattern"], values))
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=WAIT_S)

    def board(self, number: str = "EARSHOT1") -> Path:
        return self.folder / "boards" / number

    def close(self) -> None:
        for process in self._running:
            if isinstance(process, Tool):
                process.close()
            else:
                process.kill()
                process.communicate()
        shutil.rmtree(self.folder)


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
        "unsigned long next_ms = 0;\n"
        "void setup() { Serial.begin(9600); while (!Serial) ; }\n"
        "void loop() {\n"
        "  if (millis() < next_ms) return;\n"
        "  next_ms = millis() + 200;\n"
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
