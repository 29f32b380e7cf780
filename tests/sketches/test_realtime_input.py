"""Commands to a board during endless sound."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from board_program import PRINT, Terminal, clock_of, image_of
from host_library import STORE
from tiny_engine import TinyEngine, tiny_model

from harness.boards.emulated import EmulatedBoard
from harness.boards.qemu.clock import Clock
from harness.boards.qemu.machine import Machine
from harness.boards.qemu.tools import find_qemu
from harness.errors import AcousticFailed, BoardNotFound, EarshotError, ProtocolError
from harness.link.deadline import Deadline
from harness.link.dut import SKETCH_CHUNK_BYTES, DeviceUnderTest
from harness.link.events import End, Inference, Loss, Pcm
from harness.link.serial_link import SerialLink

pytestmark = pytest.mark.emulated

BLOCK = 800  # samples of 50 ms

# Echoes its input; 'm' starts the microphone, 'n' prints the number of buffers so far.
TALKER = (
    "#include <PDM.h>\n"
    + PRINT
    + """
static volatile uint32_t buffers;
static void receive() {
  int16_t samples[256];
  while (PDM.read(samples, sizeof samples) > 0) {}
  buffers = buffers + 1;
}
void setup() {
  Serial.begin(115200);
  while (!Serial) {}
  PDM.onReceive(receive);
}
void loop() {
  yield();
  while (Serial.available()) {
    const char c = Serial.read();
    if (c == 'm') PDM.begin(1, 16000);
    if (c == 'n') print(buffers, '\\n');
    Serial.write(&c, 1);
  }
  Serial.flush();
}
"""
)


class EndlessSound:
    """Sound that plays whenever the machine's microphone is on, until it is stopped."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._over = threading.Event()
        self.played: list[bytes] = []
        self._generator = np.random.default_rng(1)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._machine.play(self._blocks())
            except AcousticFailed:
                continue  # the board stopped to listen
            except (EarshotError, FileNotFoundError):
                return

    def _blocks(self) -> Iterator[bytes]:
        while not self._over.is_set():
            block = self._generator.integers(-9000, 9000, BLOCK, np.int16).tobytes()
            self.played.append(block)
            yield block
            self._over.wait(BLOCK / 16_000)


@pytest.fixture(params=["modeled cycles", "instructions"])
def talker(request):
    clock = clock_of() if request.param == "modeled cycles" else Clock()
    machine = Machine(find_qemu(), image_of(TALKER), clock, live=True)
    terminal = Terminal(machine.port)
    yield machine, terminal
    terminal.close()
    machine.close()


def test_the_board_answers_during_endless_sound(talker):
    machine, terminal = talker
    terminal.send(b"m")
    assert terminal.read_until(b"m") == b"m"
    sound = EndlessSound(machine)
    count, counts = 0, []
    while len(counts) < 3:
        terminal.send(b"n")
        before, count = count, int(terminal.read_until(b"n").split(b"\n")[0])
        if count > before:
            counts.append(count)
    sound.stop()


def test_every_byte_is_echoed(talker):
    _, terminal = talker
    everything = bytes(value for value in range(256) if value not in b"mn") * 40
    received = b""
    for _ in range(2):
        terminal.send(everything + b"n")
        received = terminal.read_until(b"0\nn")
    assert received == everything + b"0\nn"


def test_an_idle_board_takes_no_processor_time(talker):
    machine, terminal = talker
    terminal.send(b"x")
    terminal.read_until(b"x")

    def processor_s() -> float:
        fields = Path(f"/proc/{machine.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    before = processor_s()
    time.sleep(1.0)
    assert processor_s() - before < 0.5


def test_the_port_hangs_up_when_the_machine_ends(talker):
    machine, _ = talker
    with SerialLink(machine.port) as link:
        machine.close()
        with pytest.raises(BoardNotFound, match="gone"):
            link.next_line(Deadline(60.0))


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    with EmulatedBoard(STORE) as board:
        return board.build(tiny_model(tmp_path_factory.mktemp("model")), TinyEngine()).image


@pytest.fixture
def listening(image, tmp_path):
    machine = Machine(find_qemu(), image, clock_of(), live=True)
    with SerialLink(machine.port, tmp_path / "log") as link:
        device = DeviceUnderTest(link, SKETCH_CHUNK_BYTES)
        device.handshake()
        yield machine, device
    machine.close()


def test_stop_ends_listening_during_endless_sound(listening):
    machine, device = listening
    sound = EndlessSound(machine)
    for _ in range(2):
        enough, events = threading.Event(), []
        for event in device.listen(enough.wait, echo_samples=1600):
            events.append(event)
            if sum(isinstance(event, Inference) for event in events) == 6:
                enough.set()
        assert isinstance(events[-1], End)
        assert not [event for event in events if isinstance(event, Loss)]
        echoed = b"".join(event.samples for event in events if isinstance(event, Pcm))
        assert len(echoed) == 2 * 1600
        assert b"".join(sound.played).find(echoed) % 2 == 0
    assert device.name() == "earshot-emulated"
    sound.stop()


def test_without_realtime_commands_wait_for_the_end_of_the_sound(image, tmp_path):
    machine = Machine(find_qemu(), image, clock_of())
    with SerialLink(machine.port, tmp_path / "log") as link:
        DeviceUnderTest(link, SKETCH_CHUNK_BYTES).handshake()
        sound = EndlessSound(machine)
        link.write(b"listen%")
        while len(sound.played) < 5:  # the board listens
            time.sleep(0.01)
        with pytest.raises(ProtocolError, match="did not answer"):
            DeviceUnderTest(link, SKETCH_CHUNK_BYTES, timeout_s=0.7).name()
        sound.stop()
    machine.close()
